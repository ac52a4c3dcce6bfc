"""A client of the planner's wire contract (Optimove's format), tolerant of what real servers do."""

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
MOST_ROWS = 50_000_000


@dataclass(frozen=True, kw_only=True)
class CompleteRead:
    """A campaign's list on one channel, checked. expected: the count the planner told, None if it told none."""

    details: CampaignDetails
    channel_rows: tuple[ChannelDetails, ...]
    rows: tuple[ExecutionRow, ...]
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

    def complete_read(
        self, campaign_id: int, channel_id: int, on_page: Callable[[int], None] | None = None
    ) -> CompleteRead:
        """The whole list of an occurrence on a channel, checked: its count, and each customer once.

        With one channel the count is TestGroupSize. With several, or none told, the list is read twice and both
        must be equal. on_page is told the number of rows after each page.
        Raises NotForThisChannel, ListIncomplete, CustomerTwice, PageRepeated and what a single call raises.
        """
        details = self.campaign_details(campaign_id)
        if details.channels and channel_id not in details.channels:
            raise problems.not_for_channel(campaign_id, channel_id, details.channels)
        channel_rows = self.campaign_channel_details(campaign_id, channel_id)
        one_channel = not details.is_multi_channel and len(details.channels) <= 1
        expected = details.test_group_size if one_channel else None
        rows = self._read_once(campaign_id, channel_id, expected, on_page)
        if expected is not None and len(rows) != expected:
            raise _incomplete(expected, len(rows))
        if expected is None:
            again = self._read_once(campaign_id, channel_id, None, on_page)
            if _keys(rows) != _keys(again):
                raise _incomplete(len(rows), len(again))
        return CompleteRead(details=details, channel_rows=channel_rows, rows=tuple(rows), expected=expected)

    def update_campaign_metrics(self, rows: Sequence[Metric], key: str = "") -> None:
        """Report values; the planner adds them, so report each once, or with a key where `counts_once`."""
        for start in range(0, len(rows), METRICS_AT_ONCE):
            batch = [row.document() for row in rows[start : start + METRICS_AT_ONCE]]
            self._write("integrations/UpdateCampaignMetrics", batch, f"{key}-{start}" if key else "")

    def _read_once(
        self, campaign_id: int, channel_id: int, expected: int | None, on_page: Callable[[int], None] | None
    ) -> list[ExecutionRow]:
        rows: list[ExecutionRow] = []
        seen: set[str] = set()
        for page in self.execution_pages(campaign_id, channel_id):
            mine = [row for row in page if _is_sent(row, channel_id)]
            seen.update(row.customer_id for row in mine)
            rows.extend(mine)
            if len(seen) != len(rows):
                raise problems.CustomerTwice(
                    "A customer is on the planner's list twice.",
                    "Nothing was sent. The list is read again by schedule.",
                )
            if expected is not None and len(rows) > expected:
                raise _incomplete(expected, len(rows))
            if on_page:
                on_page(len(rows))
        return rows

    def _execution_page(self, campaign_id: int, channel_id: int, skip: int) -> list[ExecutionRow]:
        query = {"CampaignID": campaign_id, "ChannelID": channel_id, **self._profile.page(skip, self._page)}
        document = self._get("customers/GetCustomerExecutionDetailsByCampaign", is_page=True, **query)
        return shaped(lambda found: ExecutionRow.read_all(items(found, "list")), document)


def _is_sent(row: ExecutionRow, channel_id: int) -> bool:
    return row.action_id != wire.CONTROL_ACTION and row.channel_id in (None, channel_id)


def _keys(rows: list[ExecutionRow]) -> set[tuple[str, int | None]]:
    return {(row.customer_id, row.template_id) for row in rows}


def _incomplete(expected: int, got: int) -> problems.ListIncomplete:
    return problems.ListIncomplete(
        f"The planner's list has {got:,} customers instead of {expected:,}.",
        "Nothing was sent. The list is read again by schedule.",
    )


def _with_channel(body: dict[str, Any], channel_id: int | None) -> dict[str, Any]:
    return body if channel_id is None else body | {"ChannelID": channel_id}


def _campaign(item: Any) -> int:
    return whole_number(folded(item, "campaign").get("campaignid"), "CampaignID")
