"""What each function of the simulated planner answers: rows of the contract's shapes from the simulated world."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from tandem.contract.reading import yes_or_no
from tandem.simulators.planner_ask import TIME, Ask, Unknown, details
from tandem.simulators.planner_world import (
    ACTIONS,
    ATTRIBUTES,
    GROUPS,
    STAGES,
    VALUE_SEGMENTS,
    Campaign,
    Rows,
)

Answer = Callable[[Ask], Any]


def _named(table: Mapping[Any, str], key: str, name: str) -> tuple[Answer, Answer, Answer]:
    """Three functions of a table: all rows, name of an id, id of a name."""

    def all_rows(ask: Ask) -> list[dict[str, Any]]:
        return [{key: number, name: text} for number, text in table.items()]

    def name_of(ask: Ask) -> dict[str, Any]:
        if ask[key] not in table:
            raise Unknown
        return {name: table[ask[key]]}

    def id_of(ask: Ask) -> dict[str, Any]:
        wanted = str(ask[name]).lower()
        found = [number for number, text in table.items() if text.lower() == wanted]
        if not found:
            raise Unknown
        return {key: found[0]}

    return all_rows, name_of, id_of


def _execution(ask: Ask) -> Any:
    one, world = ask.campaign, ask.world
    if not ask.of_channel:
        return []
    at, name = one.at.strftime(TIME), world.templates[one.channel].get(one.template, "Template")

    def row(place: int) -> dict[str, Any]:
        return {
            "CustomerID": world.customer(one.targeted_at(place)),
            "ActionID": one.action,
            "ChannelID": one.channel,
            "TemplateID": one.template,
            "TemplateName": name,
            "ScheduledTime": at,
            "ScheduleTime": at,
            "PromoCode": one.promo,
        }

    return Rows(one.targeted, row)


def _targeted(ask: Ask, **fixed: Any) -> Any:
    one = ask.campaign
    if not ask.of_channel:
        return []
    return Rows(
        one.targeted, lambda place: {"CustomerID": ask.world.customer(one.targeted_at(place)), **fixed}
    )


def _everybody(one: Campaign, ask: Ask, *, group: bool = True, **more: Any) -> Rows:
    """Test rows, then control rows if they are asked for."""
    control = one.control if yes_or_no(ask["IncludeControlGroup"]) else 0

    def row(place: int) -> dict[str, Any]:
        test = place < one.targeted
        number = one.targeted_at(place) if test else (place - one.targeted) * 10 + 9
        found = {
            "CustomerID": ask.world.customer(number),
            "ActionID": one.action if test else 1,
            "ChannelID": one.channel,
        }
        return found | ({"RecipientGroupID": 1} if group else {}) | more

    return Rows(one.targeted + control, row)


def _chained(parts: Iterable[Any]) -> list[Any]:
    return [row for part in parts for row in part[:1000]]


def _of_day(ask: Ask, **wanted: Any) -> list[Campaign]:
    return [
        one
        for one in ask.world.of_day(ask["Date"], ask["ChannelID"])
        if all(getattr(one, name) == value for name, value in wanted.items())
    ]


def _changers(ask: Ask, key: str, values: list[Any]) -> Any:
    size = min(ask.world.customers, 50)
    return Rows(
        size,
        lambda n: {
            "CustomerID": ask.world.customer(n),
            f"Initial{key}": values[n % len(values)],
            f"Final{key}": values[(n + 1) % len(values)],
        },
    )


def _attribute_changers(ask: Ask) -> Any:
    def row(n: int) -> dict[str, Any]:
        old, new = ("SuperBrand", "OtherBrand") if n % 2 else (None, "SuperBrand")
        return {
            "CustomerID": ask.world.customer(n),
            "InitialCustomerAttribute": old,
            "FinalCustomerAttribute": new,
            "InitialCustomerAttributes": old or "NULL",
            "FinalCustomerAttributes": new,
        }

    return Rows(min(ask.world.customers, 20), row)


def _last_action(ask: Ask) -> dict[str, Any]:
    if ask.world.number(str(ask["CustomerID"])) is None:
        raise Unknown
    one = max(ask.world.campaigns.values(), key=lambda found: found.at)
    day = one.day.isoformat()
    return {"ActionID": one.action, "Date": day, "Duration": one.duration, "TargetGroupID": one.group}


def _targeted_now(ask: Ask) -> list[dict[str, Any]]:
    today = ask.world.today()
    running = [
        one
        for one in ask.world.campaigns.values()
        if one.day <= today < one.day + timedelta(days=one.duration)
    ]
    return [
        {
            "CustomerID": ask.world.customer(one.targeted_at(place)),
            "CampaignID": one.id,
            "ActionID": one.action,
            "StartDate": one.day.isoformat(),
            "EndDate": (one.day + timedelta(days=one.duration)).isoformat(),
        }
        for one in running
        for place in range(min(one.targeted, 1000))
    ]


def _ended(ask: Ask) -> list[dict[str, Any]]:
    found = [
        one
        for one in ask.world.campaigns.values()
        if one.day + timedelta(days=one.duration) == ask["Date"] or one.day == ask["Date"]
    ]
    return _chained(
        _everybody(
            one, ask, group=False, Date=one.day.isoformat(), Duration=one.duration, TargetGroupID=one.group
        )
        for one in found
    )


def _promo_rows(campaigns: Iterable[Campaign], *, group: bool) -> list[dict[str, Any]]:
    return [
        ({"TargetGroupID": one.group} if group else {})
        | {"RecipientGroupID": 1, "ActionID": one.action, "PromoCode": one.promo}
        for one in campaigns
    ]


def _interactions(ask: Ask) -> list[dict[str, Any]]:
    start: date = ask["StartDate"]
    return [
        {
            "Date": one.day.isoformat(),
            "CampaignID": one.id,
            "RecipientGroupID": 1,
            "ActionID": one.action,
            "ChannelID": one.channel,
            "TemplateID": one.template,
            "EventID": 2,
        }
        for one in ask.world.campaigns.values()
        if start <= one.day <= ask["EndDate"] and ask["ChannelID"] in (None, 0, one.channel)
    ]


def _who_interacted(ask: Ask) -> list[dict[str, Any]]:
    return [
        {
            "CustomerID": ask.world.customer(one.targeted_at(n)),
            "CampaignID": one.id,
            "TemplateID": one.template,
        }
        for one in _of_day(ask)
        for n in range(min(one.targeted, 100))
    ]


def _send_rows(ask: Ask) -> Any:
    one = ask.campaign
    more = {"TemplateID": one.template} if yes_or_no(ask["IncludeTemplateIDs"]) else {}
    return _targeted(ask, ChannelID=one.channel, ScheduledTime=one.at.strftime(TIME), SendID="", **more)


def _cancelled(ask: Ask) -> Any:
    one, since = ask.campaign, ask.world.now() - timedelta(hours=2)
    fixed = {"ActionID": one.action, "PromoCode": one.promo}
    if ask.world.cancelled.get(one.id, since) > since:
        return _targeted(ask, **fixed)
    at, customers = ask.world.taken_off.get(one.id, (since, ()))
    return [{"CustomerID": customer, **fixed} for customer in customers if at > since]


def _processed(ask: Ask) -> Any:
    return _targeted(ask, ActionID=ask.campaign.action, PromoCode=ask.campaign.promo)


def _future_values(ask: Ask) -> Any:
    return Rows(
        min(ask.world.customers, 1000),
        lambda n: {
            "CustomerID": ask.world.customer(n),
            "FutureValue": round(5 + (n * 7919 % 40_000) / 100, 2),
        },
    )


def _templates(ask: Ask) -> list[dict[str, Any]]:
    wanted = ask["TemplateID"]
    known = ask.world.templates.get(ask["ChannelID"], {})
    return [{"TemplateID": n, "TemplateName": name} for n, name in known.items() if wanted in (None, n)]


def _template_details(ask: Ask) -> list[dict[str, Any]]:
    more = {
        "TemplateContent": "<html><body>Hello</body></html>",
        "TemplateAttributes": ["Shop", "news@shop.example", "Hello"],
    }
    return [row | more for row in _templates(ask)]


_stages, _, _ = _named(STAGES, "StageID", "StageName")
_actions, _action_name, _action_id = _named(ACTIONS, "ActionID", "ActionName")
_, _group_name, _group_id = _named(GROUPS, "TargetGroupID", "TargetGroupName")
_segments, _segment_name, _segment_id = _named(VALUE_SEGMENTS, "ValueSegmentID", "ValueSegmentName")

#: function in lower case -> its answer
READS: dict[str, Answer] = {
    "general/getlastdataupdate": lambda ask: {"Date": (ask.world.today() - timedelta(days=1)).isoformat()},
    "general/getregisteredeventlisteners": lambda ask: [
        {"EventTypeID": kind, "ChannelID": channel, "ListenerURL": url}
        for (kind, channel), url in ask.world.listeners.items()
    ],
    "model/getcustomerattributelist": lambda ask: [
        {"RealFieldName": name, "Description": text} for name, text in ATTRIBUTES.items()
    ],
    "model/getlifecyclestagelist": _stages,
    "model/getmicrosegmentlist": lambda ask: [
        {
            "MicrosegmentID": stage * 10 + layer,
            "MicrosegmentName": f"{name} {layer}",
            "LifecycleStageID": stage,
            "FutureValue": round(870.55 / (stage + layer), 2),
            "ChurnRate": round(min(0.1 * stage + 0.05 * layer, 0.95), 2),
        }
        for stage, name in STAGES.items()
        for layer in (1, 2, 3)
    ],
    "model/getmicrosegmentchangers": lambda ask: _changers(ask, "MicrosegmentID", [11, 12, 21]),
    "actions/getexecutionchannels": lambda ask: [
        {"ChannelID": number, "ChannelId": number, "ChannelName": name}
        for number, name in ask.world.channels.items()
    ],
    "actions/getexecutedcampaigndetails": lambda ask: [
        {"CampaignID": one.id, **details(one, current=False)} for one in _of_day(ask)
    ],
    "actions/getcampaigndetails": lambda ask: details(ask.campaign, current=ask.current),
    "actions/getexecutedcampaignsbychannel": lambda ask: [{"CampaignID": one.id} for one in _of_day(ask)],
    "actions/getexecutedcampaignchanneldetails": lambda ask: (
        [
            {
                "ListID": 1,
                "SendID": "",
                "TemplateID": ask.campaign.template,
                "ScheduledTime": ask.campaign.at.strftime(TIME),
            }
        ]
        if ask.of_channel
        else []
    ),
    "actions/getallactions": _actions,
    "actions/getactionname": _action_name,
    "actions/getactionid": _action_id,
    "actions/getactionsbytargetgroup": lambda ask: [
        {"RecipientGroupID": 1, "ActionID": one.action} for one in _of_day(ask, group=ask["TargetGroupID"])
    ],
    "actions/getactiondetailsbytargetgroup": lambda ask: [
        {
            "RecipientGroupID": 1,
            "ActionID": one.action,
            "Duration": one.duration,
            "LeadTime": 0,
            "ChannelID": one.channel,
        }
        for one in _of_day(ask, group=ask["TargetGroupID"])
    ],
    "actions/getpromocodes": lambda ask: _promo_rows(_of_day(ask), group=True),
    "actions/getpromocodesbycampaign": lambda ask: _promo_rows([ask.campaign], group=False),
    "actions/getpromocodesbytargetgroup": lambda ask: _promo_rows(
        _of_day(ask, group=ask["TargetGroupID"]), group=False
    ),
    "groups/gettargetgroupdetails": lambda ask: [
        {"TargetGroupID": number, "TargetGroupName": name, "TargetGroupPriority": place}
        for place, (number, name) in enumerate(GROUPS.items(), 1)
    ],
    "groups/gettargetgroupname": _group_name,
    "groups/gettargetgroupid": _group_id,
    "groups/gettargetgroupsbydate": lambda ask: [
        {"TargetGroupID": group} for group in sorted({one.group for one in _of_day(ask)})
    ],
    "segments/getvaluesegments": _segments,
    "segments/getvaluesegmentname": _segment_name,
    "segments/getvaluesegmentid": _segment_id,
    "segments/getcustomersbyvaluesegment": lambda ask: Rows(
        max(ask.world.customers // 4, 1), lambda n: {"CustomerID": ask.world.customer(n)}
    ),
    "segments/getvaluesegmentchangers": lambda ask: _changers(ask, "ValueSegmentID", [1, 2, 3]),
    "customers/getcustomerexecutiondetailsbycampaign": _execution,
    "customers/getcustomersenddetailsbychannel": lambda ask: _targeted(
        ask, TemplateID=ask.campaign.template, ScheduledTime=ask.campaign.at.strftime(TIME)
    ),
    "customers/getcustomersenddetailsbycampaign": _send_rows,
    "customers/getcustomersbyaction": lambda ask: [
        {"CustomerID": row["CustomerID"]}
        for row in _chained(_everybody(one, ask) for one in _of_day(ask, action=ask["ActionID"]))
    ],
    "customers/getcustomeractionsbytargetgroup": lambda ask: _chained(
        _everybody(one, ask, group=yes_or_no(ask["IncludeRecipientGroupID"]))
        for one in _of_day(ask, group=ask["TargetGroupID"])
    ),
    "customers/getcustomeronetimeactionsbydate": lambda ask: _chained(
        _everybody(one, ask, group=False) for one in _of_day(ask)
    ),
    "customers/getcustomeronetimeactionsbycampaign": lambda ask: _everybody(ask.campaign, ask),
    "customers/getcustomeractiondetailsbydate": lambda ask: _chained(
        _everybody(one, ask) for one in _of_day(ask)
    ),
    "customers/getcustomersactionendedbydate": _ended,
    "customers/getcurrentlytargetedcustomers": _targeted_now,
    "customers/getcanceledcampaigncustomers": _cancelled,
    "customers/getprocessedcampaigncustomers": _processed,
    "customers/getcustomerlastactionexecuted": _last_action,
    "customers/getcustomerchannelinteractions": _interactions,
    "customers/getcampaigninteractioncustomers": _who_interacted,
    "customers/gettargetgroupchangers": lambda ask: _changers(ask, "TargetGroupID", [-1, 8, 9]),
    "customers/getcustomerattributechangers": _attribute_changers,
    "customers/getcustomerfuturevalues": _future_values,
    "integrations/getchanneltemplates": _templates,
    "integrations/getchanneltemplatedetails": _template_details,
    "integrations/getpromotions": lambda ask: [
        {"PromoCode": code, "PromotionName": name} for code, name in ask.world.promotions.items()
    ],
}
