"""What may be searched for, in the words of those who choose it."""

from dataclasses import dataclass
from datetime import date

from tandem.planner.discovery.domain import GoalKind

DAYS = (30, 60, 90, 180)
LONG, SHORT = 90, 30
#: a period of 90 days is looked at once there are so many days of orders
LONG_FROM = 240
#: orders of so many days must lie before the period
LEAST_BEFORE = 28
#: what is searched for once a week by itself; the first that found something is shown
WEEKLY = (GoalKind.SURPRISE, GoalKind.ORDERS, GoalKind.SPENDS)


@dataclass(frozen=True, kw_only=True)
class Goal:
    """One goal: how it is called, what it means, and whether it is about a past campaign."""

    kind: GoalKind
    label: str
    meaning: str
    campaign: bool = False


GOALS = (
    Goal(
        kind=GoalKind.SURPRISE, label="Surprises",
        meaning="Who bought more or less often than recency, number of orders and spend let expect.",
    ),
    Goal(kind=GoalKind.ORDERS, label="Orders again", meaning="Who bought in the period more often than the others."),
    Goal(kind=GoalKind.SPENDS, label="Spends more", meaning="Who spent more in the period than the others."),
    Goal(
        kind=GoalKind.CHURNS, label="Leaves",
        meaning="Who was still buying when the period began and bought nothing in it.",
    ),
    Goal(
        kind=GoalKind.RESPONDS, label="Responded to a campaign", campaign=True,
        meaning="Who opened or clicked a campaign more often than the others who got it.",
    ),
    Goal(
        kind=GoalKind.UPLIFT_ORDERS, label="Ordered more with a campaign", campaign=True,
        meaning="Where those who got it bought more often than the control group did.",
    ),
    Goal(
        kind=GoalKind.UPLIFT_SPENDS, label="Spent more with a campaign", campaign=True,
        meaning="Where those who got it spent more than the control group did.",
    ),
)  # fmt: skip
BY_KIND = {one.kind: one for one in GOALS}

_TOO_SHORT = (
    "The orders begin on {first}. To look at {days} days, orders of at least {least} days before them are needed. "
    "A shorter period may do."
)
_NO_RESPONSE = "Nobody is known to have opened or clicked this campaign, so no group can differ."


def too_short(first: date | None, days: int) -> str:
    """Why the period cannot be looked at."""
    if first is None:
        return "There are no orders yet. Import a file of orders first."
    return _TOO_SHORT.format(first=f"{first:%-d %B %Y}", days=days, least=LEAST_BEFORE)


def nobody_responded() -> str:
    """Why a campaign's answer cannot be explained."""
    return _NO_RESPONSE
