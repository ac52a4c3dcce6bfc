"""The recurring work: due occurrences every two seconds; consent and snapshots when they are too old."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial

from django.db import connection, transaction

from tandem.kit.clock import Clock
from tandem.kit.problems import NotFound, Problem
from tandem.planner.accounts import service as accounts
from tandem.planner.channels import service as channels
from tandem.planner.customers import service as customers
from tandem.planner.daily.models import CycleFailure, DataDay
from tandem.planner.execution import service as execution
from tandem.planner.listeners import service as listeners
from tandem.planner.modelling import service as modelling
from tandem.planner.targeting import service as targeting

DAILY_DONE_EVENT = 3
_LOCK = 7302
log = logging.getLogger(__name__)


def campaign_tick(*, clock: Clock) -> int:
    """Prepare due occurrences, move on the others, tell of days that are done; how many moved."""
    moved = execution.prepare_due(clock=clock) + execution.clear_due(clock=clock)
    return moved + execution.follow_due(clock=clock) + execution.tell_days(clock=clock)


def daily_tick(*, clock: Clock) -> int:
    """Consent first, snapshots after: a snapshot counts with the consent of its morning. How many were done."""
    with _alone() as mine:
        if not mine:
            return 0
        return refresh_consent(clock=clock) + build_snapshots(clock=clock)


def refresh_consent(*, clock: Clock) -> int:
    """Read consent over every connection whose copy is too old; a failure leaves the old copy with its age."""
    done = 0
    for account_id, channel_account_id, full in channels.refresh_due(clock.business()):
        done += _try(
            account_id,
            f"consent of connection {channel_account_id}",
            partial(channels.refresh_consent, account_id, channel_account_id, clock=clock, full=full),
            clock,
        )
    return done


def build_snapshots(*, clock: Clock) -> int:
    """Bring every account's data to the last complete business day; failure keeps the old snapshot."""
    done = 0
    for account in accounts.list_accounts():
        done += _try(account.id, "snapshot", partial(_update, account.id, clock), clock)
    return done


def _update(account_id: int, clock: Clock) -> bool:
    """Build the day's snapshot where it is missing, keep who was in which group, say once that the day is in."""
    day = modelling.last_whole_day(account_id, clock)
    if customers.order_days(account_id) is None or _told(account_id, day):
        return False
    if not _as_of(account_id, day):
        modelling.build_snapshot(account_id, day, clock=clock)
    _try(account_id, "groups", partial(_keep_groups, account_id), clock)
    return _tell(account_id, day, clock)


def _told(account_id: int, day: date) -> bool:
    return DataDay.objects.filter(account_id=account_id, day__gte=day).exists()


def _keep_groups(account_id: int) -> None:
    targeting.keep_membership(customers.latest_snapshot(account_id))


@transaction.atomic
def _tell(account_id: int, day: date, clock: Clock) -> bool:
    rows = DataDay.objects.select_for_update()
    row, made = rows.get_or_create(account_id=account_id, defaults={"day": day})
    if not made and row.day >= day:
        return False
    row.day = day
    row.save(update_fields=["day"])
    listeners.enqueue_event(account_id, DAILY_DONE_EVENT, None, None, clock=clock)
    return True


def _as_of(account_id: int, wanted: object) -> bool:
    try:
        return customers.latest_snapshot(account_id).as_of >= wanted  # type: ignore[operator]
    except NotFound:
        return False


def _try(account_id: int, part: str, run: Callable[[], object], clock: Clock) -> int:
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


@contextmanager
def _alone() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, 0)", [_LOCK])
        mine = cursor.fetchone()[0]
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, 0)", [_LOCK])
