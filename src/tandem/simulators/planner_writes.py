"""What the simulated planner does with what is written: keeps it, refuses what the contract refuses."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

from tandem.contract.reading import ContractBroken, folded, items, optional_number, plain_text, whole_number
from tandem.simulators.planner_ask import Ask
from tandem.simulators.planner_world import World

Write = Callable[[World, Ask, Any], None]
MOST = 100


def _rows(document: Any) -> list[dict[str, Any]]:
    found = items(document, "body")
    if len(found) > MOST:
        raise ContractBroken(f"More than {MOST} items")
    return [folded(one, "item") for one in found]


def _channel(ask: Ask) -> int:
    return whole_number(ask["ChannelID"], "ChannelID")


def _register(world: World, ask: Ask, document: Any) -> None:
    fields = folded(document, "body")
    url = plain_text(fields.get("listenerurl"), "ListenerURL")
    if url.lower().startswith(("http%3a", "https%3a")):
        url = unquote_plus(url)
    world.listeners[_listener(fields)] = url


def _listener(fields: dict[str, Any]) -> tuple[int, int | None]:
    return (
        whole_number(fields.get("eventtypeid"), "EventTypeID"),
        optional_number(fields.get("channelid"), "ChannelID"),
    )


def _unregister(world: World, ask: Ask, document: Any) -> None:
    kind, channel = _listener(folded(document, "body"))
    for known in list(world.listeners):
        if known[0] == kind and channel in (None, known[1]):
            del world.listeners[known]


def _add_templates(world: World, ask: Ask, document: Any) -> None:
    rows = [
        (
            whole_number(row.get("templateid"), "TemplateID"),
            plain_text(row.get("templatename"), "TemplateName"),
        )
        for row in _rows(document)
    ]
    world.templates.setdefault(_channel(ask), {}).update(rows)


def _delete_templates(world: World, ask: Ask, document: Any) -> None:
    for row in _rows(document):
        channel = whole_number(row.get("channelid"), "ChannelID")
        world.templates.get(channel, {}).pop(whole_number(row.get("templateid"), "TemplateID"), None)


def _add_apps(world: World, ask: Ask, document: Any) -> None:
    for row in _rows(document):
        world.apps[_channel(ask), plain_text(row.get("appid"), "AppID")] = plain_text(
            row.get("appname"), "AppName"
        )


def _delete_apps(world: World, ask: Ask, document: Any) -> None:
    for row in _rows(document):
        key = (whole_number(row.get("channelid"), "ChannelID"), plain_text(row.get("appid"), "AppID"))
        world.apps.pop(key, None)


def _add_promotions(world: World, ask: Ask, document: Any) -> None:
    rows = [
        (plain_text(row.get("promocode"), "PromoCode"), plain_text(row.get("promotionname"), "PromotionName"))
        for row in _rows(document)
    ]
    world.promotions.update(rows)


def _delete_promotions(world: World, ask: Ask, document: Any) -> None:
    for row in _rows(document):
        world.promotions.pop(plain_text(row.get("promocode"), "PromoCode"), None)


def _metrics(world: World, ask: Ask, document: Any) -> None:
    names = ("channelid", "campaignid", "templateid", "metricid", "metricvalue")
    for row in [[whole_number(one.get(name), name) for name in names] for one in _rows(document)]:
        key = (row[0], row[1], row[2], row[3])
        world.metrics[key] = world.metrics.get(key, 0) + row[4]


def _promotion_status(world: World, ask: Ask, document: Any) -> None:
    fields = folded(document, "body")
    rows = [folded(one, "item") for one in items(fields.get("promosupdated"), "PromosUpdated")]
    cleared = [plain_text(row.get("customerid"), "CustomerID") for row in rows if row.get("status") is True]
    world.cleared.setdefault(whole_number(fields.get("campaignid"), "CampaignID"), []).extend(cleared)


def _object(world: World, ask: Ask, document: Any) -> None:
    """Kept, nothing more."""
    folded(document, "body")


#: function in lower case -> what it does
WRITES: dict[str, Write] = {
    "general/registereventlistener": _register,
    "general/unregistereventlistener": _unregister,
    "customers/updatecustomerattributes": _object,
    "customers/addcustomerattribute": _object,
    "customers/upsertcustomer": _object,
    "integrations/addchanneltemplates": _add_templates,
    "integrations/deletechanneltemplates": _delete_templates,
    "integrations/addchannelapps": _add_apps,
    "integrations/deletechannelapps": _delete_apps,
    "integrations/addpromotions": _add_promotions,
    "integrations/deletepromotions": _delete_promotions,
    "integrations/updatecampaignmetrics": _metrics,
    "integrations/updatecampaigninteractions": _object,
    "integrations/setcustomerchannelpreference": _object,
    "integrations/updatecustomerpromotionstatus": _promotion_status,
}
