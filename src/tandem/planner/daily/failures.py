"""What of the daily cycle failed last time, kept until it works again; nobody else's cycle stops for it.

What fails again and again is tried less and less often: 10 seconds, 1 minute and 10 minutes later, then hourly.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from tandem.kit.clock import Clock
from tandem.kit.problems import Problem, in_words
from tandem.planner.customers.domain import Unwatched
from tandem.planner.daily.models import CycleFailure

log = logging.getLogger(__name__)
WAITS = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))
SNAPSHOT = "snapshot"
#: the part whose failure leaves a day with the models, or the scores, of an earlier one
MODELS = "models"


def waits(account_id: int, part: str, clock: Clock) -> bool:
    """Whether a part that failed is not to be tried again yet."""
    row = CycleFailure.objects.filter(account_id=account_id, part=part).first()
    if row is None or row.tried_at is None:
        return False
    return row.tried_at <= clock.system() < row.tried_at + WAITS[min(row.times, len(WAITS)) - 1]


def attempt(account_id: int, part: str, run: Callable[[], object], clock: Clock) -> int:
    """Run one part of the cycle; what goes wrong in it is kept until it works again, and stops nobody else's."""
    try:
        done = run() is not False
    except Problem as problem:
        log.warning("%s of account %s: %s %s", part, account_id, problem.title, problem.detail)
        _keep_failure(account_id, part, in_words(problem), clock)
        return 0
    except Exception as error:
        log.exception("%s of account %s", part, account_id)
        _keep_failure(account_id, part, in_words(error), clock)
        return 0
    _works(account_id, part)
    return int(done)


class ModelsWatch(Unwatched):
    """Keeps whether the models went wrong while a snapshot is built."""

    def __init__(self, account_id: int, clock: Clock) -> None:
        self._account_id, self._clock = account_id, clock

    def end(self, step: str, *, rows: int, words: str, again: bool, failed: bool = False) -> None:
        """Of the step `scores` only."""
        if step == "scores" and failed:
            _keep_failure(self._account_id, MODELS, words, self._clock)
        elif step == "scores" and not again:
            _works(self._account_id, MODELS)


def _works(account_id: int, part: str) -> None:
    CycleFailure.objects.filter(account_id=account_id, part=part).delete()


def _keep_failure(account_id: int, part: str, words: str, clock: Clock) -> None:
    row, made = CycleFailure.objects.get_or_create(
        account_id=account_id, part=part,
        defaults={"since": clock.system(), "tried_at": clock.system(), "words": words[:300]},
    )  # fmt: skip
    if not made:
        row.times, row.tried_at, row.words = row.times + 1, clock.system(), words[:300]
        row.save(update_fields=["times", "tried_at", "words"])
