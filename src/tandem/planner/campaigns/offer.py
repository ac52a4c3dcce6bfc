"""What a campaign offers - action, duration, notes, tags, promo codes - and when it must be cleared: the rules."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tandem.kit.problems import Conflict, Refused
from tandem.planner.campaigns.domain import CampaignPlan, PlanRefused

CONTROL_ACTION = 1
CONTROL_NAME = "DN"
FIRST_ACTION = 2
LONGEST_DURATION = 365
LONGEST_NOTES = 2000
MOST_TAGS = 20
MOST_CODES = 20
LONGEST_TAG = 50
LONGEST_CODE = 100
LONGEST_NAME = 200
#: how long before the send time clearance ends unless the plan says otherwise, minutes
DEFAULT_CLEARANCE = 5


class PromotionRefused(Refused):
    """A promotion that cannot be kept."""

    title = "That promotion cannot be used"


class PromotionInUse(Conflict):
    """A promotion that a planned campaign still offers."""

    title = "The promotion is in use"


@dataclass(frozen=True, kw_only=True)
class ActionView:
    """An action: what test customers get. 1 is the control group's, `DN`: do nothing."""

    id: int
    name: str


@dataclass(frozen=True, kw_only=True)
class PromotionView:
    """A promo code that campaigns may offer, and its name for people."""

    code: str
    name: str


CONTROL = ActionView(id=CONTROL_ACTION, name=CONTROL_NAME)


def action_name(plan: CampaignPlan) -> str:
    """The plan's action, by default the campaign's name."""
    return plan.action.strip() or plan.name.strip()


def check_offer(plan: CampaignPlan, known_codes: Iterable[str]) -> None:
    """The rules on what is offered. Raises PlanRefused naming the field."""
    name = action_name(plan)
    if len(name) > LONGEST_NAME or "\x00" in name:
        raise PlanRefused("The action's name is longer than 200 characters.", field="action")
    if name.casefold() == CONTROL_NAME.casefold():
        raise PlanRefused(
            "DN is the control group's action: it gets nothing.", "Name the action otherwise.", field="action"
        )
    if not 1 <= plan.duration_days <= LONGEST_DURATION:
        raise PlanRefused(
            "The duration must be from 1 to 365 days.", "14 is usual: so long responses are counted.",
            field="duration",
        )  # fmt: skip
    if len(plan.notes) > LONGEST_NOTES or "\x00" in plan.notes:
        raise PlanRefused("The notes are longer than 2,000 characters.", "Shorten them.", field="notes")
    _check_tags(plan.tags)
    _check_codes(plan.promo_codes, known_codes)
    _check_clearance(plan)


def check_promotion(code: str, name: str) -> None:
    """Codes travel joined by commas, so they hold none. Raises PromotionRefused."""
    if not code or len(code) > LONGEST_CODE or re.search(r"[\s,\x00-\x1f\x7f]", code):
        raise PromotionRefused(
            "A promo code is 1 to 100 characters without spaces and commas.", field="promo_code"
        )
    if not name.strip() or len(name) > LONGEST_NAME or "\x00" in name:
        raise PromotionRefused(
            f"The promotion {code} needs a name of 1 to 200 characters.", field="promotion_name"
        )


def listed(text: str) -> tuple[str, ...]:
    """What people typed between commas, each once, in their order."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _check_tags(tags: tuple[str, ...]) -> None:
    if len(tags) > MOST_TAGS or any(not 1 <= len(tag) <= LONGEST_TAG for tag in tags):
        raise PlanRefused("Use up to 20 tags of up to 50 characters each.", field="tags")
    if any("\x00" in tag or "," in tag for tag in tags) or len(set(tags)) < len(tags):
        raise PlanRefused("Each tag stands once and holds no comma.", field="tags")


def _check_codes(codes: tuple[str, ...], known_codes: Iterable[str]) -> None:
    if len(codes) > MOST_CODES or len(set(codes)) < len(codes):
        raise PlanRefused("Use up to 20 promo codes, each once.", field="promo_codes")
    known = set(known_codes)
    for code in codes:
        if code not in known:
            raise PlanRefused(
                f"There is no promotion with the code {code}.",
                "Add it first: tandem campaign add-promotion, or AddPromotions over the API.",
                field="promo_codes",
            )


def _check_clearance(plan: CampaignPlan) -> None:
    clearance = plan.clearance
    if clearance is None:
        return
    if not 0 <= clearance.total_seconds() < plan.lead.total_seconds():
        raise PlanRefused(
            "Clearance must end after the list is made and not after the send time.",
            "Let it end 5 minutes before sending, or make the list earlier.",
            field="clearance",
        )
