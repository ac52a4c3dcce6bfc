"""Keywords of SMS: which whole messages are a word of the person's will, and what is answered to them."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Keyword(StrEnum):
    """What a message asks for; NONE: a person reads it."""

    NONE = ""
    STOP = "stop"
    START = "start"
    HELP = "help"


_WORDS = {
    Keyword.STOP: (
        *("STOP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL", "REVOKE", "REMOVE"),
        *("OPTOUT", "OPT-OUT", "OPT OUT", "ARRET", "TD"),
    ),
    Keyword.START: ("START", "YES", "UNSTOP", "OPT IN", "OPTIN", "OPT-IN"),
    Keyword.HELP: ("HELP", "INFO"),
}
_SPACES = re.compile(r"\s+")


def _plain(text: str) -> str:
    """Compatibility forms made one, accents and punctuation gone, case folded, runs of blanks one."""
    split = unicodedata.normalize("NFKD", text)
    kept = [
        " " if one == "-" or unicodedata.category(one) == "Pd" else one
        for one in split
        if unicodedata.category(one)[0] not in "MC" or one.isspace()
    ]
    bare = "".join(one for one in kept if unicodedata.category(one)[0] not in "PS")
    return _SPACES.sub(" ", bare).strip().casefold()


_BY_WORD = {_plain(word): keyword for keyword, words in _WORDS.items() for word in words}


def keyword_of(text: str) -> Keyword:
    """The keyword that the whole message is; `STOP PLEASE` is none, an operator reads that."""
    return _BY_WORD.get(_plain(text[:200]), Keyword.NONE) if len(text) <= 200 else Keyword.NONE


class Acted(StrEnum):
    """What was done about a message that came in."""

    NOTHING = ""
    UNSUBSCRIBED = "unsubscribed"
    SUBSCRIBED = "subscribed"
    ANSWERED = "help sent"
    DISMISSED = "dismissed"


@dataclass(frozen=True, kw_only=True)
class IncomingView:
    """A message that came in. customers: originalIds of contacts with its number; acted_by '' = by itself."""

    id: int
    number: str
    to: str
    text: str
    keyword: Keyword
    came_at: datetime
    customers: tuple[str, ...]
    acted: Acted
    acted_by: str
    acted_at: datetime | None


class AnswerState(StrEnum):
    """Where an automatic answer stands; handing over: it left us or is about to, and is never sent again."""

    WAITING = "waiting"
    HANDING_OVER = "handing over"
    SENT = "sent"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"
    NOT_SENT = "not sent"


@dataclass(frozen=True, kw_only=True)
class AnswerView:
    """An automatic answer."""

    id: int
    number: str
    keyword: Keyword
    text: str
    state: AnswerState
    detail: str
    made_at: datetime


def default_text(keyword: Keyword, name: str) -> str:
    """What is answered where the account wrote nothing of its own."""
    return {
        Keyword.STOP: f"{name}: you get no more SMS from us. Send START to get them again.",
        Keyword.START: f"{name}: you get our SMS again. Send STOP to end them.",
        Keyword.HELP: f"{name}: send STOP to get no more SMS from us.",
    }.get(keyword, "")
