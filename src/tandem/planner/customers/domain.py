"""What the room speaks of: files, columns, imports, snapshots, people and their consent."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Protocol

What = Literal["orders", "attributes"]
Progress = Callable[[str, float], None]

IDENTITY_KEYS = ("email", "phone", "name", "first_name", "last_name", "address")


def silent(phase: str, share: float) -> None:
    """The progress callback of those who do not look."""


class Watch(Protocol):
    """Who looks on while a snapshot is built, step by step; names as in `service.building.STEPS`."""

    def begin(self, step: str) -> None:
        """A step begins."""

    def share(self, step: str, share: float, words: str) -> None:
        """0..1 of the step is done."""

    def end(self, step: str, *, rows: int, words: str, again: bool, failed: bool = False) -> None:
        """A step is finished; `again` = by an earlier process, which got no further than to a later one.

        failed: it went wrong, what it is to make was made another way, and the build goes on.
        """


class Unwatched:
    """Nobody looks on."""

    def begin(self, step: str) -> None:
        """Nothing."""

    def share(self, step: str, share: float, words: str) -> None:
        """Nothing."""

    def end(self, step: str, *, rows: int, words: str, again: bool, failed: bool = False) -> None:
        """Nothing."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a file with what a sample of its values shows; shares are of the values present, 0..1."""

    name: str
    type: str
    example: str = ""
    filled: float = 1.0
    dates: float = 0.0
    date_format: str = ""
    numbers: float = 0.0
    number_style: str = "plain"
    decimals: float = 0.0
    emails: float = 0.0
    phones: float = 0.0
    digits: float = 0.0
    flags: float = 0.0
    distinct: int = 0
    sampled: int = 0


@dataclass(frozen=True, kw_only=True)
class FileView:
    """What a file holds and how it would be read; attributes with the purpose their names suggest."""

    form: str
    columns: tuple[Column, ...]
    mapping: str
    guessed: tuple[str, ...]
    attributes: tuple["AttributeEntry", ...] = ()


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import did. `rows` = `taken` + `rejected`; `sales` and `returns` are lines, `buyers` have a sale."""

    id: int | None
    what: What
    file: str
    sha256: str
    mapping: str
    guessed: tuple[str, ...]
    rows: int
    taken: int
    rejected: int
    reasons: dict[str, int]
    sales: int = 0
    returns: int = 0
    customers: int = 0
    buyers: int = 0
    new_customers: int = 0
    first_day: date | None = None
    last_day: date | None = None
    amount: Decimal = Decimal(0)
    errors: Path | None = None
    repeated: bool = False
    dry_run: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class SnapshotRef:
    """A published snapshot: all data to the end of `as_of`; `cache` is a read-only DuckDB file."""

    id: int
    account_id: int
    as_of: date
    published_at: datetime
    cache: Path
    parquet: Path
    customers: int


@dataclass(frozen=True, kw_only=True)
class ConsentRow:
    """A contact as read from the messenger; `customer_id` is its originalId."""

    customer_id: str
    has_email: bool
    email_consent: bool
    has_mobile: bool
    sms_consent: bool


@dataclass(frozen=True, kw_only=True)
class ConsentView:
    """The dated copy of one customer's consent at one channel account."""

    channel_account_id: int
    has_email: bool
    email_consent: bool
    has_mobile: bool
    sms_consent: bool
    read_at: datetime


@dataclass(frozen=True, kw_only=True)
class PreferenceView:
    """What a program said of one customer and one channel, for one of its apps or for all."""

    channel_account_id: int
    kind: str
    app_id: str
    mode: int
    blocked: bool
    at: datetime


@dataclass(frozen=True, kw_only=True)
class ObjectionView:
    """That a customer objected to profiling: when, who wrote it down, how it was said; and when it was lifted."""

    customer_id: str
    at: datetime
    by: str
    how: str
    lifted_at: datetime | None = None
    lifted_by: str = ""
    lifted_how: str = ""


@dataclass(frozen=True, kw_only=True)
class AttributeEntry:
    """One line of the attribute dictionary; `suggested` is the purpose its name suggests, `why` the reason."""

    name: str
    label: str
    kind: str
    purpose: str
    suggested: str
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class ConsentReadView:
    """When consent was last read from a channel account, and how many contacts the copy holds."""

    read_at: datetime
    full_at: datetime | None
    contacts: int


@dataclass(frozen=True, kw_only=True)
class CustomerLine:
    """A customer in a list."""

    customer_id: str
    surrogate: int
    forgotten: bool
    first_name: str = ""
    last_name: str = ""


@dataclass(frozen=True, kw_only=True)
class CustomerView:
    """All that is known of one customer, orders aside."""

    customer_id: str
    surrogate: int
    forgotten: bool
    identity: dict[str, str]
    attributes: dict[str, Any] = field(default_factory=dict)
    consent: tuple[ConsentView, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ForgetReport:
    """Where data of the person was (place, rows taken out) and what remains, in sentences."""

    customer_id: str
    found: tuple[tuple[str, int], ...]
    remains: tuple[str, ...]
