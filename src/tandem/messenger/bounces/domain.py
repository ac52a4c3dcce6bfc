"""Words of what comes back: kinds of bounces, their categories, mails as they were read."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class Kind(StrEnum):
    """What a mail that came back, or a refusal, says about one message."""

    HARD = "hard"
    SOFT = "soft"
    BLOCKED = "blocked"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    COMPLAINT = "complaint"
    FEEDBACK = "feedback"
    UNSUBSCRIBED = "unsubscribed"
    AUTOMATIC = "automatic reply"
    REPLY = "reply"


#: the message was not delivered: what counts as a bounce in numbers
BOUNCED = (Kind.HARD, Kind.SOFT, Kind.BLOCKED)


class Category(StrEnum):
    """Why, in the words that relays use for it (PowerMTA's bounce categories)."""

    BAD_MAILBOX = "bad-mailbox"
    BAD_DOMAIN = "bad-domain"
    INACTIVE_MAILBOX = "inactive-mailbox"
    QUOTA = "quota-issues"
    SPAM = "spam-related"
    POLICY = "policy-related"
    RELAYING = "relaying-issues"
    ROUTING = "routing-errors"
    PROTOCOL = "protocol-errors"
    NO_ANSWER = "no-answer-from-host"
    EXPIRED = "message-expired"
    VIRUS = "virus-related"
    CONTENT = "content-related"
    BAD_CONNECTION = "bad-connection"
    CONFIGURATION = "bad-configuration"
    INVALID_SENDER = "invalid-sender"
    OTHER = "other"


#: what only the recipient's side can mean, for good
RECIPIENT_GONE = frozenset({Category.BAD_MAILBOX, Category.BAD_DOMAIN, Category.INACTIVE_MAILBOX})
#: the recipient's side, perhaps not for ever
RECIPIENT_FOR_NOW = frozenset({Category.QUOTA, Category.NO_ANSWER, Category.EXPIRED, Category.BAD_CONNECTION})

#: so many messages in a row that came back softly make an address unusable
SOFT_IN_A_ROW = 5
RAW_KEPT = timedelta(days=7)
LARGEST_MAIL = 4 * 2**20
LONGEST_DIAGNOSIS = 300


class What(StrEnum):
    """What a mail is."""

    REPORT = "report"
    FEEDBACK = "feedback"
    AUTOMATIC = "automatic"
    REPLY = "reply"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What a delivery report says of one recipient (RFC 3464). action: '' if it is not said."""

    action: str = ""
    status: str = ""
    diagnosis: str = ""
    recipient: str = ""
    remote_mta: str = ""


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """What a complaint says (RFC 5965). kind: abuse, fraud, opt-out, auth-failure, not-spam, other..."""

    kind: str
    recipients: tuple[str, ...] = ()
    feedback_id: str = ""
    domain: str = ""


@dataclass(frozen=True, kw_only=True)
class Mail:
    """A mail that came back, as it was read. message_ids: of what it returns; why: of one nobody understands."""

    what: What
    failures: tuple[Failure, ...] = ()
    feedback: Feedback | None = None
    mta: str = ""
    message_ids: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A failure judged."""

    kind: Kind
    category: Category


class MailState(StrEnum):
    """Where a mail that was taken stands."""

    WAITING = "waiting"
    DONE = "done"
    QUARANTINED = "quarantined"
    REPLY = "reply"


@dataclass(frozen=True, kw_only=True)
class BounceView:
    """One thing that came back, as pages and programs see it. Addresses are not kept; domain: the recipient's."""

    id: int
    kind: Kind
    category: str
    status: str
    diagnosis: str
    mta: str
    remote_mta: str
    domain: str
    source: str
    sending_id: int
    attempt_id: int
    template_id: int
    customer: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class MailView:
    """A mail in quarantine. raw: '' once it is no longer kept."""

    id: int
    arrived_at: datetime
    size: int
    why: str
    source: str
    kept: bool
    raw: str = ""


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """How many came back, by kind, category and domain (the largest), and how many nobody understood."""

    kinds: dict[str, int] = field(default_factory=dict)
    categories: dict[str, int] = field(default_factory=dict)
    domains: tuple[tuple[str, int, int], ...] = ()
    quarantined: int = 0
    waiting: int = 0
