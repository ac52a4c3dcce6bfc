"""Sendings that pause by themselves: too much came back, too many complained, or the next hop refuses too much.

Each says why and waits for a person. Once a person has let it go on, the rule that was broken breaks again at twice as
much: who takes a risk takes that one, and not whatever comes.
"""

import logging
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.messenger.accounts import service as accounts
from tandem.messenger.delivery.domain import AttemptState, SendingState
from tandem.messenger.delivery.models import Attempt, Sending
from tandem.messenger.delivery.rows import Change
from tandem.messenger.pacing import service as pacing
from tandem.messenger.pacing.domain import PauseRules, Seen

log = logging.getLogger("tandem.sender")
JUDGED_SECONDS = 1.0
SENDINGS_KEPT = 1000
_TRIED = frozenset(
    {AttemptState.ACCEPTED, AttemptState.REJECTED, AttemptState.DEFERRED, AttemptState.UNCERTAIN}
)
_ERRORS = frozenset({AttemptState.REJECTED, AttemptState.DEFERRED})


@dataclass(kw_only=True)
class _Count:
    tried: int = 0
    errors: int = 0
    judged: float = 0.0


class ErrorsSeen:
    """What one sender has met in each sending since it began with it, or since it last paused."""

    def __init__(self) -> None:
        self._counts: dict[tuple[int, int], _Count] = {}

    def note(self, account: int, sending: int, changes: Iterable[Change]) -> None:
        """Count what became of rows."""
        count = self._counts.pop((account, sending), None) or _Count()
        self._counts[account, sending] = count  # the last one noted is the last one forgotten
        if len(self._counts) > SENDINGS_KEPT:
            del self._counts[next(iter(self._counts))]
        for state, number in Counter([change.outcome.state for change in changes]).items():
            count.tried += number if state in _TRIED else 0
            count.errors += number if state in _ERRORS else 0

    def judge(self, account: int, sending: int, *, clock: Clock) -> bool:
        """Pause the sending if its account's rules say so; whether it was paused. At most once a second it is asked."""
        count = self._counts.get((account, sending))
        now = time.monotonic()
        if count is None or not count.errors or now - count.judged < JUDGED_SECONDS:
            return False
        count.judged = now
        if not _judge(account, sending, Seen(tried=count.tried, errors=count.errors), clock=clock):
            return False
        del self._counts[account, sending]
        return True


def _judge(account_id: int, sending_id: int, seen: Seen, *, clock: Clock) -> bool:
    """Pause the sending if a rule is broken, and by more than a person has let it go on with."""
    rules = pacing.pause_rules(account_id)
    if not rules.broken(seen):
        return False
    mine = Sending.objects.filter(account_id=account_id, id=sending_id)
    shares = mine.values_list("brakes", flat=True).first() or {}
    broken = rules.overruled(shares).broken(seen)
    if not broken or not pause_by_itself(account_id, sending_id, broken.words, clock=clock):
        return False
    mine.update(brakes={**shares, broken.rule: broken.share})
    return True


@transaction.atomic
def pause_by_itself(account_id: int, sending_id: int, reason: str, *, clock: Clock) -> bool:
    """Pause a running sending and keep why; False if it does not run."""
    paused = Sending.objects.filter(
        account_id=account_id, id=sending_id, state=SendingState.SENDING.value
    ).update(state=SendingState.PAUSED.value, paused_because=reason[:300])
    if not paused:
        return False
    log.warning("sender.sending.paused.itself sending=%s %s", sending_id, reason)
    accounts.record(
        account_id,
        actor="Tandem",
        action="sending paused itself",
        subject=str(sending_id),
        detail={"reason": reason},
        clock=clock,
    )
    return True


def running() -> list[tuple[int, int]]:
    """(account, sending) of those that are being sent."""
    # all accounts: the watch is one for all
    found = Sending.objects.filter(state=SendingState.SENDING.value, finished_at__isnull=True)
    return list(found.values_list("account_id", "id"))


def judge_responses(account_id: int, sending_id: int, *, bounces: int, complaints: int, clock: Clock) -> bool:
    """Pause a sending of whose messages too many came back or were complained of; whether it was paused."""
    rules = pacing.pause_rules(account_id)
    if not _may_be_too_many(rules, bounces, complaints):
        return False
    handed = Attempt.objects.filter(
        account_id=account_id, sending_id=sending_id, state=AttemptState.ACCEPTED
    ).count()
    seen = Seen(handed_over=handed, bounces=bounces, complaints=complaints)
    return _judge(account_id, sending_id, seen, clock=clock)


def _may_be_too_many(rules: PauseRules, bounces: int, complaints: int) -> bool:
    """Whether it could be, of the fewest messages that are judged: only then are they counted."""
    return any(
        limit and found * 100 > limit * rules.least
        for limit, found in ((rules.bounces, bounces), (rules.complaints, complaints))
    )
