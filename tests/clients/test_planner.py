from datetime import date

import orjson
import pytest
from tests.fixtures.planner_server import row, running
from tests.fixtures.reading import whole_list

from tandem.clients.planner import (
    CustomerTwice,
    ListIncomplete,
    PageRepeated,
    PlannerAnswerCut,
    PlannerAnsweredHtml,
    PlannerAnswerWrong,
    PlannerClient,
    PlannerFailed,
    PlannerForbidden,
    PlannerKnowsNot,
    PlannerRefusedLogin,
    PlannerUnreachable,
)
from tandem.clients.planner_problems import NotForThisChannel
from tandem.contract.planner_api import Metric
from tandem.kit.http import Http


@pytest.fixture
def planner():
    with running() as planner:
        planner.http = Http(allow_private=(planner.pair,))
        planner.client = PlannerClient(
            f"http://{planner.pair}", user="u", password="p", http=planner.http, page=2
        )
        yield planner
        planner.http.close()


class TestCompleteRead:
    def test_walks_the_pages_until_the_empty_one(self, planner):
        read = whole_list(planner.client, 9, 505)
        assert [found.customer_id for found in read.rows] == ["c0", "c1", "c2", "c3", "c4"]
        assert (read.expected, read.after, read.channel_rows[0].template_id) == (5, [2, 4, 5], 14)
        pages = [query.get("$skip") for name, query, *_ in planner.asked if name.startswith("GetCustomer")]
        assert pages == [None, ["2"], ["4"], ["5"]]

    def test_a_count_that_does_not_fit_is_refused(self, planner):
        planner.details["TestGroupSize"] = 6
        with pytest.raises(ListIncomplete):
            whole_list(planner.client, 9, 505)

    def test_a_longer_list_is_refused(self, planner):
        planner.details["TestGroupSize"] = 4
        with pytest.raises(ListIncomplete):
            whole_list(planner.client, 9, 505)

    def test_a_page_twice_is_refused(self, planner):
        page = orjson.dumps([row(0), row(1)])
        planner.answers["GetCustomerExecutionDetailsByCampaign"] = (200, page)
        with pytest.raises(PageRepeated):
            whole_list(planner.client, 9, 505)

    def test_what_the_keeper_refuses_ends_the_reading(self, planner):
        planner.rows[3] = row(1)
        with pytest.raises(CustomerTwice):
            whole_list(planner.client, 9, 505)
        assert sum(name.startswith("GetCustomer") for name, *_ in planner.asked) == 2

    def test_a_campaign_of_another_channel_is_refused_before_its_list_is_read(self, planner):
        with pytest.raises(NotForThisChannel) as caught:
            whole_list(planner.client, 9, 504)
        assert caught.value.detail == "Campaign 9 is for channel 505, not for channel 504."
        assert [name for name, *_ in planner.asked] == ["login", "GetCampaignDetails"]

    def test_several_channels_are_read_twice(self, planner):
        planner.details |= {"IsMultiChannel": True, "TestGroupSize": 10}
        read = whole_list(planner.client, 9, 505)
        assert (read.expected, len(read.rows)) == (None, 5)
        assert sum(name.startswith("GetCustomer") for name, *_ in planner.asked) == 8

    def test_a_list_that_changes_between_two_reads_is_refused(self, planner):
        planner.details["TestGroupSize"] = None
        pages = [[row(0)], [], [row(1)], []]
        planner.answers["GetCustomerExecutionDetailsByCampaign"] = [
            (200, orjson.dumps(page)) for page in pages
        ]
        with pytest.raises(ListIncomplete):
            whole_list(planner.client, 9, 505)

    @pytest.mark.parametrize(
        "second",
        [[[row(0)], []], [[row(0), row(1)], [row(2)], []], [[row(0), row(1, TemplateID=15)], []]],
        ids=["shorter", "longer", "another template"],
    )
    def test_a_second_read_that_differs_is_refused(self, planner, second):
        planner.details["TestGroupSize"] = None
        planner.answers["GetCustomerExecutionDetailsByCampaign"] = [
            (200, orjson.dumps(page)) for page in [[row(0), row(1)], [], *second]
        ]
        with pytest.raises(ListIncomplete):
            whole_list(planner.client, 9, 505)

    def test_a_second_read_in_another_order_is_the_same_list(self, planner):
        planner.details["TestGroupSize"] = None
        planner.answers["GetCustomerExecutionDetailsByCampaign"] = [
            (200, orjson.dumps(page)) for page in [[row(0), row(1)], [], [row(1)], [row(0)], []]
        ]
        assert whole_list(planner.client, 9, 505).expected is None

    def test_control_and_other_channels_are_left_out(self, planner):
        planner.rows += [row(5, ActionID=1), row(0, ChannelID=504)]
        assert len(whole_list(planner.client, 9, 505).rows) == 5

    @pytest.mark.parametrize(
        ("answer", "problem"),
        [
            ((200, b"<!DOCTYPE html><p>Sign in"), PlannerAnsweredHtml),
            ((302, b""), PlannerAnsweredHtml),
            ((500, b'"Internal Server Error"'), PlannerFailed),
            ((200, b'[{"CustomerID":"a"'), PlannerAnswerCut),
            ((200, b""), PlannerAnswerCut),
            ((200, b"{}"), PlannerAnswerWrong),
            ((200, b'[{"CustomerID":null,"ActionID":2}]'), PlannerAnswerWrong),
            ((200, b'[{"CustomerID":"a","ActionID":"x"}]'), PlannerAnswerWrong),
            ((200, b'[{"CustomerID":"a\\u0000","ActionID":2}]'), PlannerAnswerWrong),
            ((404, b'"Not Found"'), PlannerKnowsNot),
            ((403, b'"Forbidden"'), PlannerForbidden),
        ],
    )
    def test_what_is_wrong_is_said(self, planner, answer, problem):
        planner.answers["GetCustomerExecutionDetailsByCampaign"] = answer
        with pytest.raises(problem) as caught:
            whole_list(planner.client, 9, 505)
        assert caught.value.detail.endswith((".", ")"))


class TestLogin:
    @pytest.mark.parametrize("words", [b"Authorization-Token Expired", b'"authorization-token expired"'])
    def test_logs_in_again_when_the_token_has_expired(self, planner, words):
        planner.answers["GetRegisteredEventListeners"] = [(403, words), (200, b"[]")]
        assert planner.client.registered_event_listeners() == ()
        assert sum(name == "login" for name, *_ in planner.asked) == 2

    def test_does_not_log_in_again_when_it_is_forbidden(self, planner):
        planner.answers["GetRegisteredEventListeners"] = (403, b'"Forbidden"')
        with pytest.raises(PlannerForbidden):
            planner.client.registered_event_listeners()
        assert sum(name == "login" for name, *_ in planner.asked) == 1

    def test_wrong_credentials(self, planner):
        planner.answers["login"] = (401, b'"Unauthorized"')
        with pytest.raises(PlannerRefusedLogin):
            planner.client.login()

    def test_nobody_there(self, planner):
        http = Http(allow_private=("127.0.0.1:1",))
        with pytest.raises(PlannerUnreachable) as caught:
            PlannerClient("http://127.0.0.1:1", user="u", password="p", http=http).login()
        assert not caught.value.sent

    def test_a_key_needs_no_login(self, planner):
        planner.answers["GetLastDataUpdate"] = (200, b'{"date":"2027-02-28"}')
        client = PlannerClient(f"http://{planner.pair}", api_key="k", http=planner.http)
        assert client.get_last_data_update() == date(2027, 2, 28)
        assert [name for name, *_ in planner.asked] == ["GetLastDataUpdate"]


def test_metrics_go_in_batches_of_a_hundred(planner):
    rows = [Metric(channel_id=505, campaign_id=9, template_id=n, metric_id=0, value=1) for n in range(150)]
    planner.client.update_campaign_metrics(rows)
    sizes = [len(orjson.loads(body)) for name, _, body, _ in planner.asked if name == "UpdateCampaignMetrics"]
    assert sizes == [100, 50]
