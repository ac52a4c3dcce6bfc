from datetime import timedelta
from decimal import Decimal

import orjson
import pytest

from tandem.contract.events import parse_any
from tandem.planner.customers import service as customers
from tandem.planner.customers.errors import UnknownCustomer
from tandem.planner.listeners.models import Event, EventOutbox
from tandem.planner.listeners.service.bodies import body_of
from tandem.planner.realtime import service
from tandem.planner.realtime.domain import Incoming, is_control
from tandem.planner.realtime.errors import EventDiffers, EventRefused, NoSuchRealTimeCampaign, RealTimeRefused
from tandem.planner.realtime.models import IncomingEvent, RealTimeCampaign, TriggeredCustomer
from tandem.planner.targeting import service as targeting

pytestmark = pytest.mark.django_db


class TestPlan:
    def test_is_paused_until_started(self, house):
        service.save_campaign(house.id, house.plan(), clock=house.shop.clock)
        assert house.outcomes() == []

    @pytest.mark.parametrize(
        ("changed", "field"),
        [
            ({"name": " "}, "name"), ({"event_name": ""}, "event_name"), ({"cap_hours": -1}, "cap_hours"),
            ({"control_percent": Decimal(100)}, "control_percent"), ({"late_minutes": 0}, "late_minutes"),
            ({"template_id": 999}, "template_id"), ({"template_id": 21}, "template_id"),
            ({"template_id": 13}, "template_id"), ({"channel": "fax"}, "channel"),
            ({"promo_code": "NOPE"}, "promo_code"),
        ],
    )  # fmt: skip
    def test_a_breach_is_refused_and_writes_nothing(self, house, changed, field):
        with pytest.raises(RealTimeRefused) as refused:
            service.save_campaign(house.id, house.plan(**changed), clock=house.shop.clock)
        assert refused.value.field == field
        assert not RealTimeCampaign.objects.filter(account_id=house.id).exists()

    def test_a_name_is_used_once(self, house):
        house.campaign()
        with pytest.raises(RealTimeRefused, match="another name"):
            house.campaign(name="THANK you")

    def test_another_accounts_campaign_is_not_there(self, house):
        made = house.campaign()
        with pytest.raises(NoSuchRealTimeCampaign):
            service.get_campaign(house.id + 1, made.id)
        with pytest.raises(NoSuchRealTimeCampaign):
            service.set_active(house.id + 1, made.id, False, clock=house.shop.clock)


class TestTrigger:
    def test_tells_the_listener_in_the_vendors_words(self, house):
        made = house.campaign()
        assert house.outcomes() == ["told"]
        row = EventOutbox.objects.select_related("event", "registration").get(account_id=house.id)
        told = parse_any(body_of(row.event, "Europe/Stockholm"))
        triggered = TriggeredCustomer.objects.get(account_id=house.id)
        assert (told.campaign_id, told.channel_id, told.template_id) == (made.key, 504, 11)
        assert (told.customer_id, told.event_id) == ("c2", str(triggered.key))
        assert "promoCode" in orjson.loads(body_of(row.event, "UTC"))
        assert row.event.deadline == house.shop.clock.business() + timedelta(minutes=15)

    def test_the_same_event_twice_triggers_once(self, house):
        house.campaign(cap_hours=0)
        first, again = house.event(), house.event()
        assert (first.repeated, again.repeated) == (False, True)
        assert first.triggered == again.triggered
        assert EventOutbox.objects.filter(account_id=house.id).count() == 1

    def test_an_id_with_other_content_is_refused(self, house):
        house.campaign(cap_hours=0)
        house.event()
        with pytest.raises(EventDiffers):
            house.event(properties={"amount": 5000})

    @pytest.mark.parametrize(
        "changed", [{"name": "visit"}, {"properties": {"amount": 99}}, {"properties": {}}]
    )
    def test_what_does_not_match_triggers_nobody(self, house, changed):
        house.campaign()
        assert house.outcomes(**changed) == []
        assert IncomingEvent.objects.filter(account_id=house.id).count() == 1

    def test_event_names_are_compared_without_case(self, house):
        house.campaign()
        assert house.outcomes(name="Purchase") == ["told"]

    def test_a_paused_campaign_triggers_nobody(self, house):
        made = house.campaign()
        service.set_active(house.id, made.id, False, clock=house.shop.clock)
        assert house.outcomes() == []

    def test_who_a_program_says_may_not_be_told_is_not(self, house):
        house.campaign()
        customers.set_preferences(
            house.id, house.shop.connection, "email", ["c2"], mode=2, clock=house.shop.clock
        )
        assert house.outcomes(customer="c2") == ["no consent"]

    @pytest.mark.parametrize(("customer", "outcome"), [("c10", "no contact"), ("c11", "no consent")])
    def test_who_may_not_be_written_to_is_said(self, house, customer, outcome):
        house.campaign()
        assert house.outcomes(customer=customer) == [outcome]
        assert not EventOutbox.objects.filter(account_id=house.id).exists()

    def test_at_most_once_in_the_hours_of_the_cap(self, house):
        house.campaign(cap_hours=2)
        assert house.outcomes(1) == ["told"]
        house.shop.clock.move(minutes=119)
        assert house.outcomes(2) == ["frequency cap"]
        assert house.outcomes(3, customer="c3") == ["told"]
        house.shop.clock.move(minutes=2)
        assert house.outcomes(4) == ["told"]

    def test_the_control_group_is_drawn_by_customer_and_gets_nothing(self, house):
        made = house.campaign(control_percent=Decimal(50), cap_hours=0)
        rows = {name: customers.surrogate_of(house.id, name) for name in ("c2", "c3", "c4", "c5", "c6", "c7")}
        for number, (name, surrogate) in enumerate(rows.items()):
            expected = "control group" if is_control(made.key, surrogate, Decimal(50)) else "told"
            assert house.outcomes(number, customer=name) == [expected]
            assert house.outcomes(number + 100, customer=name) == [expected]
        told = TriggeredCustomer.objects.filter(account_id=house.id, outcome="told").count()
        assert EventOutbox.objects.filter(account_id=house.id).count() == told

    def test_a_group_is_asked_of_the_snapshot(self, stocked):
        house, clock = stocked, stocked.shop.clock
        rich = targeting.save_group(house.id, name="Rich", text="total_spent is at least 40", clock=clock)
        house.campaign(group_id=rich.id)
        assert house.outcomes(1, customer="c2") == []
        assert house.outcomes(2, customer="c39") == ["told"]

    def test_an_old_event_is_late(self, house):
        house.campaign()
        before = house.shop.clock.business() - timedelta(minutes=16)
        assert house.outcomes(at=before) == ["late"]
        assert house.outcomes(2, at=before + timedelta(minutes=2)) == ["told"]

    def test_without_a_listener_it_is_said(self, house):
        house.campaign(channel="sms", template_id=13)
        assert house.outcomes(customer="c2") == ["no listener"]

    def test_one_event_may_trigger_several_campaigns(self, house):
        house.campaign()
        house.campaign(name="Second", conditions=())
        assert house.outcomes() == ["told", "told"]


class TestIntake:
    @pytest.mark.parametrize(
        ("changed", "field"),
        [
            ({"event_id": ""}, "event_id"), ({"event_id": "x" * 101}, "event_id"), ({"name": " "}, "event"),
            ({"customer_id": "a\x00"}, "customer_id"), ({"properties": {"a": "x" * 3000}}, "properties"),
            ({"properties": {str(n): n for n in range(200)}}, "properties"),
            ({"properties": {"a": {"b": {"c": {"d": {"e": {}}}}}}}, "properties"),
            ({"properties": {"a": 2**70}}, "properties"), ({"properties": {"a": "\ud800"}}, "properties"),
            ({"properties": {"a": ["x" * 1900] * 50}}, "properties"),
        ],
    )  # fmt: skip
    def test_limits_are_refused_by_name(self, house, changed, field):
        with pytest.raises(EventRefused) as refused:
            house.event(**changed)
        assert refused.value.field == field
        assert not IncomingEvent.objects.filter(account_id=house.id).exists()

    def test_the_future_is_refused(self, house):
        with pytest.raises(EventRefused, match="future"):
            house.event(at=house.shop.clock.business() + timedelta(minutes=6))

    def test_an_unknown_customer_is_said_and_nothing_kept(self, house):
        with pytest.raises(UnknownCustomer):
            house.event(customer="nobody")
        assert not IncomingEvent.objects.filter(account_id=house.id).exists()

    def test_old_events_go_after_90_days(self, house):
        house.campaign()
        house.event()
        house.shop.clock.move(days=89)
        assert service.drop_old_events(clock=house.shop.clock) == 0
        house.shop.clock.move(days=2)
        assert service.drop_old_events(clock=house.shop.clock) == 2


class TestLook:
    def test_counts_and_log_say_what_came_of_each(self, house):
        made = house.campaign()
        house.event(1)
        house.event(2, customer="c11")
        view = service.get_campaign(house.id, made.id)
        assert view.counts == {"told": 1, "no consent": 1}
        lines = service.log(house.id, made.id)
        assert [(line.customer_id, str(line.outcome), line.told_state) for line in lines] == [
            ("c11", "no consent", ""), ("c2", "told", "waiting"),
        ]  # fmt: skip
        assert service.log(house.id, made.id, before=lines[0].id) == lines[1:]

    def test_results_are_added_by_metric(self, house):
        made = house.campaign()
        assert service.knows(house.id, made.key.upper())
        assert not service.knows(house.id, "17")
        assert not service.knows(house.id + 1, made.key)
        service.add_results(house.id, [(made.key, 0, 3), (made.key, 5, 1)], clock=house.shop.clock)
        service.add_results(house.id, [(made.key, 0, 2)], clock=house.shop.clock)
        assert service.get_campaign(house.id, made.id).reported == {0: 5, 5: 1}
        with pytest.raises(NoSuchRealTimeCampaign):
            service.add_results(house.id, [("x", 0, 1)], clock=house.shop.clock)


def test_a_forgotten_person_leaves_no_event(stocked):
    house = stocked
    house.campaign()
    house.event(1, properties={"amount": 100, "note": "a secret"})
    house.event(2, customer="c3")
    report = customers.forget(house.id, "c2", clock=house.shop.clock)
    assert ("real-time events", 3) in report.found
    assert [row.event_id for row in IncomingEvent.objects.filter(account_id=house.id)] == ["e2"]
    kept = Event.objects.filter(account_id=house.id).values_list("details", flat=True)
    assert [details["customer_id"] for details in kept] == ["c3"]
    with pytest.raises(UnknownCustomer):
        service.take_event(
            house.id, Incoming(event_id="e9", name="purchase", customer_id="c2"), clock=house.shop.clock
        )
