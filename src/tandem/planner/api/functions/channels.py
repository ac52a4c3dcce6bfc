"""integrations/*: templates and apps of channels that programs push, and what customers prefer."""

from typing import Any

from tandem.contract.reading import ContractBroken
from tandem.planner.api.call import Call
from tandem.planner.api.function import CHANNEL, Body, Kind, Param, Sure, rows, write
from tandem.planner.channels import service as channels
from tandem.planner.channels.domain import PushedTemplate
from tandem.planner.customers import service as customers

MOST_CUSTOMERS = 50_000


def add_channel_templates(call: Call) -> None:
    """All of them, or none if one is refused."""
    found = [
        PushedTemplate(template_id=item["templateid"], name=item["templatename"], app_id=item["appid"] or "")
        for item in call.bodies
    ]
    channels.push_templates(call.account_id, call["ChannelID"], found, actor=call.actor, clock=call.clock)


def get_channel_templates(call: Call) -> list[dict[str, Any]]:
    """What can be sent on the channel."""
    return [{"TemplateID": one.id, "TemplateName": one.name} for one in _templates(call)]


def get_channel_template_details(call: Call) -> list[dict[str, Any]]:
    """One template; with a customer, as they would get it."""
    found = [one for one in _templates(call) if one.id == call["TemplateID"]]
    return [
        {"TemplateID": one.id, "TemplateName": one.name, **_content(call, one.id, call["CustomerID"])}
        for one in found
    ]


def delete_channel_templates(call: Call) -> None:
    """All of them, or none if a channel is unknown."""
    pairs = [(item["channelid"], item["templateid"]) for item in call.bodies]
    channels.drop_templates(call.account_id, pairs, actor=call.actor, clock=call.clock)


def add_channel_apps(call: Call) -> None:
    """All of them, or none if one is refused."""
    found = [(item["appid"], item["appname"]) for item in call.bodies]
    channels.add_apps(call.account_id, call["ChannelID"], found)


def delete_channel_apps(call: Call) -> None:
    """All of them, or none if a channel is unknown."""
    channels.drop_apps(call.account_id, [(item["channelid"], item["appid"]) for item in call.bodies])


def set_customer_channel_preference(call: Call) -> None:
    """Say whether customers may get messages on a channel."""
    owner, kind = channels.account_of_channel(call.account_id, call["ChannelID"])
    app_id = call["AppID"] or ""
    if len(app_id) > 100 or call["CommunicationMode"] > 2**31 - 1:
        raise ContractBroken("Invalid AppID or CommunicationMode")
    customers.set_preferences(
        call.account_id, owner.id, str(kind), call["CustomerIDs"], mode=call["CommunicationMode"],
        app_id=app_id, clock=call.clock,
    )  # fmt: skip


def _templates(call: Call) -> list[Any]:
    wanted = call["TemplateID"]
    found = channels.channel_templates(call.account_id, call["ChannelID"])
    return [one for one in found if wanted is None or one.id == wanted]


def _content(call: Call, template_id: int, customer_id: str | None) -> dict[str, Any]:
    if customer_id is None:
        return {"TemplateContent": "", "TemplateAttributes": []}
    owner, _ = channels.account_of_channel(call.account_id, call["ChannelID"])
    customers.surrogate_of(call.account_id, customer_id)
    made = channels.preview(call.account_id, owner.id, template_id, customer_id)
    text = made.html or (made.sms.text if made.sms else made.text)
    attributes = [made.sender, made.subject] if made.html else []
    return {"TemplateContent": text, "TemplateAttributes": attributes}


_TEMPLATE = Param(name="TemplateID", required=True, meaning="A template.")
_APP = Param(name="AppID", kind=Kind.TEXT, required=True, meaning="An app or brand of the channel.")
_OPTIONAL_APP = Param(name="AppID", kind=Kind.TEXT, meaning="An app or brand of the channel.")
_NAMED = Body(
    is_array=True,
    fields=(
        _TEMPLATE, Param(name="TemplateName", kind=Kind.TEXT, required=True, meaning="A name for people."),
        _OPTIONAL_APP,
    ),
)  # fmt: skip
_APPS = Body(is_array=True, fields=(_APP, Param(name="AppName", kind=Kind.TEXT, required=True)))
_PREFERENCE = Body(
    size=8 * 1024 * 1024,
    fields=(
        CHANNEL,
        Param(
            name="CustomerIDs", kind=Kind.IDS, required=True, most=MOST_CUSTOMERS,
            meaning="At most 50,000; ids that nobody has are passed over.",
        ),
        Param(
            name="CommunicationMode", required=True,
            meaning="1 = may get messages on the channel; any other number = may not.",
        ),
        _OPTIONAL_APP,
    ),
)  # fmt: skip
_DETAILS: dict[str, Any] = {
    "third_party": True,
    "sure": Sure.LIVE,
    "example": '[{"TemplateID":5,"TemplateName":"Welcome","TemplateContent":"<html></html>",'
    '"TemplateAttributes":["from@example.com","Subject"]}]',
    "meaning": "One template; `[]` if the channel has none of that number. With CustomerID its content and sender as "
    "that customer would get it, where the channel's messenger can show it; else the content is empty.",
    "differs": "CustomerID is our choice: a message is made for a person here.",
}
_OF_WHOM = Param(name="CustomerID", kind=Kind.TEXT, meaning="As whom to show it.")

FUNCTIONS = (
    write(
        "integrations", "AddChannelTemplates", add_channel_templates, _NAMED, params=(CHANNEL,), third_party=True,
        meaning="Pushes at most 100 templates to a channel; they can be chosen in campaigns at once. A known id gets "
        "the new name; one that is read from the channel's messenger stays as it is read.",
    ),
    rows(
        "integrations", "GetChannelTemplates", get_channel_templates, CHANNEL,
        Param(name="TemplateID", meaning="Only this one."), third_party=True, sure=Sure.LIVE,
        example='[{"TemplateID":1,"TemplateName":"Welcome Back English"}]',
        meaning="The templates that can be sent on a channel, read from its messenger or pushed.",
    ),
    rows(
        "integrations", "GetChannelTemplateDetails", get_channel_template_details, CHANNEL, _TEMPLATE, _OF_WHOM,
        spellings=("GetChannelTemplatesDetails",), **_DETAILS,
    ),
    rows(
        "transactionalmail", "GetTemplateDetails", get_channel_template_details, CHANNEL, _TEMPLATE, _OF_WHOM,
        **_DETAILS | {"third_party": False},
    ),
    write(
        "integrations", "DeleteChannelTemplates", delete_channel_templates,
        Body(is_array=True, fields=(CHANNEL, _TEMPLATE)), third_party=True, sure=Sure.LIVE,
        meaning="Takes pushed templates away; a scheduled campaign that uses one does not run. What is not there or is "
        "read from a messenger is passed over.",
    ),
    write(
        "integrations", "AddChannelApps", add_channel_apps, _APPS, params=(CHANNEL,), third_party=True,
        meaning="Names apps or brands that a channel serves; a known id gets the new name.",
    ),
    write(
        "integrations", "DeleteChannelApps", delete_channel_apps, Body(is_array=True, fields=(CHANNEL, _APP)),
        third_party=True, meaning="Takes apps away; templates keep the id they name.",
    ),
    write(
        "integrations", "SetCustomerChannelPreference", set_customer_channel_preference, _PREFERENCE,
        third_party=True,
        meaning="Says of customers whether they may get messages on a channel. It can only take away: who opted out at "
        "the messenger stays out. Lists made from now on leave them out as `no consent`, of every app.",
        differs="What the numbers of CommunicationMode mean is documented nowhere: that only 1 allows is our choice.",
    ),
)  # fmt: skip
