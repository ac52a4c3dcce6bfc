"""The stage limits of an account, set by hand: what they would mean, and keeping them."""

from dataclasses import dataclass
from datetime import date

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.kit.problems import NotFound, Refused
from tandem.planner.accounts import service as accounts
from tandem.planner.customers.service import latest_snapshot
from tandem.planner.engine.domain import HISTORY
from tandem.planner.engine.duckdb import open_snapshot
from tandem.planner.modelling.lifecycle.domain import Stage, StageRules
from tandem.planner.modelling.lifecycle.queries import stage_sizes
from tandem.planner.modelling.models import StageLimits
from tandem.planner.modelling.service import last_whole_day, stage_rules

MOST_DAYS = 3650
BY_HAND = "Set by hand."
SHOWN = (
    Stage.NEW, Stage.ACTIVE, Stage.AT_RISK, Stage.CHURN, Stage.DORMANT, Stage.FROM_CHURN, Stage.REGISTERED,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class StagePreview:
    """Customers per stage on the day of the latest snapshot: under the limits in force, and under others."""

    as_of: date
    customers: int
    sizes: tuple[tuple[str, int, int], ...]


class BadLimits(Refused):
    """The limits are out of order or out of range."""

    title = "These limits do not work"


def limits_by_hand(account_id: int) -> bool:
    """Whether somebody set the limits; else they are measured every four weeks."""
    return StageLimits.objects.filter(account_id=account_id, by_hand=True).exists()


def checked_limits(*, new_days: int, at_risk_days: int, churn_days: int) -> StageRules:
    """The limits as rules; raises BadLimits unless 1 <= new <= at risk < churn <= 3650 days."""
    if new_days < 1:
        raise BadLimits("New must last at least 1 day.", "28 days is usual.", field="new_days")
    if at_risk_days < new_days:
        raise BadLimits(
            f"At risk begins before New ends, after {new_days} days.",
            f"Give at least {new_days} days.",
            field="at_risk_days",
        )
    if not at_risk_days < churn_days <= MOST_DAYS:
        raise BadLimits(
            "Churn must begin after At risk does.",
            f"Give more than {at_risk_days} and at most {MOST_DAYS} days.",
            field="churn_days",
        )
    return StageRules(new_days=new_days, at_risk_days=at_risk_days, churn_days=churn_days, note=BY_HAND)


def preview_stages(account_id: int, rules: StageRules) -> StagePreview | None:
    """What the rules would mean today; None without a snapshot."""
    try:
        snapshot = latest_snapshot(account_id)
    except NotFound:
        return None
    engine = open_snapshot(snapshot.cache)
    if HISTORY not in engine.tables:  # an old snapshot; the next one has it
        return None
    now = stage_sizes(engine, snapshot.as_of, stage_rules(account_id))
    then = stage_sizes(engine, snapshot.as_of, rules)
    sizes = tuple((stage.value, now.get(stage.value, 0), then.get(stage.value, 0)) for stage in SHOWN)
    return StagePreview(as_of=snapshot.as_of, customers=snapshot.customers, sizes=sizes)


def set_limits(account_id: int, rules: StageRules, *, actor: str, clock: Clock) -> None:
    """Keep limits set by hand; the next snapshot uses them."""
    days = {
        "new_days": rules.new_days,
        "at_risk_days": rules.at_risk_days,
        "churn_days": rules.churn_days,
    }
    with transaction.atomic():
        StageLimits.objects.update_or_create(
            account_id=account_id,
            defaults={
                **days,
                "note": BY_HAND,
                "by_hand": True,
                "measured_on": last_whole_day(account_id, clock),
            },
        )
        accounts.record(
            account_id, actor=actor, action="stages.set", subject="", detail=dict(days), clock=clock
        )


def measure_again(account_id: int, *, actor: str, clock: Clock) -> None:
    """Drop limits set by hand; the next snapshot measures them from the purchases."""
    with transaction.atomic():
        StageLimits.objects.filter(account_id=account_id).delete()
        accounts.record(account_id, actor=actor, action="stages.measured", subject="", clock=clock)
