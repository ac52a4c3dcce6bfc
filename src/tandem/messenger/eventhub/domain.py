"""Pure words and rules of the event hub: what an event says, and what is done with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

LONGEST_WORD = 200
LONGEST_VALUE = 2000
MOST_VALUES = 200


class Action(StrEnum):
    """What a mapping does. The vendor's EnterJourney is not offered: there are no journeys here."""

    CREATE_USER = "create-user"
    UPDATE_USER = "update-user"
    SEND_TRIGGER = "send-trigger"

    @property
    def words(self) -> str:
        """The action as the vendor's pages name it."""
        return {
            Action.CREATE_USER: "CreateUser",
            Action.UPDATE_USER: "UpdateUser",
            Action.SEND_TRIGGER: "SendTrigger",
        }[self]


class EventState(StrEnum):
    """What became of an event."""

    DONE = "done"
    KEPT = "kept"
    FAILED = "failed"


class Unreadable(ValueError):
    """The event cannot be read; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """An event as it came. event_id empty = none was given; values: fields of the body by name as it was written."""

    type: str
    selector: str
    event_id: str
    original_id: str
    columns: Mapping[str, str]
    properties: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class MappingView:
    """What is done with events of a selector. target: a list's id, of SendTrigger a trigger's."""

    id: int
    selector: str
    action: Action
    target: int


@dataclass(frozen=True, kw_only=True)
class EventView:
    """An event that came in and what became of it."""

    id: int
    event_id: str
    type: str
    selector: str
    contact: str
    state: EventState
    words: str
    received_at: datetime


_OURS = frozenset({"type", "mappingselector", "eventid", "originalid", "properties"})


def read_event(body: object, columns: Mapping[str, str]) -> Said:
    """The event in a JSON body; names count without case. columns: lower-case field -> column of the contact.

    Raises Unreadable.
    """
    if not isinstance(body, dict):
        raise Unreadable("The body must be one event, a JSON object.")
    given = {str(name).lower(): value for name, value in body.items() if value is not None}
    kind = _word(given, "type")
    if not kind:
        raise Unreadable("The event has no Type.")
    return Said(
        type=kind,
        selector=_word(given, "mappingselector") or kind,
        event_id=_word(given, "eventid"),
        original_id=_word(given, "originalid"),
        columns={
            column: _text(name, given[name])
            for name, column in columns.items()
            if name in given and name not in _OURS
        },
        properties=_properties(given.get("properties", {})),
    )


def _word(given: Mapping[str, Any], name: str) -> str:
    said = given.get(name, "")
    text = str(said) if isinstance(said, int) and not isinstance(said, bool) else said
    if not isinstance(text, str) or len(text) > LONGEST_WORD or not (text.isprintable() or not text):
        raise Unreadable(f"{name} must be a text of at most {LONGEST_WORD} characters.")
    return text


def _properties(said: object) -> dict[str, str]:
    if not isinstance(said, dict) or len(said) > MOST_VALUES:
        raise Unreadable(f"Properties must be an object of at most {MOST_VALUES} texts.")
    for name in said:
        if not name.strip() or not name.isprintable() or len(name) > 100:
            raise Unreadable("A property has a name that cannot be one.")
    return {name: _text(name, value) for name, value in said.items()}


def _text(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | dict | list) or len(str(value)) > LONGEST_VALUE or "\0" in str(value):
        raise Unreadable(f"{name} must be a text of at most {LONGEST_VALUE} characters.")
    return str(value)
