"""Exports of statistics: what is in them, whose they are, how long they count."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from tests.fixtures.sendings import (
    CLOCK,
    change_contact,
    create_contacts,
    create_house,
    create_sending,
    send_until,
)

from tandem.kit.clock import FrozenClock
from tandem.messenger.contacts import service as contacts
from tandem.messenger.delivery import forgetting
from tandem.messenger.delivery.models import Attempt
from tandem.messenger.exports import queries, service
from tandem.messenger.exports.domain import ExportType, Period, since
from tandem.messenger.exports.errors import BadExport, NotFinished, UnknownExport

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_home(settings, tmp_path):
    settings.TANDEM_HOME = tmp_path


@pytest.fixture(scope="module")
def kept_house(keep):
    return keep(lambda _: create_house())


@pytest.fixture
def house(kept_house, db, settings, tmp_path):
    return kept_house.take(settings, tmp_path)


def sent(house, count=3):
    sending_id = create_sending(house, create_contacts(house, count))
    send_until(house, sending_id)
    return sending_id


def address(house, kind, period="LAST_DAY", clock=CLOCK):
    view = service.start_export(house.account_id, kind, period, clock=clock)
    service.run_waiting(clock=clock)
    url = service.result_url(house.account_id, view.id, clock=clock)
    return view.id, url[url.index("/results/") :]


def fetched(house, kind, period="LAST_DAY"):
    export_id, path = address(house, kind, period)
    answer = Client().get(path)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    records = json.loads(b"".join(answer.streaming_content))
    assert service.get_export(house.account_id, export_id).total == len(records) or kind == "CAMPAIGNS"
    return records


class TestRecords:
    def test_sent_messages_have_the_fields_of_webhooks(self, house, monkeypatch):
        monkeypatch.setattr(queries, "PAGE", 2)
        sent(house, 5)
        assert len(fetched(house, "MESSAGES")) == 5
        records = fetched(house, "SENT")
        assert [one["contactId"] for one in records] == ["c1", "c2", "c3", "c4", "c5"]
        one = records[0]
        assert (one["module"], one["channel"], one["messageType"]) == ("CAMPAIGN", "EMAIL", "SENT")
        assert (one["list"], one["listId"], one["campaign"]) == ("Customers", house.list_id, "Welcome email")
        assert one["project"] == "Letters"
        assert one["sentTimestamp"][-10:-6].startswith(".") and one["sentTimestamp"].endswith("+00:00")
        for name in ("eventId", "carmaContactId", "campaignId", "projectId"):
            assert type(one[name]) is int

    def test_messages_and_bounces(self, house):
        sending_id = sent(house, 4)
        rows = Attempt.objects.filter(sending_id=sending_id)
        rows.filter(customer="c1").update(state=11, reason="", detail="550 5.1.1 no such user")
        rows.filter(customer="c2").update(state=11, reason="given up")
        rows.filter(customer="c3").update(state=22)
        assert [one["contactId"] for one in fetched(house, "HARD_BOUNCES")] == ["c1"]
        assert [one["contactId"] for one in fetched(house, "SOFT_BOUNCES")] == ["c2"]
        messages = fetched(house, "MESSAGES")
        assert [one["actions"]["hardBounce"] for one in messages] == [True, True, False]
        assert (messages[2]["actions"]["recieved"], "/v/" in messages[2]["openInBrowserUrl"]) == (True, True)
        assert set(messages[0]) >= {
            "id",
            "contactId",
            "deliveryId",
            "sentTimestamp",
            "openInBrowserUrl",
            "archived",
        }

    def test_optouts(self, house):
        create_contacts(house, 2)
        one = contacts.get_contact(house.account_id, house.list_id, "c2")
        contacts.unsubscribe(house.account_id, one.id, "sms", source="page", clock=CLOCK)
        contacts.unsubscribe(house.account_id, one.id, "email", source="page", clock=CLOCK)
        contacts.resubscribe(house.account_id, one.id, "email", source="page", clock=CLOCK)
        (first, second) = fetched(house, "OPTOUTS")
        assert (first["contactId"], first["channel"], first["messageType"]) == ("c2", "SMS", "OPTOUT")
        assert second["channel"] == "EMAIL"

    def test_things_are_all_there_are(self, house):
        assert [one["name"] for one in fetched(house, "LISTS", "TODAY")] == ["Customers"]
        (project,) = fetched(house, "PROJECTS", "TODAY")
        campaigns = fetched(house, "CAMPAIGNS", "TODAY")
        assert {one["projectId"] for one in campaigns} == {project["id"]}
        assert {one["triggerId"] for one in campaigns} == {house.email_trigger, house.sms_trigger}
        assert all(type(one["campaignId"]) is int for one in campaigns)

    @pytest.mark.parametrize("kind", ["OPENS", "OPENED", "CLICKS"])
    def test_what_nobody_records_is_empty(self, house, kind):
        sent(house)
        assert fetched(house, kind) == []

    def test_only_the_period(self, house):
        sending_id = sent(house)
        Attempt.objects.filter(sending_id=sending_id, customer="c1").update(
            done_at=CLOCK.business() - timedelta(days=2)
        )
        assert len(fetched(house, "SENT")) == 2
        assert len(fetched(house, "SENT", "LAST_3_DAYS")) == 3

    def test_today_begins_at_midnight_in_the_account(self):
        now = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
        assert since(Period.TODAY, now, "Europe/Stockholm") == datetime(2026, 7, 1, 22, tzinfo=UTC)
        assert since(Period.LAST_2_WEEKS, now, "Europe/Stockholm") == datetime(
            2026, 6, 17, 22, 30, tzinfo=UTC
        )

    def test_another_account_has_none_of_it(self, house):
        sent(house)
        other = create_house("Southwind")
        assert fetched(other, "SENT") == []
        assert {one["listId"] for one in fetched(other, "CAMPAIGNS")} == {other.list_id}

    def test_a_person_who_was_forgotten_after_the_export_is_not_in_it(self, house):
        sent(house)
        change_contact(house, "c1", unsubscribed=False)
        _, path = address(house, "SENT")
        forgetting.forget(house.account_id, "c1")
        contacts.forget(house.account_id, "c1", clock=CLOCK)
        records = json.loads(b"".join(Client().get(path).streaming_content))
        assert [one["contactId"] for one in records] == ["c2", "c3"]


class TestLinks:
    def test_a_link_that_was_changed_or_has_expired(self, house):
        export_id, path = address(house, "LISTS")
        for changed in (
            path.replace("signature=", "signature=a"),
            path.split("&")[0],
            path.replace(f"/{export_id}_", f"/{export_id + 1}_"),
            path.replace(f"/{house.account_id}/", f"/{house.account_id + 1}/"),
            path.replace("expires=1", "expires=2"),
            path.replace("signature=", "signature=%ED%A0%80"),
        ):
            answer = Client().get(changed)
            assert (answer.status_code, set(answer.json())) == (403, {"error"}), changed
        earlier = FrozenClock(CLOCK.system() - timedelta(hours=2))
        _, path = address(house, "LISTS", clock=earlier)
        assert Client().get(path).status_code == 403

    def test_a_result_is_kept_for_a_week(self, house):
        earlier = FrozenClock(CLOCK.system() - timedelta(days=8))
        view = service.start_export(house.account_id, "LISTS", "TODAY", clock=earlier)
        service.run_waiting(clock=CLOCK)
        with pytest.raises(UnknownExport):
            service.result_url(house.account_id, view.id, clock=CLOCK)

    def test_before_it_is_finished(self, house):
        view = service.start_export(house.account_id, "LISTS", "TODAY", clock=CLOCK)
        assert view.status == "PENDING"
        with pytest.raises(NotFinished):
            service.result_url(house.account_id, view.id, clock=CLOCK)


def test_numbers_are_shared_with_imports(house):
    numbers = []
    for _ in range(2):
        numbers.append(service.start_export(house.account_id, "LISTS", "TODAY", clock=CLOCK).id)
        import_id = contacts.start_import(house.account_id, house.list_id, clock=CLOCK)
        batch = contacts.upload(
            house.account_id, house.list_id, import_id, [b"originalId\n"], defer=False, clock=CLOCK
        )
        contacts.run_batch(house.account_id, batch.id, clock=CLOCK)
        numbers.append(batch.id)
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(
    ("kind", "period"), [("NOPE", "TODAY"), ("SENT", "EVER"), ("sent", "TODAY"), ("", "")]
)
def test_what_is_not_exported(house, kind, period):
    with pytest.raises(BadExport):
        service.start_export(house.account_id, kind, period, clock=CLOCK)


def test_every_type_has_an_answer(house):
    sent(house)
    for kind in ExportType:
        fetched(house, kind.value, "LAST_WEEK")
