"""Words of projects: sources, versions, faults, previews, SMS counting."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Channel(StrEnum):
    """What a trigger sends."""

    EMAIL = "email"
    SMS = "sms"

    @property
    def type_id(self) -> int:
        """The wire's channelTypeId."""
        return 1 if self is Channel.EMAIL else 2


class VersionState(StrEnum):
    """Where a version stands."""

    DRAFT = "draft"
    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, kw_only=True)
class EmailSource:
    """What an author writes for an email: MJML or HTML, subject, and the text part if he writes one."""

    subject: str
    mjml: str = ""
    html: str = ""
    text: str = ""

    def as_json(self) -> dict[str, str]:
        """Plain data."""
        return {"subject": self.subject, "mjml": self.mjml, "html": self.html, "text": self.text}


#: what stands in the stored source of an SMS whose links are counted
COUNTED = "counted"


@dataclass(frozen=True, kw_only=True)
class SmsSource:
    """What an author writes for an SMS. count_links: links become short ones of ours, which costs signs."""

    text: str
    count_links: bool = False

    def as_json(self) -> dict[str, str]:
        """Plain data."""
        return {"text": self.text, **({"links": COUNTED} if self.count_links else {})}


Source = EmailSource | SmsSource


def source_from_json(channel: str, data: Mapping[str, str]) -> Source:
    """The source of a version from plain data; unknown keys are left out."""
    if channel == Channel.SMS:
        return SmsSource(text=str(data.get("text", "")), count_links=data.get("links") == COUNTED)
    known = {name: str(data.get(name) or "") for name in ("subject", "mjml", "html", "text")}
    return EmailSource(**known)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing wrong in a template: where, and in words what to do. Lines and columns count from 1."""

    part: str
    line: int
    column: int
    words: str

    def __str__(self) -> str:
        """A line for a person."""
        return f"{self.part}, line {self.line}, column {self.column}: {self.words}"


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Whom messages come from."""

    name: str
    address: str
    reply_to: str
    sms: str


@dataclass(frozen=True, kw_only=True)
class ProjectView:
    """A project."""

    id: int
    name: str
    description: str
    from_name: str
    from_address: str
    reply_to: str
    sms_sender: str
    created_at: datetime
    modified_at: datetime
    archived_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Lack:
    """An attribute that some of the contacts who would get the message have no value of."""

    name: str
    contacts: int
    percent: int


@dataclass(frozen=True, kw_only=True)
class Lacking:
    """How many contacts of the list can get a version, and what they lack of what it prints."""

    contacts: int
    lacks: tuple[Lack, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LinkView:
    """A link of an activated version; target as the author wrote it."""

    id: int
    number: int
    name: str
    target: str
    tags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SnippetView:
    """A text of the account that templates put in by name."""

    id: int
    name: str
    text: str
    modified_at: datetime


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What is known of a source that compiles."""

    warnings: tuple[str, ...]
    names: tuple[str, ...]
    links: int
    lacking: Lacking


@dataclass(frozen=True, kw_only=True)
class VersionView:
    """One version; its id is the campaign id of the REST API."""

    id: int
    trigger_id: int
    name: str
    state: VersionState
    source: Source
    warnings: tuple[str, ...]
    names: tuple[str, ...]
    lacking: Lacking | None
    created_at: datetime
    modified_at: datetime
    activated_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class TriggerView:
    """A trigger and its versions, newest first. One that is archived has no active version as long as it is."""

    id: int
    project_id: int
    list_id: int
    name: str
    description: str
    channel: Channel
    ignore_opt_out: bool
    active_version_id: int | None
    created_at: datetime
    modified_at: datetime
    versions: tuple[VersionView, ...]
    archived_at: datetime | None = None

    @property
    def channel_type_id(self) -> int:
        """The wire's channelTypeId: 1 email, 2 SMS."""
        return self.channel.type_id


@dataclass(frozen=True, kw_only=True)
class SendTarget:
    """What a sending needs of a trigger: the version that is active now, its list and channel."""

    trigger_id: int
    version_id: int
    list_id: int
    channel: Channel
    ignore_opt_out: bool
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class SmsText:
    """One SMS as it will be sent."""

    text: str
    encoding: str
    parts: int


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A version rendered for one person."""

    subject: str
    sender: str
    html: str
    text: str
    sms: SmsText | None
    missing: tuple[str, ...]


#: GSM 03.38 basic alphabet, without ESC
GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: its extension table: two septets each
GSM_EXTENDED = frozenset("^{}\\[~]|€\f")
_GSM = GSM_BASIC | GSM_EXTENDED
#: what says the same within GSM-7
GSM_INSTEAD = {
    "\u2019": "'", "\u2018": "'", "`": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2013": "-", "\u2014": "-",
    "\u2026": "...", "\xa0": " ", "\t": " ", "\u2022": "-", "ç": "c", "á": "a", "í": "i", "ó": "o", "ú": "u", "â": "a",
    "ê": "e", "ë": "e", "î": "i", "ï": "i", "ô": "o", "û": "u",
}  # fmt: skip


def count_sms(text: str) -> SmsText:
    """Encoding and parts: GSM-7 160/153 septets, else UCS-2 70/67 units; pairs are never split (3GPP TS 23.038)."""
    if _GSM.issuperset(text):
        sizes = [2 if character in GSM_EXTENDED else 1 for character in text]
        return SmsText(text=text, encoding="GSM-7", parts=_parts(sizes, 160, 153))
    sizes = [2 if character > "\uffff" else 1 for character in text]
    return SmsText(text=text, encoding="UCS-2", parts=_parts(sizes, 70, 67))


def forcing_ucs2(text: str) -> tuple[str, ...]:
    """The characters that GSM-7 does not have, each once, in order."""
    return tuple(dict.fromkeys(character for character in text if character not in _GSM))


def lacking(contacts: int, missing: Mapping[str, int]) -> Lacking:
    """The attributes that are missing somewhere, the most missed first; a single contact is never 0 %."""
    lacks = [
        Lack(name=name, contacts=count, percent=_percent(count, contacts))
        for name, count in missing.items()
        if count
    ]
    return Lacking(
        contacts=contacts, lacks=tuple(sorted(lacks, key=lambda lack: (-lack.contacts, lack.name)))
    )


def _percent(count: int, of: int) -> int:
    return 100 if count >= of else max(1, min(99, round(100 * count / of)))


def _parts(sizes: list[int], alone: int, joined: int) -> int:
    if sum(sizes) <= alone:
        return 1
    parts, room = 1, joined
    for size in sizes:
        if size > room:
            parts, room = parts + 1, joined
        room -= size
    return parts
