"""A client of the planner's wire contract (Optimove's format), tolerant of what real servers do."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tandem.clients import planner_problems as problems
from tandem.clients.planner_calls import PlannerCalls, shaped
from tandem.contract import planner_api as wire
from tandem.contract.planner_api import (
    CampaignDetails,
    ChannelDetails,
    ExecutionRow,
    Interactions,
    Metric,
    RegisteredListener,
)
from tandem.contract.reading import folded, items, whole_number

PlannerUnreachable = problems.PlannerUnreachable
PlannerRefusedLogin = problems.PlannerRefusedLogin
PlannerForbidden = problems.PlannerForbidden
PlannerAnsweredHtml = problems.PlannerAnsweredHtml
PlannerFailed = problems.PlannerFailed
PlannerBusy = problems.PlannerBusy
PlannerKnowsNot = problems.PlannerKnowsNot
PlannerAnswerCut = problems.PlannerAnswerCut
PlannerAnswerWrong = problems.PlannerAnswerWrong
PageRepeated = problems.PageRepeated
ListIncomplete = problems.ListIncomplete
CustomerTwice = problems.CustomerTwice

METRICS_AT_ONCE = 100
INTERACTIONS_AT_ONCE = 10_000
MOST_ROWS = 50_000_000
#: is given the rows of each page; the one that keeps them refuses a customer it has (CustomerTwice)
Keep = Callable[[list[ExecutionRow]], object]


@dataclass(frozen=True, kw_only=True)
class CompleteRead:
    """What was read of a campaign's list on one channel, its count checked; its rows went page by page to their keeper.

    rows: how many; expected: the count the planner told, None if it told none.
    """

    details: CampaignDetails
    channel_rows: tuple[ChannelDetails, ...]
    rows: int
    expected: int | None


class PlannerClient(PlannerCalls):
    """One account at one planner: the functions of the contract that a messenger needs.

    base_url: without a path, as `https://api5.optimove.net`. page: rows asked for at once.
    """

    def login(self) -> None:
        """Fetch a token, or try the key with a small call. Raises PlannerRefusedLogin and the rest."""
        if self._key:
            self.get_last_data_update()
        else:
            self._login()

    def get_last_data_update(self) -> date | None:
        """The day of the newest customer data; None if the planner has none yet."""
        document = self._get("general/GetLastDataUpdate")

        def read(found: Any) -> date | None:
            text = folded(found, "answer").get("date")
            return wire.read_date(str(text)[:10]) if text else None

        return shaped(read, document)

    def register_event_listener(self, event_type: int, url: str, channel_id: int | None = None) -> None:
        """Have events posted to `url`; again with another address replaces it."""
        body: dict[str, Any] = {"EventTypeID": event_type, "ListenerURL": url}
        self._write("general/RegisterEventListener", _with_channel(body, channel_id))

    def unregister_event_listener(self, event_type: int, channel_id: int | None = None) -> None:
        """Have them posted no more."""
        self._write("general/UnregisterEventListener", _with_channel({"EventTypeID": event_type}, channel_id))

    def registered_event_listeners(self) -> tuple[RegisteredListener, ...]:
        """All current registrations of the account."""
        return tuple(self._all("general/GetRegisteredEventListeners", RegisteredListener.read))

    def campaign_details(self, campaign_id: int) -> CampaignDetails:
        """One occurrence. Raises PlannerKnowsNot."""
        document = self._get("actions/GetCampaignDetails", CampaignID=campaign_id)
        return shaped(lambda found: CampaignDetails.read(campaign_id, found), document)

    def campaign_channel_details(self, campaign_id: int, channel_id: int) -> tuple[ChannelDetails, ...]:
        """The templates and times of an occurrence on a channel."""
        function = "actions/GetExecutedCampaignChannelDetails"
        return tuple(self._all(function, ChannelDetails.read, CampaignID=campaign_id, ChannelID=channel_id))

    def executed_campaigns_by_channel(self, channel_id: int, day: date) -> tuple[int, ...]:
        """Occurrences of a day on a channel."""
        day_text = self._profile.day(day)
        found = self._all(
            "actions/GetExecutedCampaignsByChannel", _campaign, ChannelID=channel_id, Date=day_text
        )
        return tuple(dict.fromkeys(found))

    def canceled_campaign_customers(self, campaign_id: int) -> tuple[str, ...]:
        """Who was taken off an occurrence in the last two hours; page by page, of any size."""
        found = self._all("customers/GetCanceledCampaignCustomers", _customer, CampaignID=campaign_id)
        return tuple(dict.fromkeys(found))

    def execution_pages(self, campaign_id: int, channel_id: int) -> Iterator[list[ExecutionRow]]:
        """The list, page by page, until the planner answers `[]`. Raises PageRepeated, PlannerAnswerWrong."""
        skip, first = 0, None
        while skip < MOST_ROWS:
            rows = self._execution_page(campaign_id, channel_id, skip)
            if not rows:
                return
            head = (rows[0].customer_id, rows[-1].customer_id, len(rows))
            if head == first:
                raise problems.PageRepeated(
                    f"The planner answered the same page twice, at row {skip}.",
                    "Nothing was sent. The list is read again by schedule.",
                )
            first = head
            skip += len(rows)
            yield rows
        raise problems.wrong("The planner's list does not end.")

    def complete_read(self, campaign_id: int, channel_id: int, keep: Keep) -> CompleteRead:
        """Read the whole list of an occurrence on a channel, page by page, and check it as it comes.

        With one channel the count is TestGroupSize. With several, or none told, the list is read twice and both
        must be equal. `keep` is given the rows of each page once; what it has is the list only if this returns.
        Raises NotForThisChannel, ListIncomplete, PageRepeated, what `keep` raises and what a single call raises.
        """
        details = self.campaign_details(campaign_id)
        if details.channels and channel_id not in details.channels:
            raise problems.not_for_channel(campaign_id, channel_id, details.channels)
        channel_rows = self.campaign_channel_details(campaign_id, channel_id)
        one_channel = not details.is_multi_channel and len(details.channels) <= 1
        expected = details.test_group_size if one_channel else None
        if expected is None:
            count = self._read_twice(campaign_id, channel_id, keep)
        else:
            count = self._read_once(campaign_id, channel_id, expected, keep)
            if count != expected:
                raise _incomplete(expected, count)
        return CompleteRead(details=details, channel_rows=channel_rows, rows=count, expected=expected)

    def update_campaign_metrics(self, rows: Sequence[Metric], key: str = "") -> None:
        """Report values; the planner adds them, so report each once, or with a key where `counts_once`."""
        for start in range(0, len(rows), METRICS_AT_ONCE):
            batch = [row.document() for row in rows[start : start + METRICS_AT_ONCE]]
            self._write("integrations/UpdateCampaignMetrics", batch, f"{key}-{start}" if key else "")

    def update_campaign_interactions(
        self, customers: Sequence[str], *, channel_id: int, campaign_id: int, template_id: int, event_id: int,
        day: date, key: str = "",
    ) -> None:  # fmt: skip
        """Report customers who did one thing on a day; the planner adds, so once, or with a key."""
        for start in range(0, len(customers), INTERACTIONS_AT_ONCE):
            body = Interactions(
                channel_id=channel_id,
                campaign_id=campaign_id,
                template_id=template_id,
                event_id=event_id,
                day=self._profile.day(day),
                customer_ids=tuple(customers[start : start + INTERACTIONS_AT_ONCE]),
            )
            self._write(
                "integrations/UpdateCampaignInteractions", body.document(), f"{key}-{start}" if key else ""
            )

    def _read_twice(self, campaign_id: int, channel_id: int, keep: Keep) -> int:
        first, again = _Sum(), _Sum()

        def both(rows: list[ExecutionRow]) -> None:
            keep(rows)
            first.add(rows)

        count = self._read_once(campaign_id, channel_id, None, both)
        second = self._read_once(campaign_id, channel_id, count, again.add)
        if (count, first.total) != (second, again.total):
            raise _incomplete(count, second)
        return count

    def _read_once(self, campaign_id: int, channel_id: int, most: int | None, keep: Keep) -> int:
        count = 0
        for page in self.execution_pages(campaign_id, channel_id):
            mine = [row for row in page if _is_sent(row, channel_id)]
            keep(mine)
            count += len(mine)
            if most is not None and count > most:
                raise _incomplete(most, count)
        return count

    def _execution_page(self, campaign_id: int, channel_id: int, skip: int) -> list[ExecutionRow]:
        query = {"CampaignID": campaign_id, "ChannelID": channel_id, **self._profile.page(skip, self._page)}
        document = self._get("customers/GetCustomerExecutionDetailsByCampaign", is_page=True, **query)
        return shaped(lambda found: ExecutionRow.read_all(items(found, "list")), document)


def _is_sent(row: ExecutionRow, channel_id: int) -> bool:
    return row.action_id != wire.CONTROL_ACTION and row.channel_id in (None, channel_id)


class _Sum:
    """Tells two readings apart that do not hold the same rows, in whatever order, without keeping them."""

    def __init__(self) -> None:
        self.total = 0

    def add(self, rows: list[ExecutionRow]) -> None:
        for row in rows:
            digest = hashlib.sha256(f"{row.customer_id}\t{row.template_id}".encode()).digest()
            self.total = (self.total + int.from_bytes(digest, "big")) % 2**256


def _incomplete(expected: int, got: int) -> problems.ListIncomplete:
    return problems.ListIncomplete(
        f"The planner's list has {got:,} customers instead of {expected:,}.",
        "Nothing was sent. The list is read again by schedule.",
    )


def _with_channel(body: dict[str, Any], channel_id: int | None) -> dict[str, Any]:
    return body if channel_id is None else body | {"ChannelID": channel_id}


def _customer(item: Any) -> str:
    return wire.customer_id(folded(item, "customer").get("customerid"))


def _campaign(item: Any) -> int:
    return whole_number(folded(item, "campaign").get("campaignid"), "CampaignID")
