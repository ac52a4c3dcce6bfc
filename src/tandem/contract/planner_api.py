"""The planner's wire words (Optimove's format): requests and answers as plain objects, to and from JSON documents."""

from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from sys import intern
from typing import Any

from tandem.contract.reading import (
    ContractBroken,
    folded,
    items,
    optional_number,
    plain_text,
    whole_number,
    yes_or_no,
)

CONTROL_ACTION = 1
TEST_ACTION = 2
TOKEN_HEADER = "Authorization-Token"  # noqa: S105 - the name of a header
KEY_HEADER = "X-API-KEY"
EXPIRED = "Authorization-Token Expired"
#: A write with the same key counts once (draft-ietf-httpapi-idempotency-key-header), where the planner offers it:
#: ours says so on every answer, the vendor's takes no notice.
ONCE_HEADER = "Idempotency-Key"
ONCE_OFFERED = "Tandem-Idempotency-Key"
PAGE = 10_000
DETAILS_PAGE = 200_000


class MetricId(IntEnum):
    """What a number of UpdateCampaignMetrics counts."""

    SENT = 0
    DELIVERED = 1
    OPENED = 2
    CLICKED = 3
    UNSUBSCRIBED = 4
    DROPPED = 5
    SPAM = 6
    BOUNCED = 9


@dataclass(frozen=True, kw_only=True)
class CampaignDetails:
    """GetCampaignDetails. test_group_size: customers who get something, over all channels; None = not said."""

    campaign_id: int
    target_group_id: int
    campaign_type: str
    duration: int
    lead_time: int
    notes: str
    is_multi_channel: bool
    is_recurrence: bool
    status: str
    error: str
    tags: tuple[str, ...] = ()
    channels: tuple[int, ...] = ()
    test_group_size: int | None = None
    control_group_size: int | None = None

    def document(self, *, current: bool) -> dict[str, Any]:
        """As the wire has it; version `current` tells more."""
        found: dict[str, Any] = {
            "TargetGroupID": self.target_group_id,
            "CampaignType": self.campaign_type,
            "Duration": self.duration,
            "LeadTime": self.lead_time,
            "Notes": self.notes,
            "IsMultiChannel": self.is_multi_channel,
            "IsRecurrence": self.is_recurrence,
            "Status": self.status,
            "Error": self.error,
        }
        if current:
            found["Tags"] = list(self.tags)
            found["Channels"] = [{"Id": channel} for channel in self.channels]
            found["TestGroupSize"] = self.test_group_size
            found["ControlGroupSize"] = self.control_group_size
        return found

    @classmethod
    def read(cls, campaign_id: int, document: object) -> "CampaignDetails":
        """Raises ContractBroken."""
        fields = folded(document, "campaign")
        return cls(
            campaign_id=campaign_id,
            target_group_id=whole_number(fields.get("targetgroupid", 0), "TargetGroupID"),
            campaign_type=plain_text(fields.get("campaigntype") or "", "CampaignType"),
            duration=whole_number(fields.get("duration") or 0, "Duration"),
            lead_time=whole_number(fields.get("leadtime") or 0, "LeadTime"),
            notes=plain_text(fields.get("notes") or "", "Notes"),
            is_multi_channel=yes_or_no(fields.get("ismultichannel", False)),
            is_recurrence=yes_or_no(fields.get("isrecurrence", False)),
            status=plain_text(fields.get("status") or "", "Status"),
            error=plain_text(fields.get("error") or "", "Error"),
            tags=tuple(plain_text(tag, "Tags") for tag in items(fields.get("tags") or [], "list of tags")),
            channels=tuple(
                whole_number(folded(channel, "channel").get("id"), "Channels")
                for channel in items(fields.get("channels") or [], "list of channels")
            ),
            test_group_size=optional_number(fields.get("testgroupsize"), "TestGroupSize"),
            control_group_size=optional_number(fields.get("controlgroupsize"), "ControlGroupSize"),
        )


@dataclass(frozen=True, kw_only=True)
class ChannelDetails:
    """A row of GetExecutedCampaignChannelDetails: one template of a campaign on a channel."""

    template_id: int
    scheduled_time: str
    send_id: str = ""
    list_id: int | None = None

    def document(self) -> dict[str, Any]:
        """As the wire has it."""
        found: dict[str, Any] = {} if self.list_id is None else {"ListID": self.list_id}
        return found | {
            "SendID": self.send_id,
            "TemplateID": self.template_id,
            "ScheduledTime": self.scheduled_time,
        }

    @classmethod
    def read(cls, document: object) -> "ChannelDetails":
        """Raises ContractBroken."""
        fields = folded(document, "channel row")
        return cls(
            list_id=optional_number(fields.get("listid"), "ListID"),
            send_id=plain_text(fields.get("sendid") or "", "SendID"),
            template_id=whole_number(fields.get("templateid"), "TemplateID"),
            scheduled_time=_time(fields),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionRow:
    """A row of GetCustomerExecutionDetailsByCampaign: one customer, what they get."""

    customer_id: str
    action_id: int
    channel_id: int | None
    template_id: int | None
    template_name: str
    scheduled_time: str
    promo_code: str

    @classmethod
    def read(cls, document: object) -> "ExecutionRow":
        """Raises ContractBroken."""
        fields = folded(document, "customer row")
        return cls(
            customer_id=customer_id(fields.get("customerid")),
            action_id=whole_number(fields.get("actionid"), "ActionID"),
            channel_id=optional_number(fields.get("channelid"), "ChannelID"),
            template_id=optional_number(fields.get("templateid"), "TemplateID"),
            template_name=plain_text(fields.get("templatename") or "", "TemplateName"),
            scheduled_time=_time(fields),
            promo_code=plain_text(fields.get("promocode") or "", "PromoCode"),
        )

    @classmethod
    def read_all(cls, documents: list[Any]) -> "list[ExecutionRow]":
        """A page. Rows exactly as the contract spells them are read at once, others one by one; same checks.

        Raises ContractBroken.
        """
        return [_exact(one) or cls.read(one) for one in documents]


def _exact(row: Any) -> ExecutionRow | None:
    """The row if every key is spelt and every value typed as the contract has it; None = read it with care."""
    try:
        customer, action, channel = row["CustomerID"], row["ActionID"], row["ChannelID"]
        template, at, promo = row["TemplateID"], row["ScheduledTime"], row["PromoCode"]
        name = row["TemplateName"]
    except (KeyError, TypeError):
        return None
    texts = type(customer) is type(at) is type(promo) is type(name) is str
    numbers = type(action) is type(channel) is type(template) is int
    if not texts or not numbers or not customer or not at or min(action, channel, template) < 0:
        return None
    if "\x00" in f"{customer}{at}{promo}{name}" or len(row) != (8 if "ScheduleTime" in row else 7):
        return None
    return ExecutionRow(
        customer_id=customer,
        action_id=action,
        channel_id=channel,
        template_id=template,
        template_name=intern(name),
        scheduled_time=intern(at),
        promo_code=intern(promo),
    )


@dataclass(frozen=True, kw_only=True)
class RegisteredListener:
    """Who is told of which event."""

    event_type: int
    channel_id: int | None
    url: str

    def document(self) -> dict[str, Any]:
        """As the wire has it."""
        return {"EventTypeID": self.event_type, "ChannelID": self.channel_id, "ListenerURL": self.url}

    @classmethod
    def read(cls, document: object) -> "RegisteredListener":
        """Raises ContractBroken."""
        fields = folded(document, "listener")
        return cls(
            event_type=whole_number(fields.get("eventtypeid"), "EventTypeID"),
            channel_id=optional_number(fields.get("channelid"), "ChannelID"),
            url=plain_text(fields.get("listenerurl"), "ListenerURL"),
        )


@dataclass(frozen=True, kw_only=True)
class Metric:
    """An item of UpdateCampaignMetrics; the planner adds the values it is sent.

    campaign_id: of a real-time campaign the text that its events name (our choice).
    """

    channel_id: int
    campaign_id: int | str
    template_id: int
    metric_id: int
    value: int

    def document(self) -> dict[str, Any]:
        """As the wire has it."""
        return {
            "ChannelID": self.channel_id,
            "CampaignID": self.campaign_id,
            "TemplateID": self.template_id,
            "MetricID": self.metric_id,
            "MetricValue": self.value,
        }

    @classmethod
    def read(cls, document: object) -> "Metric":
        """Raises ContractBroken."""
        fields = folded(document, "metric")
        return cls(
            channel_id=whole_number(fields.get("channelid"), "ChannelID"),
            campaign_id=whole_number(fields.get("campaignid"), "CampaignID"),
            template_id=whole_number(fields.get("templateid"), "TemplateID"),
            metric_id=whole_number(fields.get("metricid"), "MetricID"),
            value=whole_number(fields.get("metricvalue"), "MetricValue"),
        )


@dataclass(frozen=True, kw_only=True)
class Interactions:
    """UpdateCampaignInteractions: customers who did one thing with a template on a day; event_id as MetricId."""

    channel_id: int
    campaign_id: int
    template_id: int
    event_id: int
    day: str
    customer_ids: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """As the wire has it; group 1 is the one that got something."""
        return {
            "CampaignID": self.campaign_id,
            "ChannelID": self.channel_id,
            "InteractionDate": self.day,
            "TemplateID": self.template_id,
            "EventID": self.event_id,
            "RecipientGroupID": 1,
            "CustomerIDs": list(self.customer_ids),
        }


def customer_id(value: object) -> str:
    """A CustomerID: text that is not empty. Raises ContractBroken."""
    text = plain_text(value, "CustomerID")
    if not text:
        raise ContractBroken("CustomerID is empty.")
    return text


def read_date(value: object) -> date:
    """A day as `2015-06-24`. Raises ContractBroken."""
    try:
        if isinstance(value, str) and len(value) == 10 and value.isascii():
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise ContractBroken("Date is not of the form YYYY-MM-DD.")


def _time(fields: dict[str, Any]) -> str:
    return plain_text(fields.get("scheduledtime") or fields.get("scheduletime") or "", "ScheduledTime")
