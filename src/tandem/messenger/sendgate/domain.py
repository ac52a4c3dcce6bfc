"""Pure words and rules of Send Gate: how a hold ends, when the gate is asked again, what its answer says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import orjson


class HoldState(StrEnum):
    """Where a hold stands."""

    WAITING = "waiting"
    FINISHED = "finished"
    LET_GO = "let go"
    TIMED_OUT = "timed out"
    MISSED = "missed"
    ENDED = "ended"

    @property
    def words(self) -> str:
        """The state as people read it."""
        return _WORDS[self]


_WORDS = {
    HoldState.WAITING: "waits for the Send Gate",
    HoldState.FINISHED: "the Send Gate let it go",
    HoldState.LET_GO: "let go by hand",
    HoldState.TIMED_OUT: "let go without an answer, as the gate is set",
    HoldState.MISSED: "no answer came before the late cut-off: nothing was sent",
    HoldState.ENDED: "the sending was ended while it waited",
}
#: waits after the first, second... call that was not acknowledged; the last one repeats
ASK_AGAIN = tuple(timedelta(seconds=s) for s in (5, 30, 120, 300))
ASK_SECONDS = 15.0
LINK_LASTS = timedelta(hours=24)
LONGEST_VALUE = 2000
MOST_VALUES = 100


class BadAnswer(ValueError):
    """The gate's answer cannot be read; the text says why."""


@dataclass(frozen=True, kw_only=True)
class HoldView:
    """A hold as pages and programs see it. until: when it ends by itself; None = it does not."""

    id: int
    sending_id: int
    gate_id: int
    state: HoldState
    asked_at: datetime | None
    tries: int
    last_words: str
    since: datetime
    until: datetime | None
    cut_off: datetime | None
    ended_at: datetime | None
    by: str
    rejected: int
    added: int


def ask_again(tries: int) -> timedelta:
    """How long to wait after the `tries`-th call that was not acknowledged."""
    return ASK_AGAIN[min(tries, len(ASK_AGAIN)) - 1]


def read_answers(body: bytes) -> Iterator[tuple[str, bool, str | None]]:
    """(customer, rejected, values as JSON) of each message that an answer names.

    A body is empty, an object with `messages`, or JSON Lines of the same objects. Raises BadAnswer.
    """
    if not body.strip():
        return
    seen: set[str] = set()
    for number, line in enumerate(_lines(body), 1):
        answer = _answer(number, line)
        if answer[0] in seen:
            raise BadAnswer(f"The contact of entry {number} is named twice.")
        seen.add(answer[0])
        yield answer


def _lines(body: bytes) -> Iterator[object]:
    try:
        whole = orjson.loads(body)
    except orjson.JSONDecodeError:
        yield from _json_lines(body)
        return
    if isinstance(whole, dict) and "contactId" in whole:
        yield whole
    elif isinstance(whole, dict) and isinstance(whole.get("messages", []), list):
        yield from whole.get("messages", [])
    else:
        raise BadAnswer("The body is neither an object with messages nor JSON Lines.")


def _json_lines(body: bytes) -> Iterator[object]:
    for number, line in enumerate(body.split(b"\n"), 1):
        if line.strip():
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError:
                raise BadAnswer(f"Line {number} is not JSON.") from None


def _answer(number: int, said: Any) -> tuple[str, bool, str | None]:
    contact = said.get("contactId") if isinstance(said, dict) else None
    if isinstance(contact, int) and not isinstance(contact, bool):
        contact = str(contact)
    if not isinstance(contact, str) or not contact or "\0" in contact:
        raise BadAnswer(f"Entry {number} has no contactId.")
    rejected, given = said.get("reject", False), said.get("properties")
    if not isinstance(rejected, bool):
        raise BadAnswer(f"reject of entry {number} must be true or false.")
    return contact, rejected, orjson.dumps(_values(number, given)).decode() if given else None


def _values(number: int, given: object) -> Mapping[str, str]:
    if not isinstance(given, dict) or len(given) > MOST_VALUES:
        raise BadAnswer(f"properties of entry {number} must be an object of at most {MOST_VALUES} texts.")
    found: dict[str, str] = {}
    for name, value in given.items():
        text = "" if value is None else value if isinstance(value, str) else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            text = str(value)
        if text is None or len(text) > LONGEST_VALUE or "\0" in text + name or not name.strip():
            raise BadAnswer(f"A property of entry {number} is not a text, or too long.")
        found[name.strip().lower()] = text
    return found
