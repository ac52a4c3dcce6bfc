"""Words of single messages: what is asked for, what is answered, what is read back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tandem.messenger.delivery.domain import AttemptState
from tandem.messenger.engagement.domain import Kind, Reaction

#: how late a message may still leave; later it is missed
LATEST = timedelta(hours=24)
#: how long the same key means the same message
KEYS_KEPT = timedelta(hours=24)
LONGEST_KEY = 200
MOST_PROPERTIES = 500
LONGEST_VALUE = 4000
#: of a retried message the due time moves, at most so far (three days of tries, a day of lateness)
TRIED_FOR = timedelta(days=4)
MOST_AT_ONCE = 10_000
#: what a contact that may not be sent to is, in words that finish a sentence
WHY_NOT = {
    "no address": "has no address for this channel",
    "inactive": "is not active in the list",
    "unsubscribed": "is unsubscribed",
    "bounced": "has bounced",
    "suppressed": "is blocked or suppressed",
}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A message as a program asks for it. due_at None = now; version_id None = the active one."""

    original_id: str
    due_at: datetime | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    save_properties: bool = False
    create_missing: bool = False
    opt_out: bool = False
    version_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """The answer: the message's id and a sentence."""

    message_id: int
    words: str


@dataclass(frozen=True, kw_only=True)
class MessageView:
    """One message of the ledger. url: where it is shown again, empty if it never left."""

    id: int
    contact_id: int | None
    version_id: int
    trigger_name: str
    kind: str
    channel: str
    state: AttemptState
    reason: str
    due_at: datetime
    done_at: datetime | None
    unsubscribed: bool
    url: str
    reaction: Reaction = field(default_factory=Reaction)
    events: frozenset[Kind] = frozenset()


@dataclass(frozen=True, kw_only=True)
class VersionNumbers:
    """What became of a version's messages."""

    recipients: int
    accepted: int
    rejected: int
    deferred: int
    uncertain: int
    unsubscribed: int
    opened: int = 0
    clicked: int = 0
    complaints: int = 0

    @property
    def sent(self) -> int:
        """Messages that were tried on the wire."""
        return self.accepted + self.rejected + self.uncertain


@dataclass(frozen=True, kw_only=True)
class Bounce:
    """The last message of a contact that was refused or came back. kind: hard, soft or blocked."""

    message_id: int
    kind: str
    recipient: str
    code: str
    words: str
    at: datetime
    category: str = "other"
    mta: str = ""
    remote_mta: str = ""


@dataclass(frozen=True, kw_only=True)
class MessageCounts:
    """Messages that left for a contact: of campaigns, and single ones."""

    normal: int
    trigger: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.normal + self.trigger


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A message as a browser shows it: an html page or a text. exact: made of the very values it left with."""

    subject: str
    html: str
    text: str
    exact: bool
