"""Tests of templates on the wire: our own addition to Symplify's API, so a messenger may well not know them."""

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
