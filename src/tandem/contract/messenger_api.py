"""Symplify's words as the planner reads them: tolerant of null, missing and extra fields and numeric-string ids.

Source: the published DTO shapes; projects and previews are our reading, the vendor publishes none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import Any

TOKEN_HEADER = "X-Carma-Authentication-Token"  # noqa: S105 - the header's name
FINISHED = frozenset({"FINISHED", "ERROR"})


class ShapeError(ValueError):
    """An answer is not of the shape that the contract gives it."""


class ChannelType(IntEnum):
    """channelTypeId of a trigger."""

    UNKNOWN = 0
    EMAIL = 1
    SMS = 2
    PUSH = 3
    MIXED = 4


@dataclass(frozen=True, kw_only=True)
class Project:
    """A folder of triggers."""

    id: int
    name: str
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """A template: `active_campaign` is the id of the version that is sent, 0 if none."""

    id: int
    project_id: int
    name: str
    description: str
    list_id: int | None
    channel_type: int
    active_campaign: int
    active: bool

    @property
    def usable(self) -> bool:
        """Whether it can be sent."""
        return self.active and self.active_campaign > 0


@dataclass(frozen=True, kw_only=True)
class ContactListInfo:
    """A list of contacts; type 1 is normal, 2 test."""

    id: int
    name: str
    type_id: int


@dataclass(frozen=True, kw_only=True)
class Contact:
    """What the planner keeps of a contact: no address, only whether there is one."""

    id: int
    original_id: str
    has_email: bool
    email_consent: bool
    has_mobile: bool
    sms_consent: bool


@dataclass(frozen=True, kw_only=True)
class SmsPreview:
    """A rendered SMS: GSM-7 or UCS-2, in parts. cost: of all parts in `currency`, empty where it is not told."""

    text: str
    encoding: str
    parts: int
    cost: str = ""
    currency: str = ""


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A template rendered for one customer; `missing` names the fields that had no value.

    fallbacks: those of them in whose place the template prints something else.
    link: where the server renders nothing beforehand, an address that shows the newest message it sent.
    """

    subject: str
    sender: str
    html: str
    text: str
    sms: SmsPreview | None = None
    missing: tuple[str, ...] = ()
    link: str = ""
    fallbacks: tuple[str, ...] = ()

    @property
    def gaps(self) -> tuple[str, ...]:
        """The fields without a value in whose place nothing stands."""
        return tuple(name for name in self.missing if name not in self.fallbacks)


@dataclass(frozen=True, kw_only=True)
class SentMessage:
    """A message that was sent; sent: milliseconds, 0 if not told; open_url: where it can be looked at."""

    id: int
    sent: int
    open_url: str


@dataclass(frozen=True, kw_only=True)
class Batch:
    """An import in progress or done; FINISHED or ERROR end it."""

    id: str
    status: str
    processed: int = 0
    affected: int = 0
    total: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """Whether it will not change any more."""
        return self.status in FINISHED


def parse_project(document: Any) -> Project:
    """One project."""
    it = _object(document, "a project")
    number = _number(it, "id")
    return Project(
        id=number, name=_text(it, "name") or f"Project {number}", description=_text(it, "description")
    )


def parse_trigger(document: Any) -> Trigger:
    """One TriggerDto."""
    it = _object(document, "a trigger")
    number = _number(it, "id")
    return Trigger(
        id=number,
        project_id=_number(it, "projectId"),
        name=_text(it, "name") or f"Template {number}",
        description=_text(it, "description"),
        list_id=_optional(it, "listId"),
        channel_type=_optional(it, "channelTypeId") or 0,
        active_campaign=_optional(it, "activeCampaign") or _active_version(it),
        active=_flag(it, "active") is True,
    )


def parse_list(document: Any) -> ContactListInfo:
    """One ListDto."""
    it = _object(document, "a list")
    number = _number(it, "id")
    kind = _optional(it, "listTypeId") or _optional(it, "typeId") or 1
    return ContactListInfo(id=number, name=_text(it, "name") or f"List {number}", type_id=kind)


def parse_contact(document: Any) -> Contact:
    """One ContactDto. What is not said is taken against sending: no address, no consent."""
    it = _object(document, "a contact")
    active = _flag(it, "active") is not False
    return Contact(
        id=_number(it, "id"),
        original_id=_text(it, "originalId"),
        has_email=active and bool(_text(it, "emailAddress")) and _flag(it, "bounced") is not True,
        email_consent=_flag(it, "unsubscribed") is False,
        has_mobile=active and bool(_text(it, "mobileNumber")) and _flag(it, "mobileBounced") is not True,
        sms_consent=_flag(it, "mobileUnsubscribed") is False,
    )


def parse_preview(document: Any) -> Preview:
    """The preview's answer."""
    it = _object(document, "a preview")
    sms = it.get("sms")
    return Preview(
        subject=_text(it, "subject"),
        sender=_text(it, "from"),
        html=_text(it, "html"),
        text=_text(it, "text"),
        sms=_sms(sms) if isinstance(sms, dict) else None,
        missing=_words(it, "missing"),
        fallbacks=_words(it, "fallbacks"),
    )


def parse_import_id(document: Any) -> str:
    """The UUID that a new import answers with."""
    found = _text(_object(document, "a new import"), "id")
    if not found:
        raise ShapeError("a new import has no id")
    return found


def parse_batch_id(document: Any) -> str:
    """The batch of uploaded recipients; the vendor writes it as number and as text."""
    found = _object(document, "an upload").get("batchid")
    if found in (None, "") or isinstance(found, bool):
        raise ShapeError("an upload has no batchId")
    return str(found)


def parse_batch(document: Any) -> Batch:
    """One BatchDto."""
    it = _object(document, "a batch")
    return Batch(
        id=_text(it, "id"),
        status=_text(it, "status").upper(),
        processed=_optional(it, "processed") or 0,
        affected=_optional(it, "affected") or 0,
        total=_optional(it, "total") or 0,
        extra={name: value for name, value in document.items() if name not in {"id", "status"}},
    )


def parse_message(document: Any) -> SentMessage:
    """One ContactMessageDto: only when, and where it can be looked at."""
    it = _object(document, "a message")
    return SentMessage(
        id=_optional(it, "id") or 0,
        sent=_optional(it, "sentTimestamp") or 0,
        open_url=_text(it, "openInBrowserUrl"),
    )


def parse_array(document: Any, what: str) -> list[Any]:
    """A top-level array; null counts as empty."""
    if document is None:
        return []
    if not isinstance(document, list):
        raise ShapeError(f"{what}: not an array")
    return document


def _sms(it: dict[str, Any]) -> SmsPreview:
    it = _object(it, "an SMS")
    return SmsPreview(
        text=_text(it, "text"), encoding=_text(it, "encoding") or "GSM-7", parts=_optional(it, "parts") or 1,
        cost=_text(it, "cost"), currency=_text(it, "currency"),
    )  # fmt: skip


def _words(it: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = it.get(name)
    return tuple(str(one) for one in found) if isinstance(found, list) else ()


def _active_version(it: Mapping[str, Any]) -> int:
    """The id of the active one of the versions, where the trigger itself does not tell it."""
    rows = it.get("campaignversions")
    found = [_object(one, "a version") for one in rows] if isinstance(rows, list) else []
    return next((_optional(one, "campaignId") or 0 for one in found if _flag(one, "active")), 0)


@lru_cache(maxsize=1000)
def _folded(name: str) -> str:
    return name.lower()


def _object(document: Any, what: str) -> dict[str, Any]:
    """The object with its keys in lower case: how they are written is not settled."""
    if not isinstance(document, dict):
        raise ShapeError(f"{what} is not an object")
    return {_folded(name): value for name, value in document.items()}


def _text(it: Mapping[str, Any], name: str) -> str:
    found = it.get(_folded(name))
    return "" if found is None else str(found)


def _flag(it: Mapping[str, Any], name: str) -> bool | None:
    """Yes, no, or not said; as a flag or as text."""
    found = it.get(_folded(name))
    if isinstance(found, bool):
        return found
    return {"true": True, "1": True, "false": False, "0": False}.get(str(found).strip().lower())


def _optional(it: Mapping[str, Any], name: str) -> int | None:
    found = it.get(_folded(name))
    if found is None or found == "" or isinstance(found, bool):
        return None
    try:
        return int(found)
    except (TypeError, ValueError) as error:
        raise ShapeError(f"{name} is not a number") from error


def _number(it: Mapping[str, Any], name: str) -> int:
    found = _optional(it, name)
    if found is None:
        raise ShapeError(f"{name} is missing")
    return found
