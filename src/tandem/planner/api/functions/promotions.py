"""integrations/*: promotions, and who is cleared for a conditional campaign."""

from tandem.planner.api.call import Call
from tandem.planner.api.function import Body, Kind, Param, Sure, rows, write
from tandem.planner.campaigns import service as campaigns
from tandem.planner.campaigns.offer import PromotionView
from tandem.planner.execution import service as execution


def get_promotions(call: Call) -> list[dict[str, str]]:
    """All promotions by code."""
    found = campaigns.list_promotions(call.account_id)
    return [{"PromoCode": one.code, "PromotionName": one.name} for one in found]


def add_promotions(call: Call) -> None:
    """All of them, or none if one is refused."""
    found = [PromotionView(code=item["promocode"], name=item["promotionname"]) for item in call.bodies]
    campaigns.add_promotions(call.account_id, found, clock=call.clock, actor=call.actor)


def delete_promotions(call: Call) -> None:
    """All of them, or none if one is still to be offered."""
    codes = [item["promocode"] for item in call.bodies]
    campaigns.delete_promotions(call.account_id, codes, clock=call.clock, actor=call.actor)


def update_customer_promotion_status(call: Call) -> None:
    """Who of a conditional campaign's customers may get it; who is never named may not."""
    statuses = {item["customerid"]: bool(item["status"]) for item in call["PromosUpdated"]}
    execution.say_cleared(call.account_id, call["CampaignID"], statuses, clock=call.clock)


_CODE = Param(name="PromoCode", kind=Kind.TEXT, required=True, meaning="Without spaces and commas.")
_NAME = Param(name="PromotionName", kind=Kind.TEXT, required=True, meaning="A name for people.")
_CUSTOMERS = Body(
    is_array=True,
    most=10_000,
    fields=(
        Param(name="CustomerID", kind=Kind.TEXT, required=True),
        Param(name="Status", kind=Kind.FLAG, required=True),
    ),
)
_STATUS = Body(
    size=4 * 1024 * 1024,
    fields=(
        Param(name="TimeStamp", kind=Kind.TEXT, meaning="When it was found out; kept by nobody."),
        Param(name="CampaignID", required=True, meaning="The campaign of event 5."),
        Param(
            name="PromosUpdated", kind=Kind.LIST, of=_CUSTOMERS, required=True,
            meaning="At most 10,000 customers: CustomerID and Status.",
        ),
    )
)  # fmt: skip

FUNCTIONS = (
    write(
        "integrations", "AddPromotions", add_promotions, Body(is_array=True, fields=(_CODE, _NAME)),
        meaning="Adds promo codes that campaigns may offer; a known code gets the new name.",
    ),
    rows(
        "integrations", "GetPromotions", get_promotions, sure=Sure.LIVE,
        example='[{"PromoCode":"WB23","PromotionName":"Welcome back"}]', meaning="All promo codes.",
    ),
    write(
        "integrations", "DeletePromotions", delete_promotions, Body(is_array=True, fields=(_CODE,)),
        sure=Sure.LIVE,
        meaning="Deletes promo codes; refused while a campaign that is still to come offers one.",
    ),
    write(
        "integrations", "UpdateCustomerPromotionStatus", update_customer_promotion_status, _STATUS,
        example='{"TimeStamp":"2018-10-27 09:33:00","CampaignID":1359,"PromosUpdated":[{"CustomerID":"C234638",'
        '"Status":true}]}',
        meaning="Clears customers of a conditional campaign before ClearanceRequiredBy; who is never named true is "
        "left out then. More than 10,000 customers take several calls.",
    ),
)  # fmt: skip
