"""Do a search: look at the customers, find, confirm, write down. A search killed on the way is done again whole."""

import logging
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.db.models import Q

from tandem.kit.clock import Clock
from tandem.kit.problems import Problem
from tandem.planner.accounts.models import Account
from tandem.planner.customers import service as customers
from tandem.planner.discovery.alone import with_alone
from tandem.planner.discovery.discovering import discover
from tandem.planner.discovery.domain import Found, GoalKind
from tandem.planner.discovery.models import Discovery, DiscoveryRun
from tandem.planner.discovery.sentences import why_nothing
from tandem.planner.discovery.service.asking import SILENT, weekly
from tandem.planner.discovery.service.following import follow
from tandem.planner.discovery.service.preparing import Prepared, opened, period_of, prepare
from tandem.planner.discovery.service.showing import get_run
from tandem.planner.discovery.service.telling import Today, rows_of, simple_of
from tandem.planner.discovery.views import HowFound, RunView

log = logging.getLogger(__name__)
#: seconds between notes of progress
EVERY = 1.0
_TOO_FEW_TODAY = (
    "{n} groups were confirmed, but hold fewer than 50 people today; such groups are not described."
)
_DIFFERENT = "Another period or another goal may show one."


def work(run_id: int, *, clock: Clock) -> None:
    """Do a search that waits, or that was lost; nothing if another worker has it."""
    silent = clock.system() - SILENT
    waiting = Q(state="waiting") | Q(state="running", touched_at__lt=silent)
    # all accounts: the number comes from the row itself, of which it says whose it is
    taken = DiscoveryRun.objects.filter(waiting, id=run_id)
    if not taken.update(state="running", touched_at=clock.system(), part=0.0, phase="Reading the orders"):
        return
    # all accounts: the same row
    row = DiscoveryRun.objects.get(id=run_id)
    try:
        _search(row, clock)
    except Problem as problem:
        _failed(row, f"{problem.detail} {problem.advice}".strip(), clock)
    except Exception:
        log.exception("discovery.failed account=%s run=%s", row.account_id, row.pk)
        _failed(row, "Something broke; the log says more.", clock)
    if row.weekly:
        weekly(row.account_id, clock=clock)


def run_now(account_id: int, run_id: int, *, clock: Clock) -> RunView:
    """The same in this process, for those who wait for it."""
    get_run(account_id, run_id)
    work(run_id, clock=clock)
    return get_run(account_id, run_id)


def _failed(row: DiscoveryRun, words: str, clock: Clock) -> None:
    DiscoveryRun.objects.filter(account_id=row.account_id, id=row.pk).update(
        state="failed", problem=words[:500], phase="", touched_at=clock.system()
    )


def _search(row: DiscoveryRun, clock: Clock) -> None:
    snapshot = customers.latest_snapshot(row.account_id)
    goal, started = GoalKind(row.goal), [clock.system()]

    def progress(part: float, phase: str) -> None:
        now = clock.system()
        if (now - started[0]).total_seconds() >= EVERY:
            started[0] = now
            DiscoveryRun.objects.filter(account_id=row.account_id, id=row.pk).update(
                part=part, phase=phase[:100], touched_at=now
            )

    follow(row.account_id, snapshot, clock=clock)
    day = period_of(row.account_id, snapshot, row.days, row.occurrence_id)
    with opened(snapshot, str(row.pk)) as session:
        ready = prepare(session, snapshot, goal, day, row.days, row.occurrence_id)
        row.looked_from, row.as_of = ready.day, ready.until
        if ready.frame is None or ready.outcome is None:
            _finish(row, [], asdict(HowFound(why=ready.why)), clock)
            return
        progress(0.1, "Searching on one half")
        found = discover(
            ready.features, ready.outcome, ready.frame.customers, seed=row.seed, dropped=ready.dropped,
            progress=lambda part, phase: progress(0.1 + 0.7 * part, phase),
        )  # fmt: skip
        found = with_alone(found, ready.features, ready.frame.raw, ready.outcome, ready.frame.customers)
        progress(0.8, "Putting it into words")
        rows, small = rows_of(row, ready, found, Today.of(session, snapshot))
        currency = Account.objects.get(id=row.account_id).currency
        row.simple = simple_of(ready, ready.outcome, row.seed, currency)
    _finish(row, rows, _how(ready, found, rows, small), clock)


def _how(ready: Prepared, found: Found, rows: list[Discovery], small: int) -> dict[str, Any]:
    why = ""
    if not rows:
        why = _TOO_FEW_TODAY.format(n=small) if small else f"{why_nothing(found)} {_DIFFERENT}"
    labels = {one.axis.name: one.axis.label for one in ready.features}
    dropped = tuple((labels.get(one.name, one.name.replace("_", " ")), one.reason) for one in found.dropped)
    return asdict(
        HowFound(
            candidates=found.candidates, tested=len(found.tested), customers=found.customers,
            search=found.search, confirm=found.confirm, splits=found.splits, method=str(found.method),
            rate=found.rate, small=small, why=why, dropped=dropped,
        )
    )  # fmt: skip


def _finish(row: DiscoveryRun, rows: list[Discovery], how: dict[str, Any], clock: Clock) -> None:
    with transaction.atomic():
        Discovery.objects.filter(account_id=row.account_id, run=row).delete()
        Discovery.objects.bulk_create(rows)
        row.how, row.state, row.part, row.phase, row.touched_at = how, "done", 1.0, "", clock.system()
        row.save()
