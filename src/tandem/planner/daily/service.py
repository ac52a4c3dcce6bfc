"""The recurring work: due occurrences every two seconds; consent and snapshots when they are too old."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from django.db import connection

from tandem.kit.clock import Clock
from tandem.planner.accounts import service as accounts
from tandem.planner.channels import service as channels
from tandem.planner.customers import service as customers
from tandem.planner.daily import cycle
from tandem.planner.daily.domain import CycleBusy
from tandem.planner.daily.failures import SNAPSHOT, attempt, waits
from tandem.planner.execution import service as execution
from tandem.planner.modelling import service as modelling

_LOCK, _DAY, _CONSENT = 7302, 0, 1


def campaign_tick(*, clock: Clock) -> int:
    """Prepare due occurrences, move on the others, tell of days that are done; how many moved."""
    moved = execution.prepare_due(clock=clock) + execution.clear_due(clock=clock)
    return moved + execution.follow_due(clock=clock) + execution.tell_days(clock=clock)


def daily_tick(*, clock: Clock) -> int:
    """Consent first, snapshots after: a snapshot counts with the consent of its morning. How many were done."""
    with _alone(_DAY) as mine:
        if not mine:
            return 0
        return refresh_consent(clock=clock, wait=True) + build_snapshots(clock=clock)


def refresh_consent(*, clock: Clock, wait: bool = False) -> int:
    """Read consent over every connection whose copy is too old; a failure leaves the old copy with its age.

    One at a time; wait: for who is at it, who else has nothing to do.
    """
    with _alone(_CONSENT, wait=wait) as mine:
        return _refresh_consent(clock) if mine else 0


def _refresh_consent(clock: Clock) -> int:
    done = 0
    for account_id, channel_account_id, full in channels.refresh_due(clock.business()):
        done += attempt(
            account_id,
            f"consent of connection {channel_account_id}",
            partial(channels.refresh_consent, account_id, channel_account_id, clock=clock, full=full),
            clock,
        )
    return done


def build_snapshots(*, clock: Clock) -> int:
    """Bring every account's data to the last complete business day; failure keeps the old snapshot.

    An account whose day failed waits longer from time to time; one that was asked for by hand does not.
    """
    done = 0
    for account in accounts.list_accounts():
        if waits(account.id, SNAPSHOT, clock):
            continue
        done += attempt(account.id, SNAPSHOT, partial(_update, account.id, clock), clock)
    return done


def _update(account_id: int, clock: Clock) -> bool:
    """Run the day's cycle where its end was not told yet."""
    day = modelling.last_whole_day(account_id, clock)
    if customers.order_days(account_id) is None or cycle.told(account_id, day):
        return False
    try:
        return cycle.run_cycle(account_id, day, clock=clock)
    except CycleBusy:
        return False


@contextmanager
def _alone(what: int, *, wait: bool = False) -> Iterator[bool]:
    asked = "pg_advisory_lock(%s, %s) IS NOT NULL" if wait else "pg_try_advisory_lock(%s, %s)"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {asked}", [_LOCK, what])
        mine = cursor.fetchone()[0]
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK, what])
