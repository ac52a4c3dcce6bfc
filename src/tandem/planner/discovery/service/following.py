"""What became of groups shown earlier: their rules on the days after they were found, once those days are in."""

from datetime import timedelta

import duckdb

from tandem.kit.clock import Clock
from tandem.planner.customers.domain import SnapshotRef
from tandem.planner.discovery.domain import GoalKind, Rule
from tandem.planner.discovery.judging import categories_of, judged
from tandem.planner.discovery.models import Discovery, DiscoveryRun
from tandem.planner.discovery.service.preparing import opened, prepare

#: of these it can be asked again what became of the same rule
FOLLOWED = (GoalKind.SURPRISE, GoalKind.ORDERS, GoalKind.SPENDS, GoalKind.CHURNS)


def follow(account_id: int, snapshot: SnapshotRef, *, clock: Clock) -> int:
    """Judge the groups of searches whose following days are over; how many searches."""
    rows = DiscoveryRun.objects.filter(account_id=account_id, state="done", judged_at=None, goal__in=FOLLOWED)
    over = [one for one in rows if one.as_of and one.as_of + timedelta(days=one.days) <= snapshot.as_of]
    for row in over:
        with opened(snapshot, f"{row.pk}-later") as session:
            _judge(session, snapshot, row)
        row.judged_at = clock.business()
        row.save(update_fields=["judged_at"])
    return len(over)


def _judge(session: duckdb.DuckDBPyConnection, snapshot: SnapshotRef, row: DiscoveryRun) -> None:
    found = list(Discovery.objects.filter(account_id=row.account_id, run=row))
    if not found or row.as_of is None:
        return
    named = categories_of(Rule.from_json(one.rule) for one in found)
    ready = prepare(session, snapshot, GoalKind(row.goal), row.as_of, row.days, categories=named)
    if ready.frame is None or ready.outcome is None:
        return
    for one in found:
        later = judged(Rule.from_json(one.rule), ready.frame, ready.outcome, row.seed)
        if later is not None:
            one.later = {"until": ready.until.isoformat(), **later}
            one.save(update_fields=["later"])
