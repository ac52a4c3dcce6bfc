"""Words and rules of SMS gateways: messages and answers, receipts, incoming messages, sender ids."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Profile(StrEnum):
    """How a gateway is spoken to."""

    TWILIO = "twilio"
    ELKS = "46elks"
    TEMPLATE = "template"
    SMPP = "smpp"


class Verdict(StrEnum):
    """What a gateway's answer means. Uncertain: it may have the message, so that it is not sent again."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"


class Flag(StrEnum):
    """What an answer or a receipt says about the number itself."""

    NONE = ""
    OPTED_OUT = "opted out"
    BAD_NUMBER = "bad number"


@dataclass(frozen=True, kw_only=True)
class Sms:
    """One message on its way to a gateway. to: the stored number; reference: the same on every try."""

    to: str
    sender: str
    text: str
    reference: str = ""
    receipt_url: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What became of a message at the gateway. ids: its names there, one per part; pause: seconds to send nothing."""

    verdict: Verdict
    detail: str = ""
    ids: tuple[str, ...] = ()
    pause: float = 0.0
    flag: Flag = Flag.NONE


@dataclass(frozen=True, kw_only=True)
class HttpCall:
    """A request to a gateway."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    auth: tuple[str, str] | None = None


class Came(StrEnum):
    """What a receipt says. On the way: nothing final yet."""

    DELIVERED = "delivered"
    FAILED = "failed"
    ON_THE_WAY = "on the way"


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """A delivery receipt. mark: our own name of the message, where the call-back's address carries it."""

    gateway_id: str
    came: Came
    detail: str = ""
    mark: str = ""
    flag: Flag = Flag.NONE


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """A message that a person sent us. gateway_id: its name at the gateway, if it has one."""

    sender: str
    to: str
    text: str
    gateway_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A gateway as it is called. options: of its profile; senders: country code -> sender id."""

    account_id: int
    profile: Profile
    url: str
    user: str
    secret: str
    options: dict[str, Any] = field(default_factory=dict)
    senders: dict[str, str] = field(default_factory=dict)
    default_sender: str = ""
    callback_url: str = ""

    def sender_for(self, country: str, chosen: str) -> str:
        """The sender id for a country: its own if it has one, else the project's, else the account's."""
        return self.senders.get(country, "") or chosen or self.default_sender


@dataclass(frozen=True, kw_only=True)
class GatewayView:
    """A gateway as people see it: never its secret. receipt_url, incoming_url: what the gateway is to call."""

    profile: Profile
    url: str
    user: str
    has_secret: bool
    options: dict[str, Any]
    senders: dict[str, str]
    default_sender: str
    active: bool
    receipt_url: str
    incoming_url: str
    changed_at: datetime | None
    last_problem: str


@dataclass(frozen=True, kw_only=True)
class RulesView:
    """What an account decided about SMS: quiet hours in the recipient's own time, texts of automatic answers."""

    quiet: bool
    opens: str
    closes: str
    zone_attribute: str
    answers: bool
    stop_text: str
    start_text: str
    help_text: str


#: signs of a GSM-7 alphanumeric address that every network shows
_WORD = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ._&\-]{1,11}")
_NUMBER = re.compile(r"\+?[1-9][0-9]{7,14}")
_SHORT = re.compile(r"[0-9]{3,8}")


class SenderKind(StrEnum):
    """What a sender id is; recipients can answer numbers and short codes only."""

    NUMBER = "number"
    SHORT_CODE = "short code"
    WORD = "alphanumeric"


def sender_kind(sender: str) -> SenderKind:
    """The kind of a sender id. ValueError if no network takes it."""
    if _NUMBER.fullmatch(sender):
        return SenderKind.NUMBER
    if _SHORT.fullmatch(sender):
        return SenderKind.SHORT_CODE
    if _WORD.fullmatch(sender) and sender == sender.strip():
        return SenderKind.WORD
    raise ValueError("A sender is a number, a short code of 3 to 8 digits, or at most 11 letters and digits.")
