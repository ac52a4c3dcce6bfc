"""Openings and clicks on their way to the planner: people once each, what was added since, each sum once."""

from datetime import timedelta

import pytest
from tests.fixtures.sendings import CLOCK, create_contacts, create_house, create_sending, send_until

from tandem.kit.clock import FrozenClock
from tandem.messenger.delivery import resolving
from tandem.messenger.delivery.domain import AttemptState, Outcome
from tandem.messenger.delivery.models import Attempt
from tandem.messenger.engagement import service as engagement
from tandem.messenger.engagement.domain import Actor, Happened, Kind
from tandem.messenger.listener import service as listener
from tandem.messenger.reporting import responses
from tandem.messenger.reporting.models import UnsubscribeReport
from tandem.simulators.server import Reply, Server, Simulator, json_reply

pytestmark = pytest.mark.django_db


DETAILS = {
    "TargetGroupID": 1, "CampaignType": "Test/Control", "Duration": 1, "LeadTime": 0, "Notes": "", "Tags": [],
    "IsMultiChannel": False, "IsRecurrence": False, "Status": "Successful", "Error": "", "ChannelIds": [504],
}  # fmt: skip


class Planner:
    """Adds what it is told. silent: it counts, and answers nothing."""

    def __init__(self):
        self.sums, self.calls, self.keys, self.silent = {}, 0, set(), False

    def answer(self, request):
        offered = {"Tandem-Idempotency-Key": "1"}
        if not request.path.endswith("UpdateCampaignMetrics"):
            words = {"GetLast": {"Date": "2026-11-22"}, "GetCampaignDetails": DETAILS}
            found = next((words[name] for name in words if name in request.path), "token")
            return json_reply(found, **offered)
        self.calls += 1
        key = request.headers.get("idempotency-key", "")
        for one in request.json() if key not in self.keys else ():
            name = one["CampaignID"], one["TemplateID"], one["MetricID"]
            self.sums[name] = self.sums.get(name, 0) + one["MetricValue"]
        self.keys.add(key)
        return Reply(hang_up=True) if self.silent else Reply(headers=offered)

    def control(self, verb, fields):
        raise KeyError(verb)


@pytest.fixture
def planner(settings):
    made = Planner()
    with Server(Simulator(made)) as running:
        settings.TANDEM_ALLOW_PRIVATE = (f"127.0.0.1:{running.port}",)
        made.url = running.url
        yield made


class Account:
    def __init__(self, planner, name="Alder", campaign=42):
        self.house, self.campaign = create_house(name), campaign
        self.sending = create_sending(self.house, create_contacts(self.house, 4), campaign_id=campaign)
        self.clock = FrozenClock(CLOCK.system())
        self.rows = list(
            Attempt.objects.filter(sending_id=self.sending).order_by("seq").values_list("id", flat=True)
        )
        listener.connect_planner(
            self.house.account_id, planner_url=planner.url, zone="Europe/Stockholm", user="u", password="p"
        )

    def happened(self, row: int, kind: Kind, actor: Actor = Actor.PERSON) -> None:
        at = self.clock.business()
        one = Happened(
            account_id=self.house.account_id, attempt_id=self.rows[row], kind=kind, at=at, actor=actor,
            source=f"{at:%H%M%S}{actor}", link=1,
        )  # fmt: skip
        engagement.record([one], clock=self.clock)

    def report(self, **later) -> None:
        self.clock.move(**later)
        listener.report_due(self.clock)

    def name(self, metric: int):
        return self.campaign, self.house.email_trigger, metric


def test_people_are_told_once_each_and_later_what_was_added(planner):
    mine = Account(planner)
    mine.happened(0, Kind.OPENED)
    mine.happened(0, Kind.CLICKED)
    mine.happened(1, Kind.OPENED)
    mine.happened(2, Kind.CLICKED, Actor.BOT)
    mine.happened(3, Kind.OPENED, Actor.PROXY)
    mine.report(seconds=10)
    assert planner.sums == {}  # machines may still be among them
    mine.report(seconds=25)
    assert planner.sums == {mine.name(2): 2, mine.name(3): 1}
    mine.report(seconds=60)
    assert planner.calls == 2
    mine.happened(0, Kind.OPENED)
    mine.happened(3, Kind.CLICKED)
    mine.report(seconds=31)
    mine.report(seconds=31)
    assert planner.sums == {mine.name(2): 3, mine.name(3): 2}
    told = responses.told(mine.house.account_id, mine.sending)
    assert {metric: one.told for metric, one in told.items()} == {2: 3, 3: 2}
    assert all(one.posted_at and not one.problem for one in told.values())


def test_a_sum_whose_answer_was_not_heard_counts_once(planner):
    mine = Account(planner)
    mine.happened(0, Kind.OPENED)
    planner.silent = True
    mine.report(seconds=31)
    planner.silent = False
    assert UnsubscribeReport.objects.get().state == "doubtful"
    mine.report(minutes=5)
    mine.report(minutes=5)
    assert planner.sums == {mine.name(2): 1}


def test_what_turns_out_to_be_a_machine_is_taken_off_what_comes_next(planner):
    mine = Account(planner)
    at = mine.clock.business()
    Attempt.objects.update(done_at=at - timedelta(hours=1))
    for number in (1, 2, 3):
        one = Happened(
            account_id=mine.house.account_id, attempt_id=mine.rows[0], kind=Kind.CLICKED, link=number, ip="192.0.2.1",
            at=at + timedelta(seconds=number), source=str(number), agent="x",
        )  # fmt: skip
        engagement.record([one], clock=mine.clock)
    mine.report(seconds=40)
    assert planner.sums == {mine.name(2): 1, mine.name(3): 1}
    engagement.judge(clock=mine.clock)
    mine.happened(1, Kind.CLICKED)
    mine.report(seconds=40)
    assert planner.sums == {mine.name(2): 1, mine.name(3): 1}
    mine.happened(2, Kind.CLICKED)
    mine.report(seconds=40)
    assert planner.sums == {mine.name(2): 2, mine.name(3): 2}


class TestSettledLater:
    """A row in doubt is told as nothing; once it is known what became of it, the planner's sums are right."""

    @pytest.fixture
    def mine(self, planner, memory):
        mine = Account(planner)
        for customer in ("c1", "c2"):
            memory.refuse[f"{customer}@people.example"] = Outcome(state=AttemptState.UNCERTAIN, detail="lost")
        send_until(mine.house, mine.sending)
        mine.report(seconds=1)
        assert planner.sums == {mine.name(0): 2, mine.name(5): 0, mine.name(9): 0}
        return mine

    def settle(self, mine, row, state=AttemptState.ACCEPTED):
        return resolving.resolve(mine.house.account_id, [mine.rows[row]], state, source="the relay's log")

    def test_each_is_added_once(self, planner, mine):
        assert [self.settle(mine, 0), self.settle(mine, 1, AttemptState.REJECTED), self.settle(mine, 0)] == [
            1,
            1,
            0,
        ]
        mine.report(seconds=1)
        mine.report(minutes=5)
        assert planner.sums == {mine.name(0): 3, mine.name(5): 0, mine.name(9): 1}
        assert planner.calls == 2

    def test_an_answer_that_was_not_heard_counts_once_and_the_next_waits(self, planner, mine):
        self.settle(mine, 0)
        planner.silent = True
        mine.report(seconds=1)
        planner.silent = False
        self.settle(mine, 1)
        mine.report(minutes=5)
        mine.report(minutes=5)
        assert (planner.sums[mine.name(0)], planner.calls) == (4, 4)

    def test_one_that_was_settled_before_the_end_was_told_with_it(self, planner, memory):
        mine = Account(planner, campaign=44)
        Attempt.objects.filter(id=mine.rows[3]).update(state=AttemptState.UNCERTAIN)
        self.settle(mine, 3)
        send_until(mine.house, mine.sending)
        mine.report(seconds=1)
        mine.report(seconds=60)
        assert (planner.sums[mine.name(0)], planner.calls) == (4, 1)


def test_two_accounts_hear_of_their_own(planner):
    first, second = Account(planner), Account(planner, "Birch", campaign=43)
    first.happened(0, Kind.OPENED)
    second.happened(1, Kind.CLICKED)
    first.report(seconds=40)
    second.report(seconds=40)
    assert planner.sums == {first.name(2): 1, second.name(2): 1, second.name(3): 1}
