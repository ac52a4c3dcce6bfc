"""What happened on the day: the frozen list, what was served, how it ended."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from tandem.planner.campaigns.domain import CANCELLED_STATES, CampaignView, OccurrenceState

NO_CONTACT = "no contact"
NO_CONSENT = "no consent"
NOT_CLEARED = "not cleared"
DROPPED = "left out by the messenger"
CANCELLED = "cancelled"
CONTROL, TEST = 1, 2
SENT_METRIC, DROPPED_METRIC, BOUNCED_METRIC = 0, 5, 9
SETTLING_METRICS = (SENT_METRIC, DROPPED_METRIC, BOUNCED_METRIC)
#: how long after the late cut-off a messenger may take to report
REPORT_TIME = timedelta(hours=1)
#: the list is made, nobody has to clear it any more, and it was not stopped
EXECUTED = (
    OccurrenceState.WAITING,
    OccurrenceState.SENDING,
    OccurrenceState.SENT,
    OccurrenceState.SENT_WITH_FAILURES,
)


class Who(StrEnum):
    """Which rows of a list are meant."""

    TEST = "test"
    CONTROL = "control"
    BOTH = "both"


class ListedRow(NamedTuple):
    """A customer on a frozen list; role is TEST or CONTROL, and only test rows have a template."""

    seq: int
    surrogate: int
    customer_id: str
    role: int
    template_id: int | None


@dataclass(frozen=True, kw_only=True)
class FrozenList:
    """A campaign with its frozen list. scheduled: the send time on the account's wall."""

    campaign: CampaignView
    scheduled: str
    targeted: int
    control: int

    def span(self, who: Who) -> tuple[int, int]:
        """The numbers of these rows: after the first, up to the second."""
        first = self.targeted if who is Who.CONTROL else 0
        return first, self.targeted if who is Who.TEST else self.targeted + self.control


def cut(spans: Iterable[tuple[int, int]], skip: int, top: int) -> Iterator[tuple[int, int, int]]:
    """The page (skip, top) of several runs of numbers laid end to end: place of the run, after, up to."""
    for place, (after, upto) in enumerate(spans):
        size = upto - after
        if skip >= size:
            skip -= size
            continue
        if top <= 0:
            return
        first = after + skip
        last = min(first + top, upto)
        yield place, first, last
        skip, top = 0, top - (last - first)


@dataclass(frozen=True, kw_only=True)
class ListSummary:
    """The frozen list: listed = targeted + control + skipped; sha256 over its rows by customer."""

    occurrence_id: int
    listed: int
    targeted: int
    control: int
    skipped: Mapping[str, int]
    sha256: str
    made_at: datetime
    as_of: str = ""
    cleared_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """listed = control + sent + skipped + failed + uncertain; before it is settled, uncertain = not yet known."""

    listed: int
    control: int
    sent: int
    skipped: Mapping[str, int]
    failed: int
    uncertain: int


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the timeline: state is done, now, waiting or failed; share 0..1 where there is progress."""

    name: str
    state: str
    at: datetime | None
    detail: str
    exchange: str = ""
    share: float | None = None


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """All that the page of an occurrence shows."""

    campaign: CampaignView
    steps: tuple[Step, ...]
    list: ListSummary | None
    outcome: Outcome | None


@dataclass(frozen=True, kw_only=True)
class Reported:
    """Totals the messenger reported for an occurrence."""

    by_metric: Mapping[int, int] = field(default_factory=dict)

    @property
    def sent(self) -> int:
        """Messages handed over."""
        return self.by_metric.get(SENT_METRIC, 0)

    @property
    def dropped(self) -> int:
        """Rows the messenger did not send."""
        return self.by_metric.get(DROPPED_METRIC, 0)

    @property
    def bounced(self) -> int:
        """Rows refused on the way."""
        return self.by_metric.get(BOUNCED_METRIC, 0)


def outcome_of(summary: ListSummary, reported: Reported, campaign: CampaignView | None = None) -> Outcome:
    """The identity, whatever the messenger says: parts never add up to more than was listed.

    Of a cancelled campaign those left out are named `cancelled`: all of them if the messenger has nothing of the list.
    """
    cancelled = campaign is not None and campaign.state in CANCELLED_STATES
    if campaign is not None and cancelled and not campaign.is_fetched and not reported.sent:
        reported = Reported(by_metric={DROPPED_METRIC: summary.targeted})
    sent = min(reported.sent, summary.targeted)
    dropped = min(reported.dropped, summary.targeted - sent)
    failed = min(reported.bounced, summary.targeted - sent - dropped)
    left_out = CANCELLED if cancelled else DROPPED
    skipped = {**summary.skipped, **({left_out: dropped} if dropped else {})}
    return Outcome(
        listed=summary.listed,
        control=summary.control,
        sent=sent,
        skipped=skipped,
        failed=failed,
        uncertain=summary.targeted - sent - dropped - failed,
    )


def settled_state(
    summary: ListSummary, reported: Reported, *, complete: bool = False
) -> OccurrenceState | None:
    """Sent or sent with failures once the totals cover the test group or are all there will be, None before."""
    outcome = outcome_of(summary, reported)
    if outcome.uncertain and not complete:
        return None
    if outcome.failed or outcome.uncertain or not outcome.sent:
        return OccurrenceState.SENT_WITH_FAILURES
    return OccurrenceState.SENT


def is_complete(templates: Iterable[int], stated: Collection[tuple[int, int]]) -> bool:
    """Whether one report states sent, dropped and bounced of every template.

    A messenger that reports receipt by receipt has no reason to state zeros; one that does so has settled its list,
    and what is in none of the three is uncertain.
    """
    return all((template, metric) in stated for template in templates for metric in SETTLING_METRICS)


def shares_to_bounds(shares: tuple[tuple[int, int], ...]) -> tuple[tuple[int, float], ...]:
    """(template, upper bound of the draw in 0..1) in order; the last bound is 1."""
    total, bounds = 0, []
    for template, share in shares:
        total += share
        bounds.append((template, total / 100))
    return tuple(bounds)
