"""Builds the daily snapshot with its stages."""

from datetime import date, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import duckdb

from tandem.kit.clock import Clock
from tandem.planner.customers.domain import Progress, SnapshotRef, Watch
from tandem.planner.customers.service import building, ledger
from tandem.planner.modelling.lifecycle.domain import StageRules, rules_from_curve
from tandem.planner.modelling.lifecycle.queries import return_curve
from tandem.planner.modelling.models import StageLimits

_MONTH = timedelta(days=28)


def build_snapshot(
    account_id: int,
    as_of: date | None = None,
    *,
    clock: Clock,
    progress: Progress | None = None,
    watch: Watch | None = None,
    whole: bool = False,
) -> SnapshotRef:
    """Build and publish the snapshot of all data to the end of `as_of`; None = yesterday in the account's zone.

    It goes on from the newest snapshot where it can, and from the last finished step of a build that was killed;
    whole: everything is read anew.
    """
    from tandem.planner.modelling.cycle.steps import Staging

    day = as_of or last_whole_day(account_id, clock)
    staging = Staging(account_id, day, clock, partial(_rules_on, account_id))
    return building.build(
        account_id, day, clock=clock, staging=staging.steps(), publishing=staging.keep, progress=progress, watch=watch,
        whole=whole,
    )  # fmt: skip


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
