"""Words and rules of the bridge: states, due times with their offset, files for jobs, what statistics mean."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from tandem.contract.planner_api import MetricId
from tandem.kit.zones import resolve_local, zone_of

#: seconds after which a thing that failed is tried again, the last for ever
RETRIES = (5, 30, 60, 120, 300)
#: words of a planner's Status that mean nobody gets anything
STOPPED = frozenset({"failed", "not run", "cancelled", "canceled"})


class CampaignState(StrEnum):
    """Where a campaign on a channel stands before it is split into parts, or why it never was."""

    BEFORE = "before"  # executed before this pair began; somebody else's
    HEARD = "heard"
    LISTED = "listed"  # its list is kept and split; the parts say the rest
    REFUSED = "refused"
    MISSED = "missed"
    CANCELLED = "cancelled"


class PartState(StrEnum):
    """Where a part stands. CREATING and UPLOADING are intents: written before the messenger is told."""

    WAITING = "waiting"
    CREATING = "creating"
    CREATED = "created"
    UPLOADING = "uploading"
    SENDING = "sending"
    HANDED = "handed over"
    UNCERTAIN = "uncertain"
    REFUSED = "refused"
    MISSED = "missed"
    CANCELLED = "cancelled"
    NOBODY = "nobody"


_P = PartState
#: every move a part may make; an upload's intent ends handed over or uncertain, and goes back only if nothing left us
MOVES: Mapping[PartState, frozenset[PartState]] = {
    _P.WAITING: frozenset({_P.CREATING, _P.SENDING, _P.MISSED, _P.CANCELLED, _P.REFUSED, _P.NOBODY}),
    _P.CREATING: frozenset({_P.WAITING, _P.CREATED, _P.SENDING, _P.UNCERTAIN, _P.REFUSED}),
    _P.CREATED: frozenset({_P.UPLOADING, _P.MISSED, _P.CANCELLED, _P.NOBODY}),
    _P.UPLOADING: frozenset({_P.CREATED, _P.HANDED, _P.UNCERTAIN}),
    _P.SENDING: frozenset({_P.HANDED, _P.UNCERTAIN, _P.REFUSED, _P.MISSED, _P.CANCELLED}),
    _P.UNCERTAIN: frozenset({_P.HANDED, _P.WAITING, _P.SENDING, _P.MISSED}),
    _P.HANDED: frozenset(),
    _P.REFUSED: frozenset(),
    _P.MISSED: frozenset(),
    _P.CANCELLED: frozenset(),
    _P.NOBODY: frozenset(),
}
#: nothing more is done with these by itself
AT_REST = frozenset({_P.HANDED, _P.UNCERTAIN, _P.REFUSED, _P.MISSED, _P.CANCELLED, _P.NOBODY})


@dataclass(frozen=True, kw_only=True)
class Due:
    """When a part is to be sent: seconds since the epoch, and in Symplify's form with the offset of that date."""

    at: int
    text: str


def due(wall: str, zone: str) -> Due:
    """The planner's wall time as an instant. In a gap of the clocks it is later, of a repeated hour the first.

    Raises ValueError for what is no time.
    """
    told = datetime.fromisoformat(wall.strip())
    at = told.astimezone(UTC) if told.tzinfo else resolve_local(told, zone).utc
    return Due(at=int(at.timestamp()), text=at.astimezone(zone_of(zone)).strftime("%Y-%m-%dT%H:%M:%S%z"))


def retry_after(tries: int) -> int:
    """Seconds until the next try, after `tries` that failed."""
    return RETRIES[min(max(tries, 1), len(RETRIES)) - 1]


def values_of(
    promo: str, attributes: Mapping[str, str | None], columns: Mapping[str, str], promo_column: str
) -> dict[str, str]:
    """What a customer's message is given: the planner's attributes and promo codes under the messenger's names."""
    found = {theirs: attributes.get(ours) or "" for ours, theirs in columns.items()}
    return found | ({promo_column: promo} if promo_column else {})


def job_file(rows: Iterable[tuple[str, Mapping[str, str]]], columns: Sequence[str]) -> bytes:
    """The tab-separated file of a job: a header, then a line per contact; no quoting, so tabs become spaces."""
    swap = {ord(mark): " " for mark in "\t\r\n\x00\v\f\x85\u2028\u2029"}
    lines = ["\t".join(("originalid", *columns))]
    for original_id, values in rows:
        lines.append("\t".join([original_id, *(values.get(name, "").translate(swap) for name in columns)]))
    return ("\n".join(lines) + "\n").encode()


def is_plain(text: str) -> bool:
    """Whether the text can stand in a file without quoting."""
    return bool(text) and not any(ord(mark) < 32 or mark in "\x7f\x85\u2028\u2029" for mark in text)


Totals = dict[int, int]
#: StatDto's numbers -> metrics of UpdateCampaignMetrics
_STATS: Mapping[MetricId, tuple[str, ...]] = {
    MetricId.SENT: ("sent",),
    MetricId.DELIVERED: ("notbounced",),
    MetricId.OPENED: ("opened",),
    MetricId.CLICKED: ("clicked",),
    MetricId.UNSUBSCRIBED: ("unsubscribed",),
    MetricId.DROPPED: ("nondeliverable",),
    MetricId.SPAM: ("complaints",),
    MetricId.BOUNCED: ("softbounced", "hardbounced"),
}


def totals_of(statistics: Mapping[str, int]) -> Totals:
    """Metrics of one StatDto, its keys in lower case; a number it does not tell is no metric."""
    return {
        int(metric): sum(statistics.get(name, 0) for name in names)
        for metric, names in _STATS.items()
        if any(name in statistics for name in names)
    }


def between(earlier: Totals, later: Totals) -> Totals:
    """What was added from one reading to a later one; never less than nothing."""
    return {metric: max(0, value - earlier.get(metric, 0)) for metric, value in later.items()}


def added(parts: Iterable[Totals]) -> Totals:
    """Several parts' totals as one."""
    found: Totals = {}
    for part in parts:
        for metric, value in part.items():
            found[metric] = found.get(metric, 0) + value
    return found


#: type of an export -> the metric its unique contacts are
EXPORTS: Mapping[str, MetricId] = {
    "SENT": MetricId.SENT,
    "OPENS": MetricId.OPENED,
    "CLICKS": MetricId.CLICKED,
    "OPTOUTS": MetricId.UNSUBSCRIBED,
    "HARD_BOUNCES": MetricId.BOUNCED,
    "SOFT_BOUNCES": MetricId.BOUNCED,
}


@dataclass(frozen=True, kw_only=True)
class Record:
    """One line of an export. at: seconds since the epoch, None if it tells no time; version 0 = not told."""

    contact: str
    version: int
    at: float | None


def record_of(document: Any) -> Record | None:
    """A record in the fields of a webhook, keys in any case; None if it names no contact."""
    if not isinstance(document, dict):
        return None
    fields = {str(key).lower(): value for key, value in document.items()}
    contact = fields.get("originalid") or fields.get("contactid")
    if contact in (None, ""):
        return None
    version = str(fields.get("campaignid") or fields.get("deliveryid") or "")
    return Record(
        contact=str(contact),
        version=int(version) if version.isascii() and version.isdigit() else 0,
        at=_moment(fields.get("senttimestamp")) or _moment(fields.get("timestamp")),
    )


def _moment(value: Any) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return value / 1000
    try:
        told = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return told.timestamp() if told.tzinfo else None


def from_records(found: Mapping[str, set[str]]) -> Totals:
    """Metrics of a part from the unique contacts of each type of export that was read."""
    metrics: dict[int, set[str]] = {}
    for kind, contacts in found.items():
        metrics.setdefault(int(EXPORTS[kind]), set()).update(contacts)
    totals = {metric: len(contacts) for metric, contacts in metrics.items()}
    if "SENT" in found:
        bounced = metrics.get(int(MetricId.BOUNCED), set())
        totals[int(MetricId.DELIVERED)] = len(found["SENT"] - bounced)
    return totals
