"""Stop and opt-out between the intent of a row and its content."""

import time

from tandem.kit.clock import Clock
from tandem.messenger.contacts import queries as contacts
from tandem.messenger.delivery import claims
from tandem.messenger.delivery.claims import Claim, Row, SubBlock
from tandem.messenger.delivery.domain import AttemptState, Outcome

GATE_SECONDS = 0.25


class Gate:
    """Stop and opt-out, read again at each content when the last reading is older than GATE_SECONDS."""

    def __init__(self, claim: Claim, part: SubBlock, clock: Clock) -> None:
        self._claim = claim
        self._channel = part.channel
        self._contacts = [row.contact_id for row in part.rows]
        self._clock = clock
        self._read_at = time.monotonic()
        self._stopped = False
        self.reasons: dict[int, str] = {}

    def open_for(self, row: Row) -> bool:
        """Whether this row may still leave."""
        if time.monotonic() - self._read_at > GATE_SECONDS:
            self._read()
        return not self._stopped and row.contact_id not in self.reasons

    def outcome_for(self, row: Row) -> Outcome:
        """What a row becomes that may not leave: free again if all stopped, else its reason."""
        reason = "" if self._stopped else self.reasons.get(row.contact_id, "")
        if not reason:
            return Outcome(state=AttemptState.PENDING)
        suppressed = reason in claims.SUPPRESSED_WORDS
        return Outcome(state=AttemptState.SUPPRESSED if suppressed else AttemptState.SKIPPED)

    def _read(self) -> None:
        self._stopped = claims.is_stopped(self._claim)
        self.reasons = dict(
            contacts.reasons(
                self._claim.account, self._channel.value, self._contacts, now=self._clock.system()
            )
        )
        self._read_at = time.monotonic()
