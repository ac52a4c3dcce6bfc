"""Words of contacts: lists, attributes, contacts, consent, imports; the rules for addresses and numbers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import phonenumbers

from tandem.kit import domains

#: built-in attributes: wire name -> column of the contact
STATIC: Mapping[str, str] = {
    "originalId": "original_id",
    "emailAddress": "email",
    "mobileNumber": "mobile",
    "firstName": "first_name",
    "middleName": "middle_name",
    "lastName": "last_name",
    "title": "title",
    "dateOfBirth": "date_of_birth",
    "city": "city",
    "zipCode": "zip_code",
    "country": "country",
    "sex": "sex",
}
#: import headers that mean a built-in attribute, lower case
HEADERS: Mapping[str, str] = {
    **{name.lower(): column for name, column in STATIC.items()},
    "email": "email",
    "mobile": "mobile",
}
FLAGS: Mapping[str, str] = {"unsubscribed": "unsubscribed", "mobileunsubscribed": "mobile_unsubscribed"}
#: these would be read as modes in the address of a contact
RESERVED_IDS = frozenset({"all", "bounced", "unsubscribed"})
LONGEST = 1000
DATA_TYPES = ("STRING", "INTEGER", "BIGINT", "DATETIME")
CHANNELS = ("email", "sms")
KINDS = ("ADD", "REPLACE", "UNSUBSCRIBE")
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}"
)
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, kw_only=True)
class ListView:
    """A list and what is in it."""

    id: int
    name: str
    description: str
    type_id: int
    contacts: int
    inactive: int
    email_addresses: int
    mobile_numbers: int
    unsubscribed: int
    mobile_unsubscribed: int
    bounced: int
    mobile_bounced: int
    may_email: int
    may_sms: int
    last_import_at: datetime | None
    created_at: datetime
    modified_at: datetime


@dataclass(frozen=True, kw_only=True)
class PropertyView:
    """A recipient attribute; `is_static` = built in (then its id is below 100)."""

    id: int
    name: str
    description: str
    data_type: str
    is_static: bool
    created_at: datetime | None
    modified_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ContactView:
    """One customer in one list."""

    id: int
    list_id: int
    original_id: str
    email: str
    mobile: str
    mobile_valid: bool
    first_name: str
    middle_name: str
    last_name: str
    title: str
    date_of_birth: str
    city: str
    zip_code: str
    country: str
    sex: str
    properties: Mapping[str, str]
    named: Mapping[str, str]
    unsubscribed: bool
    mobile_unsubscribed: bool
    audio_unsubscribed: bool
    bounced: bool
    mobile_bounced: bool
    opt_out_at: datetime | None
    opt_out_mobile_at: datetime | None
    opt_out_audio_at: datetime | None
    invalidated_at: datetime | None
    blocked_until: datetime | None
    content_version: int
    active: bool
    created_at: datetime
    modified_at: datetime


class ContactLine(NamedTuple):
    """One contact of a page, as cheap as it can be: texts, flags, and moments in milliseconds since 1970 (0 = none)."""

    id: int
    original_id: str
    email: str
    mobile: str
    first_name: str
    middle_name: str
    last_name: str
    title: str
    date_of_birth: str
    city: str
    zip_code: str
    country: str
    sex: str
    mobile_valid: bool
    unsubscribed: bool
    mobile_unsubscribed: bool
    audio_unsubscribed: bool
    bounced: bool
    mobile_bounced: bool
    active: bool
    content_version: int
    opt_out_at: int
    opt_out_mobile_at: int
    opt_out_audio_at: int
    invalidated_at: int
    blocked_until: int
    created_at: int
    modified_at: int
    properties: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Whether openings and clicks are counted."""

    opens: bool = True
    clicks: bool = True

    def __and__(self, other: "Counted") -> "Counted":
        """What is counted where both count it."""
        return Counted(opens=self.opens and other.opens, clicks=self.clicks and other.clicks)


@dataclass(frozen=True, kw_only=True)
class Applies:
    """What is counted and why: the switches of each place that has a say, the account's first."""

    places: tuple[tuple[str, Counted], ...]

    @property
    def own(self) -> Counted:
        """The switches of the place that was asked about."""
        return self.places[-1][1]

    @property
    def counted(self) -> Counted:
        """What is counted of messages made from now on."""
        return Counted(opens=not self.off_by("opens"), clicks=not self.off_by("clicks"))

    def off_by(self, what: str) -> tuple[str, ...]:
        """The places that switch it off: account, list, contact."""
        return tuple(place for place, counted in self.places if not getattr(counted, what))


class Recipient(NamedTuple):
    """What a message needs of a contact; values are keyed by lower-case attribute name. A tuple: one per message."""

    contact_id: int
    list_id: int
    original_id: str
    email: str
    mobile: str
    values: Mapping[str, str]
    counted: Counted = Counted()


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What a caller wants changed of a contact: columns, named attributes, consent flags. Absent = unchanged."""

    columns: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str | None] = field(default_factory=dict)
    flags: Mapping[str, bool] = field(default_factory=dict)
    modified_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class BatchView:
    """An import: PENDING, IN_PROGRESS, FINISHED or ERROR. problems: a line per refused row or column."""

    id: int
    import_id: str
    list_id: int
    kind: str
    status: str
    total: int
    processed: int
    affected: int
    problems: tuple[str, ...]
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ConsentEventView:
    """One change of consent."""

    at: datetime
    channel: str
    change: str
    source: str


@dataclass(frozen=True, kw_only=True)
class SuppressionView:
    """An address or customer that gets nothing; the address itself is not kept."""

    id: int
    list_id: int | None
    channel: str
    kind: str
    reason: str
    at: datetime
    origin: str = "operator"


@dataclass(frozen=True, kw_only=True)
class ForgetReport:
    """What was erased, by place, and what remains and why."""

    original_id: str
    contacts: int
    places: Mapping[str, int]
    remains: tuple[str, ...]


def clean(text: str) -> str:
    """One line without control characters, at most 1000 long."""
    if text.isprintable() and len(text) <= LONGEST:  # most are, and looking costs a third
        return text.strip()
    return _CONTROL.sub(" ", text).strip()[:LONGEST]


def email_address(text: str) -> str | None:
    """The address as it is stored, its domain in ASCII; '' for nothing, None for one that cannot be used."""
    text = text.strip()
    if not text:
        return ""
    if not text.isascii():
        local, _, domain = text.rpartition("@")
        try:
            text = f"{local}@{domains.in_ascii(domain)}"
        except ValueError:
            return None
    usable = len(text) <= 254 and _EMAIL.fullmatch(text) and ".." not in text
    return text if usable and not text.startswith(".") and ".@" not in text else None


def mobile_number(text: str, country: str = "") -> tuple[str, bool]:
    """The number as it is stored and whether it is a full international one (E.164)."""
    number = re.sub(r"[\s\-()./]", "", text)
    if number.startswith("00"):
        number = "+" + number[2:]
    if _E164.fullmatch(number):
        return number, True
    if not number or not re.fullmatch(r"\+?[0-9]{3,20}", number):
        return "", False
    if number.startswith("0") and re.fullmatch(r"[A-Za-z]{2}", country):
        try:
            parsed = phonenumbers.parse(number, country.upper())
        except phonenumbers.NumberParseException:
            return number, False
        return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164), True
    return number, False


def is_true(text: str) -> bool:
    """A flag of an import file."""
    return text.strip().lower() in {"1", "true", "yes", "y"}
