"""What is told about a sending, and how its rows are counted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from tandem.messenger.delivery.domain import FAILED_STATES, NOT_SENT_STATES, AttemptState


class Metric(IntEnum):
    """The planner's MetricIDs that a finished sending settles.

    Sent: the next hop took the message. Dropped: left out on purpose (skipped, suppressed, missed, cancelled).
    Bounced: refused by the next hop, or impossible to make. Uncertain rows are in none of them:
    listed - sent - dropped - bounced.
    """

    SENT = 0
    DROPPED = 5
    BOUNCED = 9


_METRIC_OF = {
    AttemptState.ACCEPTED: Metric.SENT,
    **dict.fromkeys(NOT_SENT_STATES, Metric.DROPPED),
    **dict.fromkeys(FAILED_STATES, Metric.BOUNCED),
}


def metrics(totals: Iterable[Mapping[str, Any]]) -> dict[tuple[int, Metric], int]:
    """Value per (template, metric) from the settled rows of a sending; zeros too, so that the report is complete."""
    values: dict[tuple[int, Metric], int] = {}
    for line in totals:
        for metric in Metric:
            values.setdefault((line["template"], metric), 0)
        told = _METRIC_OF.get(AttemptState(line["state"]))
        if told is not None:
            values[line["template"], told] += line["rows"]
    return values


@dataclass(frozen=True, kw_only=True)
class SendingSummary:
    """The numbers of a sending; once finished, listed = sent + sum of skipped + failed + uncertain."""

    listed: int
    sent: int
    skipped: dict[str, int] = field(default_factory=dict)
    failed: int = 0
    uncertain: int = 0
    open: int = 0
    finished: bool = False


def summarise(listed: int, totals: Iterable[Mapping[str, Any]], *, finished: bool) -> SendingSummary:
    """Numbers of the ledger's rows per state and reason."""
    skipped: dict[str, int] = {}
    counted = {"sent": 0, "failed": 0, "uncertain": 0, "open": 0}
    for line in totals:
        state, rows = AttemptState(line["state"]), line["rows"]
        if state in NOT_SENT_STATES:
            word = line["reason"] or state.words
            skipped[word] = skipped.get(word, 0) + rows
        else:
            counted[_kind(state)] += rows
    return SendingSummary(listed=listed, skipped=skipped, finished=finished, **counted)


def _kind(state: AttemptState) -> str:
    if state is AttemptState.ACCEPTED:
        return "sent"
    if state is AttemptState.UNCERTAIN:
        return "uncertain"
    return "failed" if state in FAILED_STATES else "open"


@dataclass(frozen=True, kw_only=True)
class ReportView:
    """One total told to the planner, or on its way."""

    template_id: int
    metric_id: int
    value: int
    state: str
    tries: int
    posted_at: datetime | None
    problem: str


class Part(StrEnum):
    """The two ways in which the planner takes an unsubscribe: into a sum, and customer by customer."""

    METRIC = "metric"
    INTERACTIONS = "interactions"


class ReportState(StrEnum):
    """Where a report of unsubscribes stands. Doubtful: may have arrived. Withdrawn: all its people were forgotten."""

    WAITING = "waiting"
    POSTING = "posting"
    DOUBTFUL = "doubtful"
    POSTED = "posted"
    UNCERTAIN = "uncertain"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


OPEN_REPORTS = (ReportState.WAITING, ReportState.POSTING, ReportState.DOUBTFUL)


@dataclass(frozen=True, kw_only=True)
class ToldView:
    """One part of what was told of a sending's unsubscribes. again_at: when a problem is tried again, if it is."""

    part: Part
    told: int
    posted_at: datetime | None
    problem: str
    again_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class UnsubscribesView:
    """How many a sending's links unsubscribed, and what the planner was told of them."""

    number: int
    parts: tuple[ToldView, ...]
