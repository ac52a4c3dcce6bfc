"""Stop, opt-out and cancellation between the intent of a row and its content."""

import time

from tandem.kit.clock import Clock
from tandem.messenger.contacts import queries as contacts
from tandem.messenger.delivery import cancelling, claims
from tandem.messenger.delivery.claims import Claim, Row, SubBlock
from tandem.messenger.delivery.domain import AttemptState, Outcome

GATE_SECONDS = 0.25


class Gate:
    """Stop, opt-out and cancellation, read again at each content when the last reading is older than GATE_SECONDS."""

    def __init__(self, claim: Claim, part: SubBlock, clock: Clock) -> None:
        self._claim = claim
        self._channel = part.channel
        self._contacts = [row.contact_id for row in part.rows]
        self._ignoring = frozenset(row.contact_id for row in part.rows if row.ignore_opt_out)
        self._customers = [row.customer for row in part.rows]
        self._cancelled: frozenset[str] = frozenset()
        self._clock = clock
        self._read_at = time.monotonic()
        self._stopped = False
        self.reasons: dict[int, str] = {}

    def open_for(self, row: Row) -> bool:
        """Whether this row may still leave."""
        if time.monotonic() - self._read_at > GATE_SECONDS:
            self._read()
        cancelled = row.customer in self._cancelled
        return not (self._stopped or cancelled or row.contact_id in self.reasons)

    def outcome_for(self, row: Row) -> Outcome:
        """What a row becomes that may not leave: cancelled, free again if all stopped, else its reason."""
        if row.customer in self._cancelled:
            return Outcome(state=AttemptState.CANCELLED)
        reason = "" if self._stopped else self.reasons.get(row.contact_id, "")
        if not reason:
            return Outcome(state=AttemptState.PENDING)
        suppressed = reason in claims.SUPPRESSED_WORDS
        return Outcome(state=AttemptState.SUPPRESSED if suppressed else AttemptState.SKIPPED)

    def _read(self) -> None:
        self._stopped = claims.is_stopped(self._claim)
        self._cancelled = cancelling.named_of(self._claim.account, self._claim.sending, self._customers)
        self.reasons = dict(
            contacts.reasons(
                self._claim.account,
                self._channel.value,
                self._contacts,
                now=self._clock.system(),
                ignoring=self._ignoring,
            )
        )
        self._read_at = time.monotonic()
