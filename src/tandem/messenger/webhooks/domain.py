"""Pure words and rules of webhooks: event types, the vendor's body, when a call is made again."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from zoneinfo import ZoneInfo


class EventType(StrEnum):
    """What may be told. `Form submitted` of the vendor is not among them: there are no forms here."""

    BOUNCE = "bounce"
    ENDUSER_UPDATED = "enduser-updated"
    LINK_CLICKED = "link-clicked"
    MAIL_OPENED = "mail-opened"
    OPT_OUT = "opt-out"
    SMS_INBOX = "sms-inbox"
    OPTIN = "optin"
    SET_PROPERTY = "set-property"
    SENDOUT_SUMMARY = "sendout-summary"
    TRIGGER_FAILED = "trigger-failed"

    @property
    def words(self) -> str:
        """The type as the vendor's pages name it."""
        return _WORDS[self][0]

    @property
    def description(self) -> str:
        """`description` in the body; MailOpened and ClickedLink are the vendor's, the others follow them."""
        return _WORDS[self][1]

    @property
    def message_type(self) -> str:
        """`messageType` in the body; OPENED is the vendor's, the others follow it."""
        return _WORDS[self][2]


_WORDS = {
    EventType.BOUNCE: ("Bounce (hard)", "HardBounce", "HARD_BOUNCE"),
    EventType.ENDUSER_UPDATED: ("Enduser updated", "EnduserUpdated", "ENDUSER_UPDATED"),
    EventType.LINK_CLICKED: ("Link clicked", "ClickedLink", "CLICKED"),
    EventType.MAIL_OPENED: ("Mail opened", "MailOpened", "OPENED"),
    EventType.OPT_OUT: ("Opt out", "OptOut", "OPT_OUT"),
    EventType.SMS_INBOX: ("SMS Inbox", "SmsInbox", "SMS_INBOX"),
    EventType.OPTIN: ("Optin", "OptIn", "OPT_IN"),
    EventType.SET_PROPERTY: ("Set property", "SetProperty", "SET_PROPERTY"),
    EventType.SENDOUT_SUMMARY: ("Sendout summary", "SendoutSummary", "SENDOUT_SUMMARY"),
    EventType.TRIGGER_FAILED: ("Trigger Failed", "TriggerFailed", "TRIGGER_FAILED"),
}


class Way(StrEnum):
    """How a subscription is served."""

    VENDOR = "vendor"
    SIGNED = "signed"


class Auth(StrEnum):
    """What a call shows its receiver. The vendor's third kind, AWS IAM, is not offered."""

    NONE = "none"
    BASIC = "basic"
    HEADER = "header"


class CallState(IntEnum):
    """What became of one event for one subscription."""

    WAITING = 0
    FIRED = 1
    HEARD = 10
    FAILED = 11
    UNHEARD = 12
    NOT_CALLED = 13

    @property
    def words(self) -> str:
        """The state as people read it."""
        return {
            CallState.WAITING: "waiting",
            CallState.FIRED: "under way",
            CallState.HEARD: "acknowledged",
            CallState.FAILED: "failed",
            CallState.UNHEARD: "answer not heard",
            CallState.NOT_CALLED: "not called",
        }[self]


#: what the list of failures shows
FAILURES = (CallState.FAILED, CallState.UNHEARD, CallState.NOT_CALLED)
#: seconds within which a receiver must acknowledge
VENDOR_SECONDS = 1.0
SIGNED_SECONDS = 15.0
#: the vendor's way: failures in a row that open the circuit, and for how long
BREAKS_AFTER = 5
OPEN_FOR = timedelta(seconds=60)
#: the signed way: waits after the first, second... failure; after the last the event has failed
RETRIES = tuple(timedelta(seconds=s) for s in (5, 300, 1800, 7200, 18000, 36000))
LONGEST_WAIT = timedelta(days=1)
GIVES_UP_AFTER = timedelta(days=5)
OVERLAP = timedelta(days=1)
KEPT_HEARD = timedelta(days=3)
KEPT = timedelta(days=30)
#: answers that speak of the receiver as a whole, not of the event
OF_THE_RECEIVER = frozenset({401, 403, 404, 408, 425, 429})


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened, in the words of the vendor's body; what does not apply is None.

    contact: the shop's own id of the contact; contact_id: ours. version_id: `campaignId`. more: further fields.
    """

    at: datetime
    list_id: int | None = None
    list_name: str | None = None
    contact: str | None = None
    contact_id: int | None = None
    version_id: int | None = None
    campaign: str | None = None
    project_id: int | None = None
    project: str | None = None
    sent_at: datetime | None = None
    module: str = "CAMPAIGN"
    channel: str | None = None
    more: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What a call came to. status 0 = no answer; sent: whether it may have reached the receiver."""

    status: int
    words: str
    retry_after: timedelta | None = None

    @property
    def good(self) -> bool:
        """Whether the receiver acknowledged it."""
        return 200 <= self.status < 300


def moment(at: datetime, zone: ZoneInfo) -> str:
    """ISO-8601 with milliseconds and offset, as 2015-06-29T11:07:49.913+02:00."""
    return at.astimezone(zone).isoformat(timespec="milliseconds")


def body(event_type: EventType, event_id: int, event: Event, zone: ZoneInfo) -> dict[str, object]:
    """The documented body of one event, in the vendor's order of 2015, then what 2022 added."""
    found: dict[str, object] = {
        "listId": event.list_id,
        "eventId": event_id,
        "contactId": event.contact,
        "campaignId": event.version_id,
        "sentTimestamp": moment(event.sent_at, zone) if event.sent_at else None,
        "carmaContactId": event.contact_id,
        "campaign": event.campaign,
        "project": event.project,
        "description": event_type.description,
        "list": event.list_name,
        "projectId": event.project_id,
        "timestamp": moment(event.at, zone),
    }
    if event_type is EventType.LINK_CLICKED:
        found["clickTimestamp"] = moment(event.at, zone)
    found |= {"module": event.module, "channel": event.channel, "messageType": event_type.message_type}
    return found | {name: value for name, value in event.more.items() if name not in found}


def wait_after(tries: int, key: str, asked: timedelta | None) -> timedelta | None:
    """How long to wait after the `tries`-th failure; None = no more. Up to a tenth more, so that many do not meet.

    asked: the receiver's Retry-After, kept if it is longer, up to a day.
    """
    if tries > len(RETRIES):
        return None
    wait = RETRIES[tries - 1]
    share = int.from_bytes(hashlib.sha256(f"{key}:{tries}".encode()).digest()[:2], "big") / 655360
    return max(wait * (1 + share), min(asked or timedelta(0), LONGEST_WAIT))


def holds_up(status: int) -> bool:
    """Whether the events that follow wait too: not if the receiver refuses this one event."""
    return not 400 <= status < 500 or status in OF_THE_RECEIVER


@dataclass(frozen=True, kw_only=True)
class SubscriptionView:
    """A subscription as pages and programs see it; never its secrets."""

    id: int
    url: str
    project_id: int | None
    events: tuple[EventType, ...]
    way: Way
    auth: Auth
    auth_name: str
    seconds: float
    enabled: bool
    problem: str
    open_until: datetime | None
    wait_until: datetime | None
    failing_since: datetime | None
    failures: int
    rotated_until: datetime | None
    last_at: datetime | None
    last_status: int | None
    last_words: str
    waiting: int = 0
    failed: int = 0

    @property
    def circuit(self) -> str:
        """The circuit breaker in a word."""
        if self.way is Way.SIGNED:
            return ""
        if self.open_until is None:
            return "closed"
        return "open"


@dataclass(frozen=True, kw_only=True)
class CallView:
    """One event of one subscription. body: what is posted."""

    event_id: int
    subscription_id: int
    event_type: EventType
    state: CallState
    tries: int
    status: int | None
    words: str
    made_at: datetime
    called_at: datetime | None
    next_at: datetime | None
    contact: str


@dataclass(frozen=True, kw_only=True)
class GateView:
    """A Send Gate: whom to ask before a sending leaves. project_id None = every project without its own."""

    id: int
    project_id: int | None
    url: str
    auth: Auth
    auth_name: str
    minutes: int
    enabled: bool

    @property
    def holds(self) -> bool:
        """Whether a sending without an answer stays; else it leaves after `minutes`."""
        return self.minutes == 0


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An address with what a call to it shows. secrets: those that sign, the newest first."""

    url: str
    auth: Auth = Auth.NONE
    auth_name: str = ""
    auth_secret: str = ""
    secrets: tuple[str, ...] = ()
