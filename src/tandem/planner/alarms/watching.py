"""What the planner watches: occurrences, listeners, events, the daily cycle. Cheap queries on open rows."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

from django.db.models import Count, Max, Min, Q

from tandem.kit.alarms.book import Watch
from tandem.kit.alarms.domain import SEEN_FOR, Kind, Sighting
from tandem.kit.clock import Clock
from tandem.planner.campaigns.domain import OccurrenceState
from tandem.planner.campaigns.models import Occurrence
from tandem.planner.customers import service as customers
from tandem.planner.customers.models import Snapshot
from tandem.planner.daily.failures import SNAPSHOT
from tandem.planner.daily.models import CycleFailure, CycleRun
from tandem.planner.execution.domain import REPORT_TIME
from tandem.planner.listeners.domain import DEAD, EVENT_NAMES
from tandem.planner.listeners.models import EventOutbox, Registration

#: what the ticks of two seconds have not moved after so long is stuck
STUCK = timedelta(minutes=2)
#: a list that the messenger has not fetched by then is in danger; the late cut-off is later
UNFETCHED = timedelta(minutes=5)
#: one failed call is no alarm: the second follows after five seconds
FAILING = timedelta(seconds=10)
#: a day is expected so long after its end; a run without a sign of life for so long hangs
LATE_DAY, HANGING = timedelta(hours=6), timedelta(minutes=30)
MOST = 100
_S = OccurrenceState


def deadline(
    state: OccurrenceState, *, lock: datetime, clearance: datetime | None, send: datetime, late: datetime
) -> datetime | None:
    """By when an occurrence leaves a state; None where nobody waits. A list may be made right up to the send time."""
    return {
        _S.SCHEDULED: lock + STUCK,
        _S.MAKING_LIST: max(send, lock + STUCK),
        _S.CLEARANCE: (clearance or send) + STUCK,
        _S.WAITING: send + UNFETCHED,
        _S.SENDING: late + REPORT_TIME + STUCK,
        _S.BEING_CANCELLED: late + REPORT_TIME + STUCK,
    }.get(state)


def occurrences(clock: Clock) -> Iterator[Sighting]:
    """Open ones past their deadline, and those of the last day that did not run."""
    now = clock.business()
    # all accounts: the watch is one for all
    rows = Occurrence.objects.filter(
        Q(
            state__in=[
                _S.SCHEDULED,
                _S.MAKING_LIST,
                _S.CLEARANCE,
                _S.WAITING,
                _S.SENDING,
                _S.BEING_CANCELLED,
            ],
            lock_at__lt=now,
        )
        | Q(
            state=_S.NOT_RUN, day__gte=(now - SEEN_FOR).date() - timedelta(days=1), send_at__gt=now - SEEN_FOR
        )
    )
    for row in rows.select_related("campaign").order_by("lock_at")[:1000]:
        state = OccurrenceState(row.state)
        until = deadline(
            state, lock=row.lock_at, clearance=row.clearance_at, send=row.send_at, late=row.late_at
        )
        if state is not _S.NOT_RUN and (until is None or now <= until):
            continue
        why = row.cause or f"It should have left this state by {until:%Y-%m-%d %H:%M} UTC."
        yield Sighting(
            kind=Kind.OCCURRENCE,
            account_id=row.account_id,
            subject=f"campaign {row.id}",
            detail=f"{row.campaign.name[:80]!r} of {row.day} is {state.value}. {why}",
        )


def listeners(clock: Clock) -> Iterator[Sighting]:
    """Addresses that failed twice, or that were switched off after failures."""
    failing = Q(is_active=True, failing_since__lte=clock.system() - FAILING)
    # all accounts: the watch is one for all
    rows = Registration.objects.filter(failing | Q(is_active=False)).order_by("id")
    for row in rows[:1000]:
        told = EVENT_NAMES.get(row.event_type, "")
        why = (
            f"It fails: {row.last_answer}" if row.is_active else f"It is switched off. {row.disabled_reason}"
        )
        yield Sighting(
            kind=Kind.LISTENER,
            account_id=row.account_id,
            subject=f"listener {row.id}",
            detail=f"Event {row.event_type} ({told}). {why}",
        )


def dead_letters(clock: Clock) -> Iterator[Sighting]:
    """Events of the last day that nobody could be told of."""
    since = clock.business() - SEEN_FOR
    # all accounts: the watch is one for all
    rows = EventOutbox.objects.filter(state__in=[one.value for one in DEAD], event__happened_at__gt=since)
    for found in rows.values("account_id").annotate(n=Count("id"), first=Min("event__happened_at"))[:MOST]:
        yield Sighting(
            kind=Kind.DEAD_LETTERS,
            account_id=found["account_id"],
            subject="events",
            detail=f"{found['n']} events of the last day, the first of {found['first']:%Y-%m-%d %H:%M} UTC.",
        )


def cycle(clock: Clock) -> Iterator[Sighting]:
    """Parts of the daily cycle whose last run failed."""
    # all accounts: the watch is one for all
    for row in CycleFailure.objects.order_by("id")[:1000]:
        yield Sighting(
            kind=Kind.CYCLE,
            account_id=row.account_id,
            subject=row.part,
            detail=f"The {row.part} failed {_often(row.times)} since {row.since:%Y-%m-%d %H:%M} UTC. {row.words}",
        )


def late_days(clock: Clock) -> Iterator[Sighting]:
    """Accounts whose day is not in hours after its end, though nothing of it failed and nobody is at work on it."""
    # all accounts: the watch is one for all
    rows = Snapshot.objects.values("account_id", "account__zone").annotate(newest=Max("as_of"))
    for row in rows:
        local = (clock.business() - LATE_DAY).astimezone(ZoneInfo(row["account__zone"]))
        wanted = local.date() - timedelta(days=1)
        if row["newest"] < wanted and not _is_known(row["account_id"], clock):
            yield Sighting(
                kind=Kind.CYCLE,
                account_id=row["account_id"],
                subject="day",
                detail=f"The data of {wanted} is not in; that of {row['newest']} stays in force.",
            )


def _is_known(account_id: int, clock: Clock) -> bool:
    """Whether the day is told of otherwise, is being worked on, or is not to come: there are no orders."""
    at_work = CycleRun.objects.filter(
        account_id=account_id, state="running", beat_at__gt=clock.system() - HANGING
    )
    failed = CycleFailure.objects.filter(account_id=account_id, part=SNAPSHOT)
    return at_work.exists() or failed.exists() or customers.order_days(account_id) is None


def _often(times: int) -> str:
    return "once" if times == 1 else f"{times} times"


WATCHES = (
    Watch(kinds=frozenset({Kind.OCCURRENCE}), ask=occurrences),
    Watch(kinds=frozenset({Kind.LISTENER}), ask=listeners),
    Watch(kinds=frozenset({Kind.DEAD_LETTERS}), ask=dead_letters),
    Watch(kinds=frozenset({Kind.CYCLE}), ask=lambda clock: chain(cycle(clock), late_days(clock))),
)
