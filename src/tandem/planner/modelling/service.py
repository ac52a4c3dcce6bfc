"""Builds the daily snapshot with its stages."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import duckdb

from tandem.kit.clock import Clock
from tandem.planner.customers.domain import Progress, SnapshotRef
from tandem.planner.customers.service import ledger, snapshot
from tandem.planner.modelling.lifecycle.domain import StageRules, rules_from_curve
from tandem.planner.modelling.lifecycle.queries import make_stages, return_curve
from tandem.planner.modelling.models import StageLimits
from tandem.planner.modelling.segments.segmenting import Segmenting

_MONTH = timedelta(days=28)


def build_snapshot(
    account_id: int, as_of: date | None = None, *, clock: Clock, progress: Progress | None = None
) -> SnapshotRef:
    """Build and publish the snapshot of all data to the end of `as_of`; None = yesterday in the account's zone."""
    day = as_of or last_whole_day(account_id, clock)
    plan = _Staging(account_id, day)
    return snapshot.build(
        account_id, day, clock=clock, staging=plan.make, publishing=plan.keep, progress=progress
    )


class _Staging:
    """Stages and segments of one snapshot; what was measured for it is kept when it is published."""

    def __init__(self, account_id: int, day: date) -> None:
        self._account_id, self._day = account_id, day
        self._segmenting: Segmenting | None = None

    def make(self, session: duckdb.DuckDBPyConnection, day: date) -> None:
        rules = _rules_on(self._account_id, session, day)
        make_stages(session, day, rules)
        before, later = snapshot.snapshots_around(self._account_id, day)
        self._segmenting = Segmenting(
            self._account_id,
            before.parquet / snapshot.CUSTOMERS_FILE if before else None,
            is_newest=not later,
        )
        self._segmenting.make(session, day, rules)

    def keep(self) -> None:
        if self._segmenting is not None:
            self._segmenting.keep()


def last_whole_day(account_id: int, clock: Clock) -> date:
    """Yesterday of the business clock in the account's zone."""
    zone = ZoneInfo(ledger.account(account_id).zone)
    return clock.business().astimezone(zone).date() - timedelta(days=1)


def stage_rules(account_id: int) -> StageRules:
    """The limits in force."""
    row = StageLimits.objects.filter(account_id=account_id).first()
    if row is None:
        return StageRules(note="Not measured yet; 63 and 217 days are the usual limits.")
    return StageRules(
        new_days=row.new_days, at_risk_days=row.at_risk_days, churn_days=row.churn_days, note=row.note
    )


def _rules_on(account_id: int, session: duckdb.DuckDBPyConnection, day: date) -> StageRules:
    """The stored limits while they are a month fresh or set by hand, else measured anew."""
    row = StageLimits.objects.filter(account_id=account_id).first()
    if row and (row.by_hand or abs(day - row.measured_on) < _MONTH):
        return stage_rules(account_id)
    rules = rules_from_curve(return_curve(session, day))
    StageLimits.objects.update_or_create(
        account_id=account_id,
        defaults={
            "new_days": rules.new_days, "at_risk_days": rules.at_risk_days, "churn_days": rules.churn_days,
            "note": rules.note, "measured_on": day,
        },
    )  # fmt: skip
    return rules
