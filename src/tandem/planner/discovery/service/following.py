"""What became of groups shown earlier: their rules on the days after they were found, once those days are in."""

from datetime import timedelta
from typing import Any

import duckdb
import numpy as np

from tandem.kit.clock import Clock
from tandem.planner.customers.domain import SnapshotRef
from tandem.planner.discovery.confirming import measured
from tandem.planner.discovery.domain import LEAST_DESCRIBED, Estimate, Flags, GoalKind, Outcome, Rule
from tandem.planner.discovery.expected import cells, expected
from tandem.planner.discovery.frames import Frame
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
    ready = prepare(session, snapshot, GoalKind(row.goal), row.as_of, row.days)
    if ready.frame is None or ready.outcome is None:
        return
    for one in found:
        later = judged(Rule.from_json(one.rule), ready.frame, ready.outcome, row.seed)
        if later is not None:
            one.later = {"until": ready.until.isoformat(), **later}
            one.save(update_fields=["later"])


def judged(rule: Rule, found: Frame, outcome: Outcome, seed: int) -> dict[str, Any] | None:
    """How a rule did on later days; None where it cannot be told: a column is gone, or fewer than 50 people."""
    if any(one.name not in found.raw for one in rule.conditions):
        return None
    inside = inside_of(rule, found)
    told = later_estimate(inside, outcome, found, rule.direction, seed)
    if told.members < LEAST_DESCRIBED:
        return None
    return {
        "members": told.members, "mean": told.mean, "other": told.other, "low": told.low, "high": told.high,
        "kept": rule.direction * told.difference > 0,
    }  # fmt: skip


def inside_of(rule: Rule, found: Frame) -> Flags:
    """Whom a rule holds, shape (n,)."""
    inside = np.ones(len(found.customers), np.bool_)
    for one in rule.conditions:
        inside &= one.holds(found.raw[one.name])
    return inside


def later_estimate(inside: Flags, outcome: Outcome, found: Frame, direction: int, seed: int) -> Estimate:
    """The group against the rest, or against what was expected of it."""
    if outcome.rfm is None:
        return measured(inside, outcome.y, None, direction)
    usual = expected(cells(outcome.rfm), outcome.y, found.customers, seed)
    return measured(inside, outcome.y - usual, None, direction, usual)
