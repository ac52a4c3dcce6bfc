"""Words of what happens to a message after hand-over, and who did it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import NamedTuple


class Kind(IntEnum):
    """What happened; a number in the row."""

    OPENED = 1
    CLICKED = 2
    BOUNCED_HARD = 3
    BOUNCED_SOFT = 4
    COMPLAINED = 5
    DELIVERED = 6
    FAILED = 7
    REPLIED = 8


class Actor(IntEnum):
    """Who opened or clicked. PROXY: a mail service that fetches pictures whether or not anybody looks."""

    PERSON = 0
    PROXY = 1
    BOT = 2

    @property
    def words(self) -> str:
        """The actor as people read it."""
        return _ACTORS[self]


_ACTORS = {Actor.PERSON: "people", Actor.PROXY: "privacy proxies", Actor.BOT: "bots and scanners"}

#: the link that no person sees; who follows it reads markup, not the message
HIDDEN_LINK = 0
#: what one recipient does with one thing of a message within this time counts once
SAME_SECONDS = 60
#: how long address and browser of an opening or a click are kept, to tell machines from people: less than a day
RAW_KEPT = timedelta(hours=23)
#: more openings and clicks than that are counted in the background
COUNTED_LIVE = 20_000
#: not oftener than that, and a hundredth of the time at the most
COUNT_EVERY = timedelta(seconds=30)
#: who did something with a message in this time is engaged
ENGAGED_SINCE = timedelta(days=90)
LONGEST_AGENT = 300
LONGEST_IP = 45
LONGEST_SOURCE = 100
LONGEST_DETAIL = 500
#: how long it takes until what machines did in a hurry is put down to them
SETTLED_AFTER = timedelta(seconds=30)
#: that many different links of one message within BURST: no person reads so fast
BURST_LINKS = 3
BURST = timedelta(seconds=10)
#: that many so soon after hand-over: the receiving side looks at what came in
EARLY_LINKS = 2
EARLY = timedelta(seconds=5)


class Happened(NamedTuple):
    """One thing that happened to a message.

    source: its id where it came from; the same (account, attempt, kind, source) counts once, however often it is told.
    detail: words kept with it, never an address. ip, agent: kept apart and less than a day.
    """

    account_id: int
    attempt_id: int
    kind: Kind
    at: datetime
    source: str
    detail: str = ""
    actor: Actor = Actor.PERSON
    link: int = 0
    ip: str = ""
    agent: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """What was new of what was told, with whose message it was. contact_id None: not known any more."""

    account_id: int
    attempt_id: int
    sending_id: int
    template_id: int
    contact_id: int | None
    kind: Kind
    actor: Actor
    link: int
    at: datetime
    source: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class EventView:
    """One event of a message."""

    kind: Kind
    actor: Actor
    link: int
    at: datetime
    detail: str


@dataclass(frozen=True, kw_only=True)
class Reaction:
    """When a message was first opened and first clicked by a person. A click is an opening too."""

    opened_at: datetime | None = None
    clicked_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What people did with the messages of one template of a sending: recipients, each once."""

    template_id: int
    opened: int
    clicked: int


@dataclass(frozen=True, kw_only=True)
class VersionTally:
    """What came back of a version's messages, over all its sendings: recipients, each once per sending."""

    opened: int = 0
    clicked: int = 0
    complaints: int = 0


@dataclass(frozen=True, kw_only=True)
class Grown:
    """A template of a sending of which more came back."""

    account_id: int
    sending_id: int
    template_id: int


@dataclass(frozen=True, kw_only=True)
class LinkNumbers:
    """Clicks on one link: recipients once each, and all of theirs; and what machines did."""

    template_id: int
    number: int
    recipients: int
    clicks: int
    machines: int


@dataclass(frozen=True, kw_only=True)
class Course:
    """Openings and clicks over time: equal steps from `start` on."""

    start: datetime
    step: timedelta
    opens: tuple[int, ...]
    clicks: tuple[int, ...]

    @property
    def end(self) -> datetime:
        """Where the last step ends."""
        return self.start + self.step * len(self.opens)


@dataclass(frozen=True, kw_only=True)
class SendingResponse:
    """What came back of a sending. machines: openings and clicks by (kind, actor), every one counted.

    counted_at: when recipients were counted, of large sendings; none = now.
    """

    tallies: tuple[Tally, ...] = ()
    links: tuple[LinkNumbers, ...] = ()
    counted_at: datetime | None = None
    machines: dict[tuple[Kind, Actor], int] = field(default_factory=dict)
    course: Course | None = None

    @property
    def opened(self) -> int:
        """Recipients who opened, or clicked."""
        return sum(tally.opened for tally in self.tallies)

    @property
    def clicked(self) -> int:
        """Recipients who clicked."""
        return sum(tally.clicked for tally in self.tallies)
