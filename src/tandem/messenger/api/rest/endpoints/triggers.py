"""Triggers: templates of email and SMS, with their versions."""

from collections.abc import Sequence
from typing import Any

from tandem.messenger.accounts import prices
from tandem.messenger.api.rest import wire, wire_messages, wire_preview
from tandem.messenger.api.rest.call import Call
from tandem.messenger.api.rest.endpoint import Kind, Param, Sure, get
from tandem.messenger.messages import service as messages
from tandem.messenger.projects import service as projects
from tandem.messenger.projects.domain import LinkView, TriggerView


def list_triggers(call: Call) -> Any:
    """Triggers, of one project if asked."""
    found = projects.list_triggers(call.account_id, call.integer("projectId", 0) or None)
    if call.flag("basic", default=False):
        return [wire.trigger(view, basic=True) for view in found]
    return _in_full(call, found)


def get_trigger(call: Call) -> Any:
    """One trigger."""
    return _in_full(call, [_trigger(call)])[0]


def list_campaigns(call: Call) -> Any:
    """The versions of a trigger."""
    return _in_full(call, [_trigger(call)])[0]["campaignVersions"]


def list_links(call: Call) -> Any:
    """The links of a trigger's active version."""
    return [wire_messages.link(one) for one in _links(call)]


def list_tags(call: Call) -> Any:
    """The tags of those links."""
    return [tag for one in _links(call) for tag in wire_messages.link_tags(one)]


def _trigger(call: Call) -> TriggerView:
    return projects.get_trigger(call.account_id, call.number("triggerId"))


def _in_full(call: Call, views: Sequence[TriggerView]) -> list[wire.Json]:
    """With their versions, and what became of the messages of each."""
    ids = [version.id for view in views for version in view.versions]
    numbers = messages.version_numbers(call.account_id, ids)
    found = []
    for view in views:
        dto = wire.trigger(view)
        for version in dto["campaignVersions"]:
            version_id = version["campaignId"]
            version["statDtos"] = wire_messages.stat(numbers.get(version_id), version_id, view.project_id)
        found.append(dto)
    return found


def _links(call: Call) -> tuple[LinkView, ...]:
    view = _trigger(call)
    return projects.links_of(call.account_id, view.active_version_id) if view.active_version_id else ()


def preview(call: Call) -> Any:
    """A version as one contact would get it."""
    original_id = call.text("originalId") or None
    trigger_id, version_id = call.number("triggerId"), call.number("campaignId")
    seen = projects.preview(call.account_id, trigger_id, version_id, original_id=original_id)
    fall_back = projects.fallbacks_of(call.account_id, trigger_id, version_id)
    return wire_preview.preview(seen, fall_back, prices.sms_price(call.account_id))


_VERSION = (
    '{"campaignId":336858,"campaignName":"v1","campaignTypeId":1,"active":true,"locked":true,"dateCreated":1,'
    '"dateModified":2,"userCreated":"a","userModified":"b","statDtos":null,"lastActivated":3}'
)
_SENT = (
    _VERSION.replace('"statDtos":null', '"statDtos":{"id":336858,"deliveryId":336858,"projectId":77,"source":0,'
    '"deliveryTypeId":0,"opened":0,"clicked":0,"openedInBrower":0,"complaints":0,"shareTarget":0,"mailClick":0,'
    '"conversions":0,"uniqueClick":0,"recipients":6,"sent":5,"nonDeliverable":1,"unsubscribed":0,"notBounced":4,'
    '"softBounced":0,"hardBounced":1,"amount":0.0}')
)  # fmt: skip
_TRIGGER = (
    '{"id":3422,"type":1,"projectId":77,"name":"Welcome","description":"d","listId":14242,"dateCreated":1441374310577,'
    '"dateModified":1441374310577,"userCreated":"u","userModified":"u","channelTypeId":1,"activeCampaign":336858,'
    f'"ignoreOptOut":false,"active":true,"campaignVersions":[{_VERSION}]}}'
)

ENDPOINTS = (
    get(
        "triggers", list_triggers,
        Param(name="projectId", default="all", meaning="Those of one project."),
        Param(name="basic", kind=Kind.FLAG, default="false", meaning="Leave the versions out."),
        meaning="Triggers with their versions.", example=f"[{_TRIGGER}]",
    ),
    get("triggers/{triggerId}", get_trigger, meaning="One trigger.", example=_TRIGGER,
        differs="One client asks this address for messages; it is answered the trigger."),
    get("triggers/{triggerId}/campaigns", list_campaigns, meaning="Its versions.", example=f"[{_SENT}]",
        differs="statDtos is one object, or null for a version of which nothing was sent. "
        "opened and clicked are people, each once per sendout; bots are left out."),
    get("triggers/{triggerId}/links", list_links,
        meaning="The links of its active version as they were written.",
        example='[{"id":41,"name":"To the shop","linkTarget":"https://shop.example/?c={{contact.city}}",'
        '"tags":["shop"]}]'),
    get("triggers/{triggerId}/tags", list_tags, meaning="The tags of those links: `data-tags` of `<a>`, by commas.",
        example='[{"blockLinkId":41,"tag":"shop"}]'),
    get(
        "triggers/{triggerId}/campaigns/{campaignId}/preview", preview,
        Param(name="originalId", kind=Kind.TEXT, default="a made-up contact", meaning="Whose message."),
        sure=Sure.OURS, meaning="A version as one contact would get it; `missing` names what that contact lacks, "
        "`fallbacks` those of them for which the template prints something else. An SMS tells its price if one is set.",
        example='{"subject":"Hi","from":"shop@example.com","html":"<p>Hi</p>","text":"Hi","sms":null,"missing":[],'
        '"fallbacks":[]}',
    ),
)  # fmt: skip
