"""Triggers: templates of email and SMS, with their versions."""

from typing import Any

from tandem.messenger.api.rest import wire
from tandem.messenger.api.rest.call import Call
from tandem.messenger.api.rest.endpoint import Kind, Param, Sure, get
from tandem.messenger.projects import service as projects


def list_triggers(call: Call) -> Any:
    """Triggers, of one project if asked."""
    wanted = call.integer("projectId", 0) or None
    basic = call.flag("basic", default=False)
    return [wire.trigger(view, basic=basic) for view in projects.list_triggers(call.account_id, wanted)]


def get_trigger(call: Call) -> Any:
    """One trigger."""
    return wire.trigger(projects.get_trigger(call.account_id, call.number("triggerId")))


def list_campaigns(call: Call) -> Any:
    """The versions of a trigger."""
    view = projects.get_trigger(call.account_id, call.number("triggerId"))
    return [wire.version(version, view.channel) for version in view.versions]


def preview(call: Call) -> Any:
    """A version as one contact would get it."""
    original_id = call.text("originalId") or None
    trigger_id, version_id = call.number("triggerId"), call.number("campaignId")
    return wire.preview(projects.preview(call.account_id, trigger_id, version_id, original_id=original_id))


_VERSION = (
    '{"campaignId":336858,"campaignName":"v1","campaignTypeId":1,"active":true,"locked":true,"dateCreated":1,'
    '"dateModified":2,"userCreated":"a","userModified":"b","statDtos":null,"lastActivated":3}'
)
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
    get("triggers/{triggerId}/campaigns", list_campaigns, meaning="Its versions.", example=f"[{_VERSION}]"),
    get(
        "triggers/{triggerId}/campaigns/{campaignId}/preview", preview,
        Param(name="originalId", kind=Kind.TEXT, default="a made-up contact", meaning="Whose message."),
        sure=Sure.OURS, meaning="A version as one contact would get it, and what that contact lacks.",
        example='{"subject":"Hi","from":"shop@example.com","html":"<p>Hi</p>","text":"Hi","sms":null,"missing":[]}',
    ),
)  # fmt: skip
