"""Ask for a search: of a person, or once a week. One at a time for an account; a task does it."""

import hashlib
from datetime import timedelta

from django.db import IntegrityError, transaction

from tandem.kit.clock import Clock
from tandem.kit.problems import NotFound
from tandem.planner.accounts import service as accounts
from tandem.planner.customers import service as customers
from tandem.planner.discovery.asked import BY_KIND, DAYS, WEEKLY
from tandem.planner.discovery.domain import GoalKind
from tandem.planner.discovery.errors import SearchRefused, SearchRunning
from tandem.planner.discovery.models import DiscoveryRun
from tandem.planner.discovery.service.showing import campaigns, run_view, usual_days
from tandem.planner.discovery.views import RunView

WEEK = timedelta(days=7)
#: a search that gave no sign of life for so long is taken up again
SILENT = timedelta(minutes=15)


def ask(
    account_id: int,
    *,
    goal: str,
    days: int | None = None,
    occurrence_id: int | None = None,
    actor: str,
    clock: Clock,
    weekly: bool = False,
    wake: bool = True,
) -> RunView:
    """Ask for a search. Raises SearchRefused, SearchRunning, NoSnapshot."""
    chosen = BY_KIND.get(GoalKind(goal)) if goal in set(GoalKind) else None
    if chosen is None:
        raise SearchRefused("There is no such goal.", f"Choose one of: {', '.join(GoalKind)}.", field="goal")
    snapshot = customers.latest_snapshot(account_id)
    days = usual_days(account_id, snapshot.as_of) if days is None else days
    if days not in DAYS:
        raise SearchRefused(
            f"A period of {days} days is not offered.",
            f"Choose one of: {', '.join(map(str, DAYS))}.",
            field="days",
        )
    subject = _subject(account_id, occurrence_id) if chosen.campaign else ""
    try:
        with transaction.atomic():
            _given_up(account_id, clock)
            row = DiscoveryRun.objects.create(
                account_id=account_id, goal=chosen.kind, days=days, subject=subject[:200], weekly=weekly,
                occurrence_id=occurrence_id if chosen.campaign else None, asked_by=actor[:200],
                asked_at=clock.business(), touched_at=clock.system(),
                seed=seed_of(account_id, chosen.kind, str(snapshot.as_of), str(occurrence_id or "")),
            )  # fmt: skip
            accounts.record(
                account_id, actor=actor, action="discovery.asked", subject=f"search {row.pk}",
                detail={"goal": str(chosen.kind), "days": days}, clock=clock,
            )  # fmt: skip
            if wake:
                _wake(row.pk)
    except IntegrityError as error:
        if "discovery_one_at_a_time" not in str(error):
            raise
        raise SearchRunning("This account's last search is not over.", "Wait until it is.") from None
    return run_view(row)


def _given_up(account_id: int, clock: Clock) -> None:
    """A search whose worker fell silent, with none to take it up, does not keep others waiting for ever."""
    silent = DiscoveryRun.objects.filter(
        account_id=account_id, state__in=("waiting", "running"), touched_at__lt=clock.system() - SILENT
    )
    silent.update(
        state="failed", phase="", problem="No worker did it to the end. Another search was asked for."
    )


def _subject(account_id: int, occurrence_id: int | None) -> str:
    found = {one.occurrence_id: one.name for one in campaigns(account_id)}
    if occurrence_id not in found:
        raise SearchRefused(
            "Say which campaign is meant.", "Choose one of the campaigns that were sent.", field="campaign"
        )
    return found[occurrence_id]


def seed_of(account_id: int, *what: str) -> int:
    """The same question to the same day's data gets the same seed."""
    told = ":".join((str(account_id), *what)).encode()
    return int.from_bytes(hashlib.sha256(told).digest()[:4]) >> 1


def weekly(account_id: int, *, clock: Clock) -> bool:
    """Ask for the week's next search, if the one before it is over; whether one was asked for.

    Where groups that surprise are rare, those that order or spend more are not: each goal is asked once a week.
    """
    rows = DiscoveryRun.objects.filter(account_id=account_id, weekly=True)
    first = rows.filter(goal=WEEKLY[0], asked_at__gt=clock.business() - WEEK).order_by("-id").first()
    asked = set(rows.filter(id__gte=first.pk).values_list("goal", flat=True)) if first else set()
    left = [goal for goal in WEEKLY if goal not in asked]
    if not left:
        return False
    try:
        ask(account_id, goal=left[0], actor="the daily cycle", clock=clock, weekly=True)
    except (SearchRunning, NotFound):
        return False
    return True


def due(*, clock: Clock) -> tuple[int, ...]:
    """Searches that wait, and those whose worker fell silent, of all accounts."""
    silent = clock.system() - SILENT
    # all accounts: the tick looks for whatever is to be done
    waiting = DiscoveryRun.objects.filter(state="waiting")
    # all accounts: as above
    lost = DiscoveryRun.objects.filter(state="running", touched_at__lt=silent)
    return tuple(row.pk for row in (*waiting, *lost))


def _wake(run_id: int) -> None:
    from tandem.planner.discovery.tasks import wake

    wake(run_id)
