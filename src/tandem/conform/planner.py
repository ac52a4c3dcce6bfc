"""`tandem conform planner`: every function of the contract against a foreign server, carefully."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tandem.clients.profile import PLAIN, dump
from tandem.conform.findings import Finding, Note, Report, Verdict, flows_of, redacted
from tandem.conform.judging import judged, look_inside
from tandem.conform.learning import Learner
from tandem.conform.manners import Manners
from tandem.conform.planner_values import Values
from tandem.conform.planner_writes import Writes
from tandem.conform.talk import PlannerTalk, Seen
from tandem.contract.planner_functions import FUNCTIONS, WireFunction
from tandem.contract.shapes import Form

FLOWS = {
    "Sign in": ("general/login",),
    "Hear of campaigns by events": ("general/RegisterEventListener", "general/UnregisterEventListener"),
    "Hear of campaigns by asking": ("general/GetLastDataUpdate", "actions/GetExecutedCampaignsByChannel"),
    "Fetch a campaign's list": (
        "actions/GetCampaignDetails",
        "actions/GetExecutedCampaignChannelDetails",
        "customers/GetCustomerExecutionDetailsByCampaign",
        "paging",
    ),
    "Obey a cancellation": ("general/RegisterEventListener", "customers/GetCanceledCampaignCustomers"),
    "Report what became of a sending": ("integrations/UpdateCampaignMetrics",),
    "Offer templates": ("integrations/AddChannelTemplates", "integrations/GetChannelTemplates"),
    "Read customers with attributes": ("customers/GetCustomerSendDetailsByChannel",),
    "Clear a conditional campaign": (
        "customers/GetProcessedCampaignCustomers",
        "integrations/UpdateCustomerPromotionStatus",
    ),
}
Told = Callable[[Finding], None]


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the person wants. channel, campaign: to look at; 0 = found by asking. days: how far back to look."""

    allow_writes: bool = False
    channel: int = 0
    campaign: int = 0
    days: int = 7


class PlannerConformance:
    """One run. Raises NotAPlanner, PlannerRefusedLogin where there is nothing to hold against the contract."""

    def __init__(
        self, talk: PlannerTalk, wishes: Wishes, *, now: datetime, told: Told = lambda _: None
    ) -> None:
        self._talk, self._wishes, self._told = talk, wishes, told
        self._learner = Learner(talk, now)
        self._manners = Manners(talk)
        self._values = Values(
            talk, channel=wishes.channel, campaign=wishes.campaign, days=wishes.days, now=now
        )
        self._changes = Writes(talk, self._values)
        self._findings: list[Finding] = []
        self._shapes: dict[str, Any] = {}

    def run(self) -> Report:
        """Everything, in an order in which each step can use what the one before learnt."""
        self._keep(*self._manners.sign_in())
        for function in _in_order():
            if function.name == "login":
                continue
            self._keep(self._writes(function) if function.changes else self._read(function))
        self._keep(*self._manners.conventions(self._values))
        profile = "" if self._talk.profile == PLAIN else dump(self._talk.profile)
        findings = tuple(self._findings)
        return Report(
            findings=findings, flows=flows_of(findings, FLOWS), profile=profile, shapes=dict(self._shapes)
        )

    def _keep(self, *found: Finding) -> None:
        for one in found:
            self._findings.append(one)
            self._told(one)

    def _read(self, function: WireFunction) -> Finding:
        if function.name == "GetExecutedCampaignsByChannel":
            self._values.find_campaign()
        query = self._values.query(function)
        if isinstance(query, str):
            return Finding(name=function.path, verdict=Verdict.NOT_TRIED, why=query)
        seen, notes = self._asked(function, query)
        self._shapes[function.path] = {"status": seen.status, "shape": redacted(seen.raw)}
        verdict = self._judged(function, seen, notes)
        if verdict.works:
            self._values.learn(function, self._mended(seen.document))
        if function.name == "GetCustomerExecutionDetailsByCampaign" and verdict.works:
            self._keep(self._manners.paging(function, query))
        return verdict

    def _asked(self, function: WireFunction, query: dict[str, Any]) -> tuple[Seen, tuple[Note, ...]]:
        seen = self._talk.ask("GET", function.path, query)
        notes = look_inside(self._talk, function.answer, seen)
        return (replace(seen, document=self._talk.profile.unwrapped(seen.raw)) if notes else seen), notes

    def _judged(self, function: WireFunction, seen: Seen, notes: tuple[Note, ...]) -> Finding:
        is_list = function.answer.form is Form.ARRAY
        if seen.status == 404 and is_list and not self._manners.is_absent(seen):
            return Finding(name=function.path, verdict=Verdict.NOT_TRIED, why="404, as of an empty list")
        if seen.status == 200 and not seen.trouble:
            notes += self._manners.length_note(seen)
        return judged(function.path, function.answer, seen, notes, self._learner)

    def _mended(self, document: Any) -> Any:
        try:
            return self._talk.profile.mended(document)
        except (ValueError, OverflowError, OSError):
            return document

    def _writes(self, function: WireFunction) -> Finding:
        if not self._wishes.allow_writes:
            return Finding(name=function.path, verdict=Verdict.NOT_TRIED, why="writes; use --allow-writes")
        return self._changes.try_one(function)


def _in_order() -> list[WireFunction]:
    """Those that others need first."""
    first = (
        "GetLastDataUpdate",
        "GetExecutionChannels",
        "GetExecutedCampaignsByChannel",
        "GetCampaignDetails",
        "GetExecutedCampaignChannelDetails",
        "GetCustomerExecutionDetailsByCampaign",
    )
    return sorted(
        FUNCTIONS,
        key=lambda one: (one.changes, first.index(one.name) if one.name in first else len(first)),
    )
