"""Words of generation jobs: kinds, states, what is said of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class JobKind(StrEnum):
    """What a job names: a trigger, whose active version and list are meant, or a version and a list."""

    TRIGGER = "TRIGGER"
    CAMPAIGN = "CAMPAIGN"


class JobState(StrEnum):
    """Where a job stands. Uploaded: the file is here whole, and nobody can send another."""

    WAITING = "waiting"
    UPLOADED = "uploaded"
    DONE = "done"
    ERROR = "error"


class Severity(StrEnum):
    """How bad what is said is, in the wire's words."""

    INFO = "SEVERITY_INFO"
    WARNING = "SEVERITY_WARNING"
    ERROR = "SEVERITY_ERROR"


WAITING_FOR_CONTENT = "WAITING_FOR_CONTENT"
CONTENT_UPLOADED = "CONTENT_UPLOADED"
GENERATION_STARTED = "GENERATION_STARTED"
DONE = "DONE"
FAILED = "ERROR"
FARTHEST = timedelta(days=366)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing said of a job: a word of the wire, or a sentence. detail: more about a word."""

    said: str
    severity: Severity
    at: datetime
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class JobView:
    """A job; sending_id and recipients are there once its messages are in the ledger."""

    id: int
    kind: JobKind
    trigger_id: int
    version_id: int
    list_id: int
    state: JobState
    deliver_at: datetime | None
    sending_id: int | None
    recipients: int
    created_at: datetime
    entries: tuple[Entry, ...]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far the rows of an uploaded file are."""

    read: int
    rows: int
