"""The rules of the plan over generated input; the table of moves, whole."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tandem.kit.problems import Refused
from tandem.planner.campaigns.domain import (
    FINAL,
    MOVES,
    CampaignPlan,
    MoveRefused,
    OccurrenceState,
    Offered,
    TemplateShare,
    TemplatesRefused,
    check_ahead,
    check_move,
    check_templates,
    even_shares,
    instants,
    may_move,
)


def plan(**changed):
    fields = {
        "name": "N", "group_id": 1, "channel": "email", "channel_account_id": 1, "project_id": 1,
        "templates": (TemplateShare(1, 100),), "day": date(2026, 7, 1), "time": time(12), "zone": "Europe/Stockholm",
    }  # fmt: skip
    return CampaignPlan(**{**fields, **changed})


@given(st.dictionaries(st.integers(1, 9), st.integers(1, 3), min_size=1), st.data())
def test_templates_pass_only_if_all_are_of_the_project(projects, data):
    chosen = data.draw(st.lists(st.sampled_from(sorted(projects)), min_size=1, unique=True))
    project = data.draw(st.integers(1, 3))
    offered = [
        Offered(template_id=t, name=f"T{t}", project_id=p, project_name=f"P{p}", fits=True, usable=True)
        for t, p in projects.items()
    ]
    wanted = plan(project_id=project, templates=even_shares(chosen))
    passed = True
    try:
        check_templates(wanted, offered)
    except TemplatesRefused:
        passed = False
    assert passed == all(projects[one] == project for one in chosen)


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=100, unique=True))
def test_even_shares_make_a_hundred(ids):
    shares = [one.share for one in even_shares(ids)]
    assert sum(shares) == 100
    assert max(shares) - min(shares) <= 1


@given(
    st.dates(date(2026, 1, 1), date(2036, 12, 31)),
    st.times().map(lambda t: t.replace(microsecond=0)),
    st.sampled_from(["Europe/Stockholm", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
    st.integers(0, 1440),
    st.timedeltas(timedelta(-2), timedelta(2)),
)
def test_only_what_can_still_be_listed_may_be_scheduled(day, at, zone, lead, before):
    wanted = plan(day=day, time=at, zone=zone, lead_minutes=lead)
    try:
        lock_at, send_at = instants(wanted)
    except Refused:
        return
    assert send_at - lock_at == timedelta(minutes=lead)
    now = send_at - before
    allowed = True
    try:
        check_ahead(wanted, now)
    except Refused:
        allowed = False
    assert allowed == (lock_at >= now and send_at > now)


@pytest.mark.parametrize(("before", "after"), list(product(OccurrenceState, OccurrenceState)))
def test_every_move_is_allowed_or_refused_by_the_table(before, after):
    allowed = True
    try:
        check_move(before, after, "It")
    except MoveRefused as refused:
        allowed = False
        assert str(before) in refused.detail
    assert allowed == may_move(before, after) == (after in MOVES[before])


def test_every_state_can_end():
    for state in OccurrenceState:
        reached, seen = {state}, set()
        while reached - seen:
            one = (reached - seen).pop()
            seen.add(one)
            reached |= MOVES[one]
        assert reached & FINAL, state


class Life(RuleBasedStateMachine):
    """An occurrence moved at random by the table, beside what a marketer believes."""

    def __init__(self):
        super().__init__()
        self.state = OccurrenceState.DRAFT
        self.listed = self.stopped = False
        self.now = datetime(2026, 7, 1, tzinfo=UTC)

    @rule(after=st.sampled_from(OccurrenceState))
    def move(self, after):
        before = self.state
        try:
            check_move(before, after, "It")
        except MoveRefused:
            return
        self.state = after
        self.listed |= after == OccurrenceState.WAITING
        self.stopped = after == OccurrenceState.CANCELLED

    @precondition(lambda self: self.state in FINAL)
    @rule(after=st.sampled_from(OccurrenceState))
    def an_end_is_an_end(self, after):
        assert not may_move(self.state, after)

    @invariant()
    def nothing_is_sent_without_a_list(self):
        assert self.listed or self.state not in (
            OccurrenceState.SENDING,
            OccurrenceState.SENT,
            OccurrenceState.SENT_WITH_FAILURES,
        )

    @invariant()
    def cancelled_stays_cancelled(self):
        assert not self.stopped or self.state == OccurrenceState.CANCELLED


TestLife = Life.TestCase
