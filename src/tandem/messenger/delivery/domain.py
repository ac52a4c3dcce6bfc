"""Pure words and rules of delivery: states of a sending and of its attempts, back-off, accounting."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import NamedTuple


class Channel(StrEnum):
    """How a message travels."""

    EMAIL = "email"
    SMS = "sms"


class AttemptState(IntEnum):
    """What became of one customer of one sending; a number in the row, `words` on the page."""

    PENDING = 0
    SENDING = 1
    DEFERRED = 2
    ACCEPTED = 10
    REJECTED = 11
    UNCERTAIN = 12
    SUPPRESSED = 20
    SKIPPED = 21
    RENDER_ERROR = 22
    MISSED = 23
    CANCELLED = 24

    @property
    def words(self) -> str:
        """The state as people read it."""
        return self.name.lower()

    @property
    def terminal(self) -> bool:
        """Whether nothing more happens to the row by itself."""
        return self >= AttemptState.ACCEPTED


OPEN_STATES = (AttemptState.PENDING, AttemptState.SENDING, AttemptState.DEFERRED)
FAILED_STATES = (AttemptState.REJECTED, AttemptState.RENDER_ERROR)
NOT_SENT_STATES = (AttemptState.SUPPRESSED, AttemptState.SKIPPED, AttemptState.MISSED, AttemptState.CANCELLED)


class SendingKind(StrEnum):
    """Where a sending came from."""

    CAMPAIGN = "campaign"
    REAL_TIME = "realtime"
    MESSAGE = "message"
    JOB = "job"


#: sendings of one message each
SINGLE_KINDS = (SendingKind.REAL_TIME, SendingKind.MESSAGE)


class Policy(StrEnum):
    """What becomes of a message when nobody knows whether it arrived."""

    #: never twice: it stays uncertain until somebody or something knows
    HOLD = "hold"
    #: never lost: it is sent again under the same Message-ID
    RESEND = "resend"


class SendingState(StrEnum):
    """Where a sending stands."""

    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    MISSED = "missed"

    @property
    def over(self) -> bool:
        """Whether the sending has ended."""
        return self in {SendingState.FINISHED, SendingState.CANCELLED, SendingState.MISSED}


#: seconds until the next try after the n-th refusal for now (4xx); the last one repeats
BACK_OFF = (60, 300, 900, 1800, 3600, 7200, 14400)
GIVE_UP_AFTER = timedelta(hours=72)
LATE_CUT_OFF = timedelta(minutes=60)
_YES = re.compile(r"2[0-9][0-9](?: |$)")
_QUEUED = re.compile(r"(?:queued as|\bids?[=:])\s*<?([A-Za-z0-9][\w.:@/+-]{3,79})", re.IGNORECASE)
BLOCK_ROWS = 8000
#: sendings of more rows are counted bit by bit, ahead of who looks
LARGE_ROWS = 8000
SUB_BLOCK_ROWS = 160


def next_try(tries: int, now: datetime) -> datetime:
    """When a deferred row may be tried again, after its `tries`-th try."""
    return now + timedelta(seconds=BACK_OFF[min(max(tries, 1), len(BACK_OFF)) - 1])


def receipt(detail: str) -> str:
    """What the ledger keeps of a relay's yes: the code, and the relay's own name of the message if it told one."""
    if not _YES.match(detail):
        return detail
    named = _QUEUED.search(detail)
    return f"{detail[:3]} {named[1]}" if named else detail[:3]


def sub_block_size(rate: float, most: int = SUB_BLOCK_ROWS) -> int:
    """Rows whose intent is committed at once: at most `most`, and what goes out in a second at `rate` per second."""
    return max(1, min(most, int(rate)))


class Outcome(NamedTuple):
    """What one hand-over came to. A tuple, as Message is."""

    state: AttemptState
    detail: str = ""


class Message(NamedTuple):
    """One message ready to leave, for one recipient. A tuple: one is made per message, and it is cheap."""

    attempt_id: int
    account_id: int
    sending_id: int
    channel: Channel
    sender: str
    recipient: str
    content: bytes
    campaign_id: int | None = None
    reference: str = ""
    #: the content is quoted-printable of our own making: ASCII in CRLF lines, none of which begins with a dot or is too
    #: long
    is_quoted: bool = False


@dataclass(frozen=True, kw_only=True)
class PlannedTemplate:
    """One template (trigger) of a sending: its frozen version and when its rows are due."""

    template_id: int
    version_id: int
    list_id: int
    due_at: datetime
    ignore_opt_out: bool = False


@dataclass(frozen=True, kw_only=True)
class SendingView:
    """A sending as pages and programs see it."""

    id: int
    source_key: str
    kind: str
    name: str
    channel: Channel
    campaign_id: int | None
    channel_id: int | None
    campaign_key: str
    due_at: datetime
    state: SendingState
    expected: int
    counts: dict[str, int] = field(default_factory=dict)
    uncertain: int = 0
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    paused_because: str = ""
    rate_per_second: float | None = None
    policy: Policy = Policy.HOLD
    policy_by: str = ""


@dataclass(frozen=True, kw_only=True)
class AttemptView:
    """One row of the ledger."""

    seq: int
    customer: str
    template_id: int
    state: str
    reason: str
    detail: str
    tries: int
    done_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class OutboxMessage:
    """One message in the built-in outbox."""

    name: str
    channel: Channel
    at: datetime
    to: str
    sender: str
    subject: str
    campaign_id: str
    message_id: str
    raw: bytes = b""
    html: str = ""
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Unsubscribed:
    """A subscription that was just ended by a message's link. campaign_id: the planner's, None of other sendings."""

    account_id: int
    sending_id: int
    attempt_id: int
    template_id: int
    campaign_id: int | None
