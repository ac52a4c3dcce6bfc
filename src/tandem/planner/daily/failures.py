"""What of the daily cycle failed last time, kept until it works again; nobody else's cycle stops for it."""

import logging
from collections.abc import Callable

from tandem.kit.clock import Clock
from tandem.kit.problems import Problem
from tandem.planner.daily.models import CycleFailure

log = logging.getLogger(__name__)


def attempt(account_id: int, part: str, run: Callable[[], object], clock: Clock) -> int:
    """Run one part of the cycle; what goes wrong in it is kept until it works again, and stops nobody else's."""
    try:
        done = run() is not False
    except Problem as problem:
        log.warning("%s of account %s: %s %s", part, account_id, problem.title, problem.detail)
        _keep_failure(account_id, part, f"{problem.title}: {problem.detail}", clock)
        return 0
    except Exception as error:
        log.exception("%s of account %s", part, account_id)
        _keep_failure(account_id, part, f"{type(error).__name__}; the log says more.", clock)
        return 0
    CycleFailure.objects.filter(account_id=account_id, part=part).delete()
    return int(done)


def _keep_failure(account_id: int, part: str, words: str, clock: Clock) -> None:
    row, made = CycleFailure.objects.get_or_create(
        account_id=account_id, part=part, defaults={"since": clock.system(), "words": words[:300]}
    )
    if not made:
        row.times, row.words = row.times + 1, words[:300]
        row.save(update_fields=["times", "words"])
