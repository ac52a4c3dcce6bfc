"""Words of proof: by which door a consent changed, what the person saw, who may end a suppression."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Door(StrEnum):
    """Where a change of consent came in."""

    ONE_CLICK = "one-click"
    PAGE = "page"
    PREFERENCES = "preferences"
    LINK = "link"
    API = "api"
    CLI = "cli"
    IMPORT = "import"
    KEYWORD = "keyword"
    COMPLAINT = "complaint"
    OPERATOR = "operator"
    PROGRAM = "program"


#: a door in words
DOORS: Mapping[str, str] = {
    Door.ONE_CLICK: "one click in the mail program",
    Door.PAGE: "the unsubscribe page",
    Door.PREFERENCES: "the person's own subscriptions page",
    Door.LINK: "a message's own link or address",
    Door.API: "the REST API",
    Door.CLI: "the command line",
    Door.IMPORT: "an import",
    Door.KEYWORD: "a word sent by SMS",
    Door.COMPLAINT: "a complaint",
    Door.OPERATOR: "a user of the messenger's pages",
    Door.PROGRAM: "a program of the house",
}


class Origin(StrEnum):
    """Who wants a suppression; only the operator's own may be lifted by an operator, only a person's by the person."""

    OPERATOR = "operator"
    PERSON = "person"
    COMPLAINT = "complaint"
    ERASURE = "erasure"


#: the stronger one stays where two want the same suppression
STRENGTH = (Origin.OPERATOR, Origin.PERSON, Origin.COMPLAINT, Origin.ERASURE)


@dataclass(frozen=True, kw_only=True)
class Proof:
    """How a change of consent came about. actor: the user or program; url: the page, without what opens it."""

    door: Door = Door.PROGRAM
    actor: str = ""
    url: str = ""
    language: str = ""
    text_id: int | None = None
    sending_id: int | None = None
    attempt_id: int | None = None
    detail: str = ""


#: by a link or an address of a message, when no page was seen
BY_LINK = Proof(door=Door.LINK)


@dataclass(frozen=True, kw_only=True)
class ProofView:
    """One change of consent with all that proves it. at: machine time; business_at: the account's."""

    id: int
    at: datetime
    business_at: datetime | None
    list_id: int
    list_name: str
    channel: str
    change: str
    scope: str
    door: str
    source: str
    actor: str
    url: str
    language: str
    text: str
    text_version: int | None
    sending_id: int | None
    attempt_id: int | None
    detail: str

    @property
    def door_words(self) -> str:
        """The door as a person reads it; what was recorded before doors were kept."""
        return DOORS.get(self.door, self.source)


@dataclass(frozen=True, kw_only=True)
class Place:
    """One list that a person is in, on one channel. state: on, off, or paused (what only the sender can end)."""

    contact_id: int
    list_id: int
    list_name: str
    channel: str
    state: str
    since: datetime | None
