"""Tests of templates on the wire: our own addition to Symplify's API, so a messenger may well not know them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tandem.contract.messenger_api import ShapeError


@dataclass(frozen=True, kw_only=True)
class AllowedAddress:
    """An address or number that the messenger sends tests to."""

    channel: str
    address: str
    verified: bool


@dataclass(frozen=True, kw_only=True)
class SentTo:
    """What became of a test at one address, in the provider's words; note: what the address is in the list."""

    to: str
    state: str
    answer: str
    note: str


@dataclass(frozen=True, kw_only=True)
class SentTest:
    """A test as the messenger knows it. repeated: it was asked for before, and not sent again."""

    id: str
    waiting: bool
    repeated: bool
    messages: tuple[SentTo, ...]


@dataclass(frozen=True, kw_only=True)
class TemplateVersion:
    """A version of a template that a test may be made of: the active one, or a draft."""

    id: int
    name: str
    active: bool


def parse_versions(documents: Sequence[Any]) -> tuple[TemplateVersion, ...]:
    """Of CampaignVersionDtos the active one first, then drafts, the newest first; those of before are left out."""
    rows = [
        {str(key).lower(): value for key, value in one.items()} for one in documents if isinstance(one, dict)
    ]
    found = [
        TemplateVersion(
            id=int(row["campaignid"]),
            name=str(row.get("campaignname") or ""),
            active=row.get("active") is True,
        )
        for row in rows
        if str(row.get("campaignid", "")).isdigit()
        and (row.get("active") is True or row.get("locked") is False)
    ]
    return tuple(sorted(found, key=lambda one: (not one.active, -one.id)))


def parse_addresses(document: Any) -> tuple[AllowedAddress, ...]:
    """The allow list."""
    if not isinstance(document, list):
        raise ShapeError("the addresses for tests are no array")
    return tuple(
        AllowedAddress(
            channel=str(one.get("channel", "")),
            address=str(one.get("address", "")),
            verified=one.get("verified") is True,
        )
        for one in document
        if isinstance(one, dict)
    )


def parse_test(document: Any) -> SentTest:
    """A test and its addresses."""
    if not isinstance(document, dict) or not isinstance(document.get("messages"), list):
        raise ShapeError("a test is no object with messages")
    messages = tuple(
        SentTo(**{name: str(one.get(name) or "") for name in ("to", "state", "answer", "note")})
        for one in document["messages"]
        if isinstance(one, dict)
    )
    return SentTest(
        id=str(document.get("id") or ""),
        waiting=document.get("waiting") is True,
        repeated=document.get("repeated") is True,
        messages=messages,
    )
