"""The daily cycle of an account: consent, snapshot, event 3. Every step can be run again."""

import logging
from datetime import datetime, timedelta

from tandem.kit.clock import Clock
from tandem.kit.problems import NotFound, Problem
from tandem.planner.accounts import service as accounts
from tandem.planner.channels import service as channels
from tandem.planner.customers import service as customers
from tandem.planner.listeners import service as listeners
from tandem.planner.modelling import service as modelling

log = logging.getLogger(__name__)

DAILY_DONE_EVENT = 3
CONSENT_EVERY = timedelta(minutes=15)
CONSENT_FULL_EVERY = timedelta(hours=24)


def run_cycles(*, clock: Clock) -> int:
    """Bring every account up to its last whole business day; the number of snapshots made.

    A failed account leaves its last good snapshot in force and does not hold up the others.
    """
    made = 0
    for account in accounts.list_accounts():
        try:
            read_consent(account.id, clock=clock)
            made += update_snapshot(account.id, clock=clock)
        except Problem as problem:
            log.warning("daily.cycle.failed account=%s %s", account.id, problem.title)
    return made


def update_snapshot(account_id: int, *, clock: Clock) -> bool:
    """Make the snapshot of the last whole business day if it is not there; True if it was made."""
    if customers.order_days(account_id) is None:
        return False
    day = modelling.last_whole_day(account_id, clock)
    try:
        if customers.latest_snapshot(account_id).as_of >= day:
            return False
    except NotFound:
        log.info("daily.first_snapshot account=%s", account_id)
    modelling.build_snapshot(account_id, day, clock=clock)
    listeners.enqueue_event(account_id, DAILY_DONE_EVENT, None, None, clock=clock)
    return True


def read_consent(account_id: int, *, clock: Clock) -> int:
    """Read consent from every channel account whose copy is older than 15 minutes; the contacts read."""
    read = 0
    for channel_account in channels.list_accounts(account_id):
        age = consent_age(account_id, channel_account.id, clock=clock)
        if age is not None and age < CONSENT_EVERY:
            continue
        try:
            read += channels.refresh_consent(account_id, channel_account.id, clock=clock, full=True)
        except Problem as problem:
            log.warning("daily.consent.failed account=%s %s", account_id, problem.title)
    return read


def consent_age(account_id: int, channel_account_id: int, *, clock: Clock) -> timedelta | None:
    """How old the copy of consent is; None if there is none."""
    view = customers.consent_read(account_id, channel_account_id)
    if view is None or view.read_at is None:
        return None
    read_at: datetime = view.read_at
    return clock.business() - read_at
