from dataclasses import replace
from datetime import datetime

import pytest
from tests.fixtures.joined import EMAIL, ENVIRONMENT, EXPORT, JOB, NOON, SMS, TEMPLATES, shown, turn

from tandem.bridge import listen
from tandem.bridge.config_file import load
from tandem.contract.events import CampaignEvent, EventType, build


def announced(bridge, campaign, channel=EMAIL, event=EventType.CHANNEL_EXECUTED):
    body = build(CampaignEvent(event_type=event, timestamp="", campaign_id=campaign, channel_id=channel))
    return listen.receive(bridge.pairs["shop"], body)


class TestHandingOver:
    @pytest.mark.parametrize("channel", [EMAIL, SMS])
    def test_a_campaign_is_handed_over_by_a_job(self, house, channel):
        bridge = house.bridge()
        campaign = house.execute(channel, customers=100, promo="WB23")
        assert announced(bridge, campaign, channel) == (200, "Accepted.")
        turn(house, bridge)
        found = shown(bridge, campaign)
        assert found["state"] == "handed over"
        counts = found["parts"][0]["customers"]
        assert sum(counts.values()) == found["customers"] == 90
        assert counts["sent"] == len(house.copies()) > 60
        assert set(house.copies().values()) == {1}
        assert {template for template, _ in house.copies()} == {TEMPLATES[channel]}
        assert house.half.world.messages[0]["fields"]["promoCode"] == "WB23"

    def test_who_left_or_is_not_there_is_not_in_the_job(self, house):
        for number, change in (
            (1, {"unsubscribed": True}),
            (2, {"emailAddress": ""}),
            (3, {"active": False}),
        ):
            house.half.world.change(str(100_000 + number), change)
        house.half.world.contacts = 60
        bridge = house.bridge()
        campaign = house.execute(customers=100)
        turn(house, bridge)
        counts = shown(bridge, campaign)["parts"][0]["customers"]
        assert counts["missing"] == 36  # of 90: those numbered 61 and more, the control group left out
        contacts = {contact for _, contact in house.copies()}
        assert not contacts & {"100001", "100002", "100003"}
        assert all(house.half.world.contact(one) for one in contacts)
        assert house.half.world.count() == 60  # nobody was added to the list

    def test_a_long_list_is_looked_up_by_reading_the_contacts(self, house):
        house.half.world.contacts = 3000
        house.world.customers = 3000
        bridge = house.bridge()
        campaign = house.execute(customers=2000)
        turn(house, bridge)
        assert shown(bridge, campaign)["state"] == "handed over"
        assert house.calls("/contacts/all") == 4
        assert len(house.copies()) == shown(bridge, campaign)["parts"][0]["customers"]["sent"] > 1500

    @pytest.mark.parametrize(
        ("lacks", "customers", "pages", "singly"),
        [
            ("GET /lists/{listId}/contacts/all", 90, 1, True),
            ("GET /lists/{listId}/contacts/{originalId}", 40, 2, True),
            ("GET /lists/{listId}", 90, 2, False),
            ("GET /lists/{listId}", 40, 0, True),
        ],
    )
    def test_a_server_that_tells_of_contacts_in_one_way_only_is_asked_in_that_way(
        self, house, lacks, customers, pages, singly
    ):
        house.half.world.contacts = 60
        house.world.customers = 100
        house.without(lacks)
        bridge = house.bridge()
        campaign = house.execute(customers=customers)
        turn(house, bridge)
        (part,) = shown(bridge, campaign)["parts"]
        assert part["state"] == "handed over"
        assert len(house.copies()) == part["customers"]["sent"] > 20
        assert house.half.world.count() == 60
        assert house.calls("/contacts/all") == pages
        assert any("/contacts/1000" in one["path"] for one in house.messenger.simulator.log) is singly

    def test_a_list_that_cannot_be_read_now_is_read_again_before_anybody_is_called_missing(self, house):
        house.world.customers = 100
        house.fault("500", "/contacts/all")
        bridge = house.bridge()
        campaign = house.execute(customers=90)
        turn(house, bridge)
        assert shown(bridge, campaign)["parts"][0]["state"] == "waiting"
        turn(house, bridge, seconds=10)
        (part,) = shown(bridge, campaign)["parts"]
        assert (part["state"], set(part["customers"])) == (
            "handed over",
            {"sent", "no address", "unsubscribed"},
        )

    def test_a_list_is_uploaded_when_it_is_time_and_not_before(self, house):
        bridge = house.bridge(zone="Europe/Stockholm")
        house.world.zone = "Europe/Stockholm"
        campaign = house.execute(lead_seconds=600)
        turn(house, bridge)
        assert shown(bridge, campaign)["state"] == "created"
        assert house.half.world.jobs and not house.half.world.messages
        turn(house, bridge, seconds=300)
        assert not house.half.world.messages
        turn(house, bridge, seconds=300)
        assert shown(bridge, campaign)["state"] == "handed over"
        assert next(iter(house.half.world.jobs.values()))["deliveryTime"] == "2027-03-01T12:10:00+0100"

    def test_a_messenger_that_waits_is_given_the_list_at_once(self, house):
        bridge = house.bridge(messenger_more="job_waits = true")
        campaign = house.execute(lead_seconds=600)
        turn(house, bridge)
        assert shown(bridge, campaign)["state"] == "handed over"

    @pytest.mark.parametrize(
        ("day", "text"),
        [((2027, 3, 28), "2027-03-28T03:00:00+0200"), ((2027, 10, 31), "2027-10-31T03:00:00+0100")],
    )
    @pytest.mark.parametrize("way", ["jobs = true", "jobs = false"])
    def test_the_offset_is_that_of_the_send_time(self, house, day, text, way):
        """It is 01:45 or 02:45 in Stockholm when the campaign is executed; before it is sent the clocks change."""
        year, month, number = day
        house.clock.now = NOON.replace(year=year, month=month, day=number, hour=0, minute=45)
        house.world.zone = "Europe/Stockholm"
        bridge = house.bridge(zone="Europe/Stockholm", messenger_more=way)
        campaign = house.execute()
        at = datetime.fromisoformat(text).replace(tzinfo=None)
        house.world.campaigns[campaign] = replace(house.world.campaigns[campaign], at=at)
        turn(house, bridge)
        part = shown(bridge, campaign)["parts"][0]
        assert part["delivery_time"] == text
        made = list(house.half.world.jobs.values()) + house.half.world.messages
        assert {one["deliveryTime"] for one in made} == {text}

    def test_attributes_and_codes_go_with_every_message(self, house):
        more = '[pair.attributes]\nCountry = "country"\nAge = "age"'
        bridge = house.bridge(more=more)
        campaign = house.execute(promo="WB23,NV10")
        turn(house, bridge)
        assert shown(bridge, campaign)["state"] == "handed over"
        for one in house.half.world.messages:
            assert one["fields"]["promoCode"] == "WB23,NV10"
            assert one["fields"]["country"] == house.world.attribute(str(int(one["originalId"])), "Country")
            assert one["fields"]["age"] == house.world.attribute(one["originalId"], "Age")

    def test_a_planner_of_an_older_version_is_read_by_its_profile(self, house):
        """v3.0 joins attributes in one text and does not tell how long a list is."""
        path = house.write(more='[pair.attributes]\nCountry = "country"\nAge = "age"')
        (house.folder / "planner.toml").write_text('version = "v3.0"\n[paging]\nsize = 20\n')
        path.write_text(
            path.read_text().replace("[pair.planner]", '[pair.planner]\nprofile = "planner.toml"')
        )
        bridge = house.started(load(path, ENVIRONMENT))
        campaign = house.execute(customers=50)
        house.planner.simulator.half.control("expire", {})
        turn(house, bridge)
        assert shown(bridge, campaign)["state"] == "handed over"
        one = house.half.world.messages[0]
        assert one["fields"]["age"] == house.world.attribute(one["originalId"], "Age")
        assert set(house.copies().values()) == {1}

    def test_events_twice_polls_and_another_start_change_nothing(self, house):
        bridge = house.bridge()
        campaign = house.execute()
        for _ in range(3):
            announced(bridge, campaign)
            turn(house, bridge)
        again = house.started(bridge.config)
        announced(again, campaign)
        turn(house, again)
        assert set(house.copies().values()) == {1}
        assert len(house.half.world.jobs) == 1

    def test_what_was_executed_before_the_pair_began_is_not_taken_until_a_person_says_so(self, house):
        from tandem.bridge.operate import resolve

        campaign = house.execute()
        bridge = house.bridge()
        turn(house, bridge)
        assert not house.half.world.messages
        resolve(
            bridge.state,
            bridge.config.pairs[0],
            campaign,
            channel=None,
            template=None,
            sent=False,
            by="ann",
            now=0,
        )
        turn(house, bridge)
        assert shown(bridge, campaign)["state"] == "handed over"
        assert house.half.world.messages


class TestSingleMessages:
    @pytest.fixture(autouse=True)
    def no_jobs(self, house):
        house.without(JOB)

    @pytest.mark.parametrize("channel", [EMAIL, SMS])
    def test_without_jobs_each_contact_gets_a_scheduled_message(self, house, channel):
        bridge = house.bridge()
        campaign = house.execute(channel, customers=100, lead_seconds=900, promo="WB23")
        turn(house, bridge)
        found = shown(bridge, campaign)
        assert (found["state"], found["parts"][0]["way"]) == ("handed over", "messages")
        assert set(house.copies().values()) == {1}
        one = house.half.world.messages[0]
        assert one["deliveryTime"] == "2027-03-01T11:15:00+0000"
        assert one["properties"] == {"promoCode": "WB23"}
        assert one["customerId"] == 5004

    def test_an_answer_that_is_not_heard_makes_one_uncertain_and_the_rest_go_on(self, house):
        bridge = house.bridge()
        campaign = house.execute(customers=100)
        house.fault("truncated", "/messages")
        turn(house, bridge)
        turn(house, bridge, seconds=10)
        found = shown(bridge, campaign)
        assert found["state"] == "uncertain"
        assert found["parts"][0]["customers"]["uncertain"] == 1
        assert set(house.copies().values()) == {1}
        reached = found["parts"][0]["customers"]
        assert len(house.copies()) == reached["sent"] + reached["uncertain"]

    def test_a_wrong_token_costs_nobody_their_message(self, house):
        bridge = house.bridge()
        campaign = house.execute(customers=60)
        bridge.pairs["shop"].messenger._headers["X-Carma-Authentication-Token"] = "old"
        turn(house, bridge)
        assert not house.half.world.messages
        bridge.pairs["shop"].messenger._headers["X-Carma-Authentication-Token"] = "simulator"
        turn(house, bridge, minutes=6)
        turn(house, bridge, minutes=6)
        assert shown(bridge, campaign)["state"] == "handed over"


class TestRefusals:
    def test_a_campaign_of_two_projects_is_refused_in_words(self, house, monkeypatch):
        two_templates(house, monkeypatch, projects={11: 77, 13: 78})
        bridge = house.bridge()
        campaign = house.execute()
        turn(house, bridge)
        found = shown(bridge, campaign)
        assert found["state"] == "refused"
        assert "more than one project (11 in project 77, 13 in project 78)" in found["problem"]
        assert not house.half.world.jobs and not house.half.world.messages

    def test_two_templates_of_one_project_are_two_jobs_each_on_its_list(self, house, monkeypatch):
        two_templates(house, monkeypatch, projects={11: 77, 13: 77})
        bridge = house.bridge()
        campaign = house.execute(customers=40)
        turn(house, bridge)
        found = shown(bridge, campaign)
        assert [part["template"] for part in found["parts"]] == [11, 13]
        assert len(house.half.world.jobs) == 2
        assert found["state"] == "handed over"
        contacts = [contact for _, contact in house.copies()]
        assert len(contacts) == len(set(contacts))

    def test_each_template_has_a_list_of_its_own_and_who_is_not_on_it_is_said(self, house, monkeypatch):
        two_templates(house, monkeypatch, projects={11: 77, 13: 77})
        told = house.half.world.trigger
        house.half.world.trigger = lambda number, **more: (
            told(number, **more) | ({"listId": 99} if number == 13 else {})
        )
        bridge = house.bridge()
        campaign = house.execute(customers=40)
        turn(house, bridge)
        first, second = shown(bridge, campaign)["parts"]
        assert (first["state"], first["list_id"]) == ("handed over", 14_242)
        assert (second["state"], second["list_id"]) == ("nobody", 99)
        assert second["customers"] == {"missing": 18}
        assert {template for template, _ in house.copies()} == {11}
        turn(house, bridge, hours=25)
        told = {
            key[2]: value for key, value in house.world.metrics.items() if key[1] == campaign and key[3] == 5
        }
        assert told[13] == 18  # the planner's numbers add up

    def test_a_template_of_another_channel_or_of_none_is_refused(self, house):
        bridge = house.bridge()
        other, unknown = house.execute(template=12), house.execute(template=999)
        turn(house, bridge)
        assert "Template 12 is not for email" in shown(bridge, other)["problem"]
        assert "no template 999" in shown(bridge, unknown)["problem"]
        assert not house.half.world.jobs

    def test_a_template_that_is_not_active_is_waited_for(self, house):
        bridge = house.bridge()
        campaign = house.execute(template=14)
        turn(house, bridge)
        found = shown(bridge, campaign)
        assert found["state"] == "heard"
        assert "Template 14 is not active" in found["problem"]

    def test_a_list_that_is_late_is_not_handed_over(self, house):
        bridge = house.bridge()
        house.fault("500", "GetCampaignDetails", -1, planner=True)
        campaign = house.execute()
        turn(house, bridge)
        house.planner.simulator.faults.clear()
        turn(house, bridge, minutes=61)
        assert shown(bridge, campaign)["state"] == "missed"
        assert not house.half.world.jobs

    def test_a_list_of_the_wrong_length_is_read_again(self, house, monkeypatch):
        from tandem.simulators import planner_answers

        name = "customers/getcustomerexecutiondetailsbycampaign"
        whole = planner_answers.READS[name]
        bridge = house.bridge()
        campaign = house.execute(customers=100)
        monkeypatch.setitem(planner_answers.READS, name, lambda ask: list(whole(ask))[:89])
        turn(house, bridge)
        assert "89 customers instead of 90" in shown(bridge, campaign)["problem"]
        assert not bridge.state.rows("SELECT 1 FROM parts")
        monkeypatch.setitem(planner_answers.READS, name, whole)
        turn(house, bridge, seconds=30)
        assert shown(bridge, campaign)["state"] == "handed over"
        assert set(house.copies().values()) == {1}

    def test_a_customer_who_is_listed_twice_stops_the_list(self, house, monkeypatch):
        from tandem.simulators import planner_answers

        name = "customers/getcustomerexecutiondetailsbycampaign"
        whole = planner_answers.READS[name]
        monkeypatch.setitem(planner_answers.READS, name, lambda ask: [*list(whole(ask))[:-1], whole(ask)[0]])
        bridge = house.bridge()
        campaign = house.execute(customers=100)
        turn(house, bridge)
        assert "twice" in shown(bridge, campaign)["problem"]
        assert not house.half.world.jobs

    def test_a_cancelled_campaign_is_not_handed_over(self, house):
        bridge = house.bridge()
        campaign = house.execute(lead_seconds=600)
        turn(house, bridge)
        house.planner.simulator.half.control("cancel", {"campaign": campaign})
        assert announced(bridge, campaign, event=EventType.CAMPAIGN_CANCELLED) == (200, "Accepted.")
        turn(house, bridge, seconds=700)
        assert shown(bridge, campaign)["state"] == "cancelled"
        assert not house.half.world.messages

    def test_a_cancellation_nobody_told_of_is_found_by_asking(self, house):
        bridge = house.bridge()
        campaign = house.execute(lead_seconds=600)
        turn(house, bridge)
        house.world.cancelled[campaign] = house.world.now()
        turn(house, bridge, seconds=700)
        assert shown(bridge, campaign)["state"] == "cancelled"

    def test_a_planner_that_does_not_say_who_is_out_has_it_held_until_a_person_lets_it_go(self, house):
        from tandem.bridge.operate import resolve

        bridge = house.bridge()
        campaign = house.execute(lead_seconds=600)
        turn(house, bridge)
        house.fault("html", "GetCanceledCampaignCustomers", -1, planner=True)
        announced(bridge, campaign, event=EventType.CAMPAIGN_CANCELLED)
        turn(house, bridge, seconds=700)
        assert shown(bridge, campaign)["state"] == "created"
        assert not house.half.world.messages
        pair = bridge.config.pairs[0]
        resolve(bridge.state, pair, campaign, channel=None, template=None, sent=False, by="ann", now=0)
        turn(house, bridge)
        assert shown(bridge, campaign)["state"] == "handed over"

    def test_a_foreign_channel_and_nonsense_are_answered(self, house):
        bridge = house.bridge()
        status, words = announced(bridge, 999, channel=7)
        assert (status, words) == (200, "Channel 7 is not of this account. Nothing is sent.")
        assert listen.receive(bridge.pairs["shop"], b"[]")[0] == 400


class TestNumbers:
    def interact(self, house, campaign):
        contacts = [contact for _, contact in house.copies()]
        for kind, some in (
            ("OPENS", contacts[:7]),
            ("CLICKS", contacts[:3]),
            ("HARD_BOUNCES", contacts[-2:]),
        ):
            for contact in some:
                house.half.world.happen(kind, 11, contact)
        house.half.world.happen("OPENS", 11, contacts[0])  # again: unique contacts count
        house.half.world.happen("OPTOUTS", 11, contacts[1])
        return len(contacts)

    @pytest.mark.parametrize("exports", [True, False])
    def test_the_planner_is_told_the_messengers_numbers_once(self, house, exports):
        house.without(*(() if exports else (EXPORT,)))
        bridge = house.bridge()
        campaign = house.execute(customers=50)
        turn(house, bridge)
        sent = self.interact(house, campaign)
        turn(house, bridge)
        assert not house.metrics(campaign)  # it has not settled
        for _ in range(3):
            turn(house, bridge, hours=25)
        found = house.metrics(campaign)
        counts = shown(bridge, campaign)["parts"][0]["customers"]
        assert counts.pop("sent") == sent
        assert found == {0: sent, 1: sent - 2, 2: 7, 3: 3, 4: 1, 5: sum(counts.values()), 9: 2}
        assert not bridge.state.rows("SELECT 1 FROM customers")  # told for good: nobody's id is kept

    @pytest.mark.parametrize("exports", [True, False])
    def test_two_campaigns_of_one_template_are_told_apart(self, house, exports):
        house.without(*(() if exports else (EXPORT,)))
        bridge = house.bridge()
        first = house.execute(customers=50)
        turn(house, bridge)
        sent = self.interact(house, first)
        second = house.execute(customers=20)
        turn(house, bridge, hours=1)
        later = len(house.half.world.messages) - sent
        turn(house, bridge, hours=30)
        assert house.metrics(first)[0] == sent
        assert house.metrics(first)[2] == 7
        assert house.metrics(second)[0] == later
        assert house.metrics(second).get(2, 0) == 0

    def test_several_reports_tell_what_was_added(self, house):
        bridge = house.bridge(report_hours="[1, 24]")
        campaign = house.execute(customers=50)
        turn(house, bridge)
        turn(house, bridge, minutes=61)
        assert 2 not in house.metrics(campaign)
        left_out = house.metrics(campaign)[5]
        sent = self.interact(house, campaign)
        turn(house, bridge, hours=24)
        assert house.metrics(campaign) == {0: sent, 1: sent, 2: 7, 3: 3, 4: 1, 5: left_out, 9: 2}

    def test_an_answer_that_is_not_heard_is_not_told_again(self, house):
        bridge = house.bridge()
        campaign = house.execute(customers=50)
        turn(house, bridge)
        house.fault("hangup", "UpdateCampaignMetrics", 1, planner=True)
        for _ in range(4):
            turn(house, bridge, hours=25)
        log = [one for one in house.planner.simulator.log if one["path"].endswith("UpdateCampaignMetrics")]
        assert len(log) == 1
        assert {one["state"] for one in shown(bridge, campaign)["metrics"]} == {"uncertain"}
        assert not house.metrics(campaign)

    def test_a_planner_where_a_key_counts_once_is_told_again(self, house, monkeypatch):
        bridge = house.bridge()
        campaign = house.execute(customers=50)
        turn(house, bridge)
        keys = []
        planner = bridge.pairs["shop"].planner
        planner.counts_once = True
        told = planner.update_campaign_metrics
        monkeypatch.setattr(
            planner, "update_campaign_metrics", lambda rows, key: (keys.append(key), told(rows, key))
        )
        house.fault("hangup", "UpdateCampaignMetrics", 1, planner=True)
        turn(house, bridge, hours=25)
        turn(house, bridge, hours=1)
        assert len(keys) == 2 and keys[0] == keys[1] != ""
        assert {one["state"] for one in shown(bridge, campaign)["metrics"]} == {"told"}
        assert house.metrics(campaign)[0] == len(house.half.world.messages)


class TestCatalogue:
    def test_templates_are_kept_in_step(self, house, monkeypatch):
        from tandem.simulators import messenger_world

        bridge = house.bridge(more="catalogue = true\ncatalogue_minutes = 1")
        assert house.world.templates[EMAIL] == {11: "Welcome", 13: "Spring offers"}
        assert house.world.templates[SMS] == {12: "Welcome by SMS"}
        assert house.world.apps == {(EMAIL, "77"): "Letters", (SMS, "77"): "Letters"}
        written = len(house.world.written)
        turn(house, bridge, minutes=2)
        assert len(house.world.written) == written  # nothing changed, nothing is said
        house.world.templates[EMAIL][99] = "Somebody else's"
        changed = {11: ("Welcome back", 1, 336_858), 12: messenger_world.TRIGGERS[12]}
        changed |= {number: (f"Letter {number}", 1, number) for number in range(1000, 1250)}
        for name in ("messenger_world", "messenger_sends", "messenger_templates"):
            monkeypatch.setattr(f"tandem.simulators.{name}.TRIGGERS", changed)
        turn(house, bridge, minutes=2)
        assert len(house.world.templates[EMAIL]) == 252
        assert house.world.templates[EMAIL][11] == "Welcome back"
        assert 13 not in house.world.templates[EMAIL]
        assert house.world.templates[EMAIL][99] == "Somebody else's"
        sizes = [len(one["body"]) for one in house.world.written[written:]]
        assert max(sizes) == 100

    def test_a_messenger_without_templates_empties_nothing(self, house, monkeypatch):
        bridge = house.bridge(more="catalogue = true\ncatalogue_minutes = 1")
        for name in ("messenger_world", "messenger_templates"):
            monkeypatch.setattr(f"tandem.simulators.{name}.TRIGGERS", {})
        turn(house, bridge, minutes=2)
        assert house.world.templates[EMAIL] == {11: "Welcome", 13: "Spring offers"}

    def test_off_unless_asked_for(self, house):
        house.bridge()
        assert house.world.templates[EMAIL] == {11: "Welcome"}


def two_templates(house, monkeypatch, projects):
    """Every second customer of a campaign gets template 13; each template is of a project of its own telling."""
    from tandem.simulators import planner_answers
    from tandem.simulators.planner_world import Rows

    whole = planner_answers.READS["customers/getcustomerexecutiondetailsbycampaign"]

    def half(ask):
        rows = whole(ask)
        return Rows(len(rows), lambda place: rows[place] | {"TemplateID": (11, 13)[place % 2]})

    monkeypatch.setitem(planner_answers.READS, "customers/getcustomerexecutiondetailsbycampaign", half)
    told = house.half.world.trigger
    house.half.world.trigger = lambda number, **more: told(number, **more) | {"projectId": projects[number]}
