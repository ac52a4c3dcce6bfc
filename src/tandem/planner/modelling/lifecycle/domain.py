"""Lifecycle stages: their rules, and the return curve that sets two of the limits per account."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

WINDOW = 90
STEP = 7
LEAST_CASES = 200
LOW_RETURN = 0.10
NEW_DAYS = 28
FALLBACK_AT_RISK = 63
FALLBACK_CHURN = 217


class Stage(StrEnum):
    """Where a customer stands; first match of the rules wins, in this order."""

    REGISTERED = "Registered only"
    DORMANT = "Dormant"
    CHURN = "Churn"
    AT_RISK = "At risk"
    FROM_CHURN = "FromChurn"
    NEW = "New"
    ACTIVE = "Active"


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """Of `cases` purchase days followed by `silence` days without one, the share that buys in the next 90 days."""

    silence: int
    cases: int
    share: float


@dataclass(frozen=True, kw_only=True)
class StageRules:
    """The limits in days and how they were found."""

    new_days: int = NEW_DAYS
    at_risk_days: int = FALLBACK_AT_RISK
    churn_days: int = FALLBACK_CHURN
    note: str = ""

    @property
    def dormant_days(self) -> int:
        """D = max(2C, 365)."""
        return max(2 * self.churn_days, 365)


def rules_from_curve(curve: Sequence[CurvePoint]) -> StageRules:
    """A and C of a return curve, silence ascending; points of fewer than 200 cases end it.

    C = first silence whose share is below 10 %; A = first whose share is below half of the first. Not reached:
    the longest that could be measured, and the note says so. No curve: 63 and 217 days, and the note says so.
    """
    points = []
    for point in curve:
        if point.cases < LEAST_CASES:
            break
        points.append(point)
    if len(points) < 2:
        return StageRules(note="Too few purchases to measure; 63 and 217 days are the usual limits.")
    longest = points[-1].silence
    churn = next((p.silence for p in points if p.share < LOW_RETURN), None)
    risk = next((p.silence for p in points if p.share < points[0].share / 2), None)
    notes = []
    if churn is None:
        notes.append(
            f"The return rate does not fall below 10 % within {longest} days, the longest measurable."
        )
    if risk is None:
        notes.append(f"The return rate does not halve within {longest} days, the longest measurable.")
    churn_days = max(churn if churn is not None else longest, 2)
    at_risk = min(max(risk if risk is not None else longest, 1), churn_days)
    return StageRules(
        new_days=min(NEW_DAYS, at_risk), at_risk_days=at_risk, churn_days=churn_days, note=" ".join(notes)
    )


def stage_of(rules: StageRules, silence: int | None, age: int | None, *, back_after_gap: bool) -> Stage:
    """The stage of one customer; silence = days since the last purchase, age = since the first, None = no purchase.

    back_after_gap: a purchase in the last N days ended a gap longer than C. The reference for the SQL.
    """
    if silence is None or age is None:
        return Stage.REGISTERED
    if silence > rules.dormant_days:
        return Stage.DORMANT
    if silence > rules.churn_days:
        return Stage.CHURN
    if silence > rules.at_risk_days:
        return Stage.AT_RISK
    if back_after_gap:
        return Stage.FROM_CHURN
    return Stage.NEW if age <= rules.new_days else Stage.ACTIVE
