"""Words and limits of test messages and of the addresses they may go to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tandem.messenger.delivery.domain import AttemptState

MOST_AT_ONCE = 20
MOST_PER_HOUR = 100
CODES_PER_HOUR = 20
HOUR = timedelta(hours=1)
CODE_HOLDS = timedelta(minutes=30)
MOST_TRIES = 5
LONGEST_KEY = 100
#: a page waits so long for the provider; what comes later is recorded and shown then
ANSWER_WITHIN = 4.0
#: after this no answer is expected any more
UNHEARD_AFTER = timedelta(minutes=15)
MARK = "[Test] "
#: what an address is in the trigger's list; the test goes there all the same
NOTES = {
    "inactive": "a contact with this address is not active in the list",
    "unsubscribed": "a contact with this address is unsubscribed",
    "bounced": "mail to this address has bounced",
    "suppressed": "this address is blocked or suppressed",
}


class Fate(StrEnum):
    """What became of one test message."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    DEFERRED = "refused for now"
    REJECTED = "refused"
    NOT_SENT = "not sent"
    UNCERTAIN = "uncertain"


_FATES = {
    AttemptState.ACCEPTED: Fate.ACCEPTED,
    AttemptState.DEFERRED: Fate.DEFERRED,
    AttemptState.REJECTED: Fate.REJECTED,
    AttemptState.UNCERTAIN: Fate.UNCERTAIN,
}


def fate_of(state: AttemptState) -> Fate:
    """The word for a provider's outcome; a test is never tried again, so all else did not leave."""
    return _FATES.get(state, Fate.NOT_SENT)


@dataclass(frozen=True, kw_only=True)
class AddressView:
    """An address or number that tests may go to once it is verified."""

    id: int
    channel: str
    address: str
    verified_at: datetime | None
    code_sent_at: datetime | None
    added_by: str
    added_at: datetime


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A test as it is asked for. original_id: as whom, empty = nobody; key: the same key is the same test."""

    trigger_id: int
    version_id: int
    to: tuple[str, ...]
    original_id: str = ""
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One address of a test: what became of it, in the provider's words; note: what the address is in the list."""

    id: int
    channel: str
    to: str
    fate: Fate
    answer: str
    note: str
    done_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class TestSend:
    """A test and its addresses. repeated: it was asked for before under this key, and not sent again."""

    key: str
    trigger_id: int
    version_id: int
    at: datetime
    lines: tuple[Line, ...]
    repeated: bool = False

    __test__ = False

    @property
    def waiting(self) -> bool:
        """Whether an answer is still expected."""
        return any(line.fate is Fate.WAITING for line in self.lines)
