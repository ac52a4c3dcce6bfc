"""What programs write through integrations/* and what it does: templates, apps, preferences, interactions."""

import pytest
from tests.fixtures import shop as shops

from tandem.kit import clock as clocks
from tandem.planner.accounts import service as accounts
from tandem.planner.accounts.models import KeyCalls
from tandem.planner.api.table import FUNCTIONS
from tandem.planner.campaigns import service as campaigns
from tandem.planner.campaigns.domain import OccurrenceState, PlanRefused, TemplateShare, TemplatesRefused
from tandem.planner.channels import service as channels
from tandem.planner.channels.errors import ChannelTaken, NoMessenger, SettingsWrong
from tandem.planner.channels.models import TemplateCopy
from tandem.planner.channels.service.templates import _keep_templates
from tandem.planner.customers import service as customers
from tandem.planner.execution import service as execution
from tandem.planner.execution.models import ListRow
from tandem.planner.listeners import service as listeners
from tandem.planner.results import service as results

pytestmark = pytest.mark.django_db
HERE = "/current/integrations/"
WELCOME = [
    {"TemplateID": 1, "TemplateName": "Welcome", "AppID": "app1"},
    {"TemplateID": 2, "TemplateName": "Bye"},
]


@pytest.fixture(autouse=True)
def at_the_shops_time(stocked, monkeypatch):
    monkeypatch.setattr(clocks, "from_environment", lambda: stocked.clock)


@pytest.fixture
def call(call):
    def run(*given, **named):
        KeyCalls.objects.all().delete()
        return call(*given, **named)

    return run


@pytest.fixture
def pushed(stocked, shop):
    """Channel 700 by email and 701 by SMS, without a messenger."""
    return channels.add_pushed_account(
        shop.account.id, name="Bingo", email_channel_id=700, sms_channel_id=701, clock=stocked.clock
    )


@pytest.fixture
def pushed_plan(stocked, pushed, call):
    """A campaign that sends template 1 of channel 700 to everybody."""
    call(f"{HERE}AddChannelTemplates?ChannelID=700", WELCOME)

    def run(**changed):
        wanted = {"channel_account_id": pushed.id, "project_id": 0, "templates": (TemplateShare(1, 100),),
                  "control_percent": 0}  # fmt: skip
        return shops.frozen(stocked, **{**wanted, **changed})

    return run


def names(call, channel):
    return [
        (one["TemplateID"], one["TemplateName"])
        for one in call(f"{HERE}GetChannelTemplates?ChannelID={channel}").json()
    ]


def said(answer):
    return answer.status_code, answer.json() if answer.content else None


class TestTemplates:
    def test_pushed_read_renamed_deleted(self, call, pushed):
        answer = call(f"{HERE}AddChannelTemplates?channelId=700", WELCOME)
        assert (said(answer), answer.headers["Content-Length"]) == ((200, None), "0")
        assert names(call, 700) == [(1, "Welcome"), (2, "Bye")]
        assert names(call, 701) == []
        call(f"{HERE}AddChannelTemplates?ChannelID=700", [{"TemplateID": "2", "TemplateName": "Farewell"}])
        assert names(call, 700) == [(1, "Welcome"), (2, "Farewell")]
        assert [
            one["TemplateID"] for one in call(f"{HERE}GetChannelTemplates?ChannelID=700&TemplateID=2").json()
        ] == [2]
        assert said(call(f"{HERE}DeleteChannelTemplates", [{"ChannelID": 700, "TemplateID": 1}])) == (
            200,
            None,
        )
        assert names(call, 700) == [(2, "Farewell")]
        assert said(call(f"{HERE}DeleteChannelTemplates", [{"ChannelID": 700, "TemplateID": 1}])) == (
            200,
            None,
        )

    def test_one_number_on_two_channels(self, call, pushed):
        for channel in (700, 701):
            call(f"{HERE}AddChannelTemplates?ChannelID={channel}", WELCOME)
        call(f"{HERE}DeleteChannelTemplates", [{"ChannelID": 700, "TemplateID": 1}])
        assert (names(call, 700), names(call, 701)) == ([(2, "Bye")], [(1, "Welcome"), (2, "Bye")])

    @pytest.mark.parametrize(
        ("query", "body", "words"),
        [
            ("", WELCOME, "Missing ChannelID"),
            ("?ChannelID=x", WELCOME, "Invalid ChannelID"),
            ("?ChannelID=700", {"TemplateID": 1, "TemplateName": "Welcome"}, None),
            ("?ChannelID=700", [*WELCOME, {"TemplateID": "one", "TemplateName": "x"}], "Invalid TemplateID"),
            ("?ChannelID=700", [*WELCOME, {"TemplateID": 3, "TemplateName": " "}], "Missing TemplateName"),
            ("?ChannelID=700", [*WELCOME, {"TemplateID": 3}], "Missing TemplateName"),
            ("?ChannelID=700", [*WELCOME, {"TemplateID": 3, "TemplateName": "x" * 301}], None),
            (
                "?ChannelID=700",
                [{"TemplateID": n, "TemplateName": "x"} for n in range(101)],
                "More than 100 items",
            ),
        ],
    )
    def test_what_is_wrong_leaves_nothing(self, call, pushed, query, body, words):
        status, answer = said(call(f"{HERE}AddChannelTemplates{query}", body))
        assert status == 400
        assert words is None or answer == words
        assert names(call, 700) == []

    def test_an_unknown_channel_is_404(self, call, stocked):
        for path, body in (
            ("AddChannelTemplates?ChannelID=999", WELCOME), ("GetChannelTemplates?ChannelID=999", None),
            ("DeleteChannelTemplates", [{"ChannelID": 999, "TemplateID": 1}]),
            ("AddChannelApps?ChannelID=999", [{"AppID": 1, "AppName": "Bingo"}]),
            ("SetCustomerChannelPreference", {"ChannelID": 999, "CustomerIDs": ["c2"], "CommunicationMode": 2}),
        ):  # fmt: skip
            assert said(call(HERE + path, body)) == (404, "Not Found")

    def test_beside_what_is_read_from_a_messenger(self, call, stocked, shop):
        call(
            f"{HERE}AddChannelTemplates?ChannelID=504", [{"TemplateID": 11, "TemplateName": "Mine"}, *WELCOME]
        )
        assert names(call, 504) == [
            (1, "Welcome"), (2, "Bye"), (11, "Template 11"), (12, "Template 12"), (21, "Template 21"),
        ]  # fmt: skip
        call(f"{HERE}DeleteChannelTemplates", [{"ChannelID": 504, "TemplateID": 12}])
        assert (12, "Template 12") in names(call, 504)
        _keep_templates(shop.account.id, stocked.connection, (), stocked.clock.business())
        assert names(call, 504) == [(1, "Welcome"), (2, "Bye")]
        assert 0 in {one.id for one in channels.list_projects(shop.account.id, stocked.connection)}
        call(f"{HERE}DeleteChannelTemplates", [{"ChannelID": 504, "TemplateID": n} for n in (1, 2)])
        assert 0 not in {one.id for one in channels.list_projects(shop.account.id, stocked.connection)}
        call(f"{HERE}AddChannelTemplates?ChannelID=504", WELCOME)
        assert 0 in {one.id for one in channels.list_projects(shop.account.id, stocked.connection)}

    def test_details(self, call, pushed):
        call(f"{HERE}AddChannelTemplates?ChannelID=700", WELCOME)
        wanted = [
            {"TemplateID": 1, "TemplateName": "Welcome", "TemplateContent": "", "TemplateAttributes": []}
        ]
        for path in ("integrations/GetChannelTemplateDetails", "integrations/getchanneltemplatesdetails",
                     "transactionalmail/GetTemplateDetails"):  # fmt: skip
            assert call(f"/current/{path}?ChannelID=700&TemplateID=1").json() == wanted
            assert call(f"/current/{path}?ChannelID=700&TemplateID=9").json() == []
        as_whom = f"{HERE}GetChannelTemplateDetails?ChannelID=700&TemplateID=1&CustomerID="
        assert call(as_whom + "nobody").status_code == 404
        assert said(call(as_whom + "c2"))[0] == 400

    def test_apps(self, call, pushed, shop):
        call(
            f"{HERE}AddChannelApps?ChannelID=700",
            [{"AppID": 1, "AppName": "Bingo"}, {"AppID": "x", "AppName": "Y"}],
        )
        call(f"{HERE}AddChannelApps?ChannelID=700", [{"AppID": "1", "AppName": "Bingo club"}])
        assert [(a.channel_id, a.app_id, a.name) for a in channels.list_apps(shop.account.id)] == [
            (700, "1", "Bingo club"), (700, "x", "Y"),
        ]  # fmt: skip
        call(f"{HERE}DeleteChannelApps", [{"ChannelID": 700, "AppID": "x"}])
        assert [a.app_id for a in channels.list_apps(shop.account.id)] == ["1"]

    def test_another_accounts_channel_is_closed(self, call, pushed, stocked):
        other = accounts.create_account(name="Other", zone="Europe/Oslo", clock=stocked.clock)
        key = accounts.create_api_credential(other.id, clock=stocked.clock).api_key
        assert call(f"{HERE}AddChannelTemplates?ChannelID=700", WELCOME, key=key).status_code == 404
        assert call(f"{HERE}GetChannelTemplates?ChannelID=700", key=key).status_code == 404


class TestPushedChannel:
    def test_it_is_an_execution_channel(self, call, pushed):
        found = {
            one["ChannelID"]: one["ChannelName"]
            for one in call("/current/actions/GetExecutionChannels").json()
        }
        assert found == {504: "Symplify Email", 505: "Symplify SMS", 700: "Bingo Email", 701: "Bingo SMS"}

    @pytest.mark.parametrize(
        ("more", "error"),
        [({"name": " ", "email_channel_id": 7}, SettingsWrong), ({"name": "x"}, SettingsWrong),
         ({"name": "x", "sms_channel_id": 0}, SettingsWrong), ({"name": "x", "email_channel_id": 504}, ChannelTaken),
         ({"name": "Shop at Symplify", "email_channel_id": 7}, ChannelTaken),
         ({"name": "x", "email_channel_id": 7, "sms_channel_id": 7}, ChannelTaken)],
    )  # fmt: skip
    def test_what_is_wrong_is_refused(self, stocked, shop, more, error):
        with pytest.raises(error):
            channels.add_pushed_account(shop.account.id, **more, clock=stocked.clock)
        assert len(channels.list_accounts(shop.account.id)) == 1

    def test_nothing_is_asked_of_a_messenger(self, stocked, shop, pushed):
        for act in (
            lambda: channels.read_templates(shop.account.id, pushed.id, clock=stocked.clock),
            lambda: channels.refresh_consent(shop.account.id, pushed.id, clock=stocked.clock),
            lambda: channels.push_contacts(
                shop.account.id, pushed.id, [{"originalId": "c1"}], clock=stocked.clock
            ),
        ):
            with pytest.raises(NoMessenger):
                act()
        assert channels.get_account(shop.account.id, None).id == stocked.connection

    def test_a_campaign_goes_by_it_event_and_details_name_the_template(
        self, call, pushed_plan, shop, stocked
    ):
        view = pushed_plan()
        campaign = view.occurrence_id
        rows = call(
            f"/current/customers/GetCustomerExecutionDetailsByCampaign?CampaignID={campaign}&ChannelID=700"
        ).json()
        # no contact is unknown here; who opted out of email at the messenger stays out
        assert sorted(row["CustomerID"] for row in rows) == sorted(
            f"c{n}" for n in range(1, 21) if n % 10 != 1
        )
        assert {row["TemplateID"] for row in rows} == {1}
        assert {row["TemplateName"] for row in rows} == {"Welcome"}
        [details] = call(
            f"/current/actions/GetExecutedCampaignChannelDetails?CampaignID={campaign}&ChannelID=700"
        ).json()
        assert details["TemplateID"] == 1
        listeners.register(
            shop.account.id, event_type=13, channel_id=700, url="https://bingo.example/x", clock=stocked.clock
        )
        assert [one.channel_id for one in listeners.events_of(shop.account.id, campaign)] == [700]

    def test_a_template_taken_away_is_not_sent(self, call, pushed, pushed_plan, stocked, shop):
        shops_view = shops.scheduled(
            stocked, channel_account_id=pushed.id, project_id=0, templates=(TemplateShare(2, 100),)
        )
        call(f"{HERE}DeleteChannelTemplates", [{"ChannelID": 700, "TemplateID": 2}])
        stocked.clock.now = shops_view.lock_at
        execution.make_list(shop.account.id, shops_view.occurrence_id, clock=stocked.clock)
        found = campaigns.get_campaign(shop.account.id, shops_view.id)
        assert found.state == OccurrenceState.NOT_RUN
        assert "no longer an active template" in found.cause
        with pytest.raises(TemplatesRefused):
            shops.scheduled(
                stocked, channel_account_id=pushed.id, project_id=0, templates=(TemplateShare(2, 100),)
            )

    def test_a_kind_it_has_not_is_refused(self, call, stocked, shop):
        made = channels.add_pushed_account(
            shop.account.id, name="Push", email_channel_id=710, clock=stocked.clock
        )
        call(f"{HERE}AddChannelTemplates?ChannelID=710", WELCOME)
        TemplateCopy.objects.filter(channel_account_id=made.id).update(channel="mixed")
        with pytest.raises(PlanRefused, match="Push has no channel for SMS"):
            shops.scheduled(
                stocked,
                channel_account_id=made.id,
                project_id=0,
                templates=(TemplateShare(1, 100),),
                channel="sms",
            )


class TestPreferences:
    def prefer(self, call, mode, *people, channel=504, **more):
        body = {"ChannelID": channel, "CustomerIDs": list(people), "CommunicationMode": mode, **more}
        return call(f"{HERE}SetCustomerChannelPreference", body)

    def sent_to(self, shop, stocked, **plan):
        view = shops.frozen(stocked, control_percent=0, **plan)
        rows = ListRow.objects.filter(account_id=shop.account.id, occurrence_id=view.occurrence_id)
        names = customers.names_of(shop.account.id, rows.values_list("customer", flat=True))
        return {names[row.customer]: row.reason for row in rows}

    def test_the_list_leaves_them_out_for_no_consent(self, call, shop, stocked):
        assert said(self.prefer(call, 2, "c2", "c3", "nobody")) == (200, None)
        reasons = self.sent_to(shop, stocked)
        assert (reasons["c2"], reasons["c3"], reasons["c4"]) == ("no consent", "no consent", "")

    def test_the_stricter_wins(self, call, shop, stocked):
        self.prefer(call, 1, "c11", "c10", "c2")
        self.prefer(call, 2, "c3")
        self.prefer(call, 2, "c4")
        self.prefer(call, 1, "c4")
        reasons = self.sent_to(shop, stocked)
        assert reasons["c11"] == "no consent", "opted out at the messenger"
        assert (reasons["c10"], reasons["c2"], reasons["c3"], reasons["c4"]) == (
            "no contact",
            "",
            "no consent",
            "",
        )

    def test_of_one_app_is_enough(self, call, shop, stocked):
        self.prefer(call, 0, "c2", AppID="app1")
        self.prefer(call, 1, "c2", AppID="app2")
        assert self.sent_to(shop, stocked)["c2"] == "no consent"

    def test_of_that_channel_only(self, call, shop, stocked):
        self.prefer(call, 2, "c2", channel=505)
        assert self.sent_to(shop, stocked)["c2"] == ""
        again = self.sent_to(shop, stocked, channel="sms", templates=(TemplateShare(13, 100),), name="By SMS")
        assert (again["c2"], again["c4"]) == ("no consent", "")

    def test_reading_consent_again_does_not_lift_it(self, call, shop, stocked):
        self.prefer(call, 2, "c2")
        customers.refresh_consent(
            shop.account.id,
            stocked.connection,
            shops.consent(20),
            full=True,
            read_at=stocked.clock.business(),
        )
        assert self.sent_to(shop, stocked)["c2"] == "no consent"

    def test_on_a_channel_without_a_messenger(self, call, pushed_plan, shop, stocked):
        self.prefer(call, 2, "c2", channel=700)
        view = pushed_plan()
        rows = ListRow.objects.filter(account_id=shop.account.id, occurrence_id=view.occurrence_id, reason="")
        names = customers.names_of(shop.account.id, rows.values_list("customer", flat=True))
        assert {"c2", "c3", "c10"} & set(names.values()) == {"c3", "c10"}

    def test_fifty_thousand_at_once(self, call, shop, stocked):
        people = [f"customer-{n:036d}" for n in range(49_999)]
        assert self.prefer(call, 2, *people, "c2").status_code == 200
        assert said(self.prefer(call, 2, *people, "c2", "c3")) == (400, "More than 50000 CustomerIDs")
        surrogates = [customers.surrogate_of(shop.account.id, name) for name in ("c2", "c3")]
        assert [len(customers.preferences_of(shop.account.id, one)) for one in surrogates] == [1, 0]

    @pytest.mark.parametrize(
        "changed", [{"CustomerIDs": "c2"}, {"CustomerIDs": [{}]}, {"CommunicationMode": "never"}, {"ChannelID": None},
                    {"CommunicationMode": 10**12}, {"AppID": "x" * 101}],
    )  # fmt: skip
    def test_what_is_wrong_is_refused(self, call, shop, changed):
        body = {"ChannelID": 504, "CustomerIDs": ["c2"], "CommunicationMode": 2, **changed}
        assert call(f"{HERE}SetCustomerChannelPreference", body).status_code == 400
        assert customers.preferences_of(shop.account.id, customers.surrogate_of(shop.account.id, "c2")) == ()

    def test_a_forgotten_person_leaves_none(self, call, shop, stocked):
        self.prefer(call, 2, "c2")
        assert customers.export(shop.account.id, "c2")["preferences"][0]["mode"] == 2
        found = dict(customers.forget(shop.account.id, "c2", clock=stocked.clock).found)
        assert found["channel preferences"] == 1


class TestInteractions:
    @pytest.fixture
    def report(self, call, listed):
        def run(people, event=2, day="2026-07-01", **more):
            body = {
                "CampaignID": listed.occurrence_id, "ChannelID": 504, "InteractionDate": day, "TemplateID": 11,
                "EventID": event, "CustomerIDs": people, **more,
            }  # fmt: skip
            return call(f"{HERE}UpdateCampaignInteractions", body)

        return run

    def test_they_add_up(self, report, shop, listed):
        assert said(report(["c2", "c3", "nobody"])) == (200, None)
        report(["c2"], day="2026-07-02")
        report(["c2", "c2"], event=3)
        found = results.interactions_of(shop.account.id, listed.occurrence_id)
        assert [(one.event_id, one.customers, one.times) for one in found] == [(2, 2, 3), (3, 1, 2)]
        assert results.metrics_of(shop.account.id, listed.occurrence_id) == ()

    def test_the_same_key_counts_once(self, call, shop, listed):
        key = {"X-API-KEY": shop.full.api_key, "Idempotency-Key": "unsubscribed 7"}
        body = {
            "CampaignID": listed.occurrence_id, "ChannelID": 504, "InteractionDate": "2026-07-01", "TemplateID": 11,
            "EventID": 4, "CustomerIDs": ["c2"],
        }  # fmt: skip
        path = f"{HERE}UpdateCampaignInteractions"
        assert call(path, body | {"ChannelID": 7}, headers=key).status_code == 404
        answers = [call(path, body, headers=key) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[1].headers["Tandem-Idempotency-Key"] == "1"
        [found] = results.interactions_of(shop.account.id, listed.occurrence_id)
        assert (found.customers, found.times) == (1, 1)

    def test_of_one_customer(self, report, call, listed):
        report(["c2"], RecipientGroupID=2)
        report(["c2"], day="2026-07-03", event=3)
        path = "/current/customers/GetCustomerChannelInteractions?CustomerID=c2&StartDate=2026-07-01&EndDate="
        row = {
            "Date": "2026-07-01", "CampaignID": listed.occurrence_id, "RecipientGroupID": 2,
            "ActionID": listed.action_id, "ChannelID": 504, "TemplateID": 11, "EventID": 2,
        }  # fmt: skip
        later = row | {"Date": "2026-07-03", "RecipientGroupID": 1, "EventID": 3}
        assert call(path + "2026-07-02").json() == [row]
        assert call(path + "2026-07-03").json() == [row, later]
        assert call(path + "2026-07-03&ChannelID=0&$skip=1").json() == [later]
        assert call(path + "2026-07-03&ChannelID=505").json() == []
        assert call(path.replace("=c2", "=nobody") + "2026-07-03").status_code == 404

    def test_of_one_day(self, report, call, listed):
        report(["c2", "c3"])
        path = "/current/customers/GetCampaignInteractionCustomers?ChannelID=504&EventID=2&Date="
        rows = call(path + "2026-07-01").json()
        assert [row["CustomerID"] for row in rows] == ["c2", "c3"]
        assert rows[0] == {"CustomerID": "c2", "CampaignID": listed.occurrence_id, "TemplateID": 11}
        assert call(path + "2026-07-02").json() == []

    @pytest.mark.parametrize(
        "changed", [{"InteractionDate": None}, {"InteractionDate": "1 July"}, {"CustomerIDs": None},
                    {"EventID": None}, {"CustomerIDs": ["c2"] * 10_001}],
    )  # fmt: skip
    def test_what_is_wrong_is_refused(self, report, shop, listed, changed):
        assert report(["c2"], **changed).status_code == 400
        assert results.interactions_of(shop.account.id, listed.occurrence_id) == ()

    def test_an_unknown_campaign_or_channel_is_404(self, report):
        assert report(["c2"], CampaignID=4711).status_code == 404
        assert report(["c2"], ChannelID=505).status_code == 404

    def test_a_forgotten_person_leaves_none(self, report, shop, stocked, listed):
        report(["c2", "c3"])
        customers.forget(shop.account.id, "c2", clock=stocked.clock)
        [found] = results.interactions_of(shop.account.id, listed.occurrence_id)
        assert (found.customers, found.times) == (1, 1)


def test_a_key_may_be_held_to_every_function():
    groups = accounts.function_groups()
    named = {f"{group}/{name}".lower() for group, found in groups.items() for name in found}
    built = {f"{one.group}/{one.name}".lower() for one in FUNCTIONS if one.answer and not one.of_the_key}
    assert built <= named
