"""Our own conformance run against a running planner of ours: nothing differs."""

from datetime import UTC, datetime

import pytest

from tandem.conform.findings import Verdict
from tandem.conform.planner import PlannerConformance, Wishes
from tandem.conform.talk import Pace, PlannerTalk
from tandem.kit.http import Http

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def run(live_server, credential, **wishes):
    pair = live_server.url.removeprefix("http://").replace("localhost", "127.0.0.1")
    http = Http(allow_private=(pair,))
    user, password = credential
    talk = PlannerTalk(live_server.url, user=user, password=password, http=http, pace=Pace(10_000))
    report = PlannerConformance(talk, Wishes(**wishes), now=NOW).run()
    http.close()
    return report


@pytest.mark.parametrize("writes", [False, True])
def test_a_full_credential(live_server, shop, listed, writes):
    report = run(live_server, ("shop", shop.full.password), allow_writes=writes)
    assert {one.name: one.notes for one in report.findings if one.verdict is Verdict.DIFFERS} == {}
    assert report.profile == ""
    agrees = {one.name for one in report.findings if one.verdict is Verdict.AGREES}
    assert {"customers/GetCustomerExecutionDetailsByCampaign", "paging", "errors and addresses"} <= agrees
    assert ("integrations/UpdateCampaignMetrics" in agrees) == writes
    assert not any(flow.fails for flow in report.flows)


def test_a_third_party(live_server, shop, listed):
    """What the contract bars for it is not permitted; the flow it is for works."""
    report = run(live_server, ("esp", shop.third.password), channel=504, campaign=listed.occurrence_id)
    verdicts = {one.name: one.verdict for one in report.findings}
    assert verdicts["groups/GetTargetGroupDetails"] is Verdict.NOT_PERMITTED
    outcomes = {flow.name: flow.outcome for flow in report.flows}
    assert outcomes["Fetch a campaign's list"] == "works"
    assert {one.name: one.notes for one in report.findings if one.verdict is Verdict.DIFFERS} == {}
