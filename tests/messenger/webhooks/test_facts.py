"""What happens in the other rooms is told, in the transaction that makes it so."""

from datetime import timedelta

import pytest
from tests.fixtures.messages import create_contact
from tests.fixtures.sendings import CLOCK, send_until
from tests.fixtures.sendings import House as Sendings

from tandem.messenger.contacts import service as contacts
from tandem.messenger.delivery import events, ledger, tokens
from tandem.messenger.delivery.domain import Channel, PlannedTemplate
from tandem.messenger.delivery.models import Attempt
from tandem.messenger.delivery.providers.memory import MemoryProvider
from tandem.messenger.delivery.sender import life as sender
from tandem.messenger.projects import service as projects
from tandem.messenger.reporting import unsubscribes
from tandem.messenger.webhooks import service as webhooks
from tandem.messenger.webhooks.domain import EventType

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(desk, hook):
    """The bodies told since, of every type."""
    webhooks.add(desk.account, url=hook.url(), events=[one.value for one in EventType], clock=CLOCK)

    def read():
        hook.got.clear()
        webhooks.call_due(CLOCK)
        return [got.json for got in hook.got]

    read()
    return read


@pytest.fixture
def sent(desk, monkeypatch):
    """The id of an ended sending to both contacts, one of whom has no address."""
    provider = MemoryProvider()
    monkeypatch.setattr(sender, "way_out_for", lambda *_: provider)
    create_contact(desk, "mute")
    target = projects.send_target(desk.account, desk.mail)
    sending_id = ledger.open_sending(
        desk.account,
        source_key="campaign:42:504",
        channel=Channel.EMAIL,
        templates=[
            PlannedTemplate(
                template_id=desk.mail,
                version_id=target.version_id,
                list_id=desk.people,
                due_at=CLOCK.business() - timedelta(seconds=1),
            )
        ],
        rows=[("bo", desk.mail), ("mute", desk.mail)],
        clock=CLOCK,
        name="Campaign 42",
        campaign_id=42,
        channel_id=504,
    )
    house = Sendings(
        account_id=desk.account, list_id=desk.people, email_trigger=desk.mail, sms_trigger=desk.sms
    )
    send_until(house, sending_id)
    return sending_id


def brief(bodies):
    return [(body["description"], body["contactId"]) for body in bodies]


def test_a_contact_changed_by_the_api(desk, told):
    body = {"firstName": "Bosse", "namedProperties": {"bonus": "7"}, "unsubscribed": True}
    desk.call("PUT", f"/lists/{desk.people}/contacts/bo/update?force=true", body=body)

    updated, changed, ended = told()
    assert updated["description"] == "EnduserUpdated"
    assert updated["contactId"] == "bo"
    assert updated["list"] == "Customers"
    assert updated["campaignId"] is None
    assert (changed["description"], changed["property"], changed["value"]) == ("SetProperty", "bonus", "7")
    assert (ended["description"], ended["channel"]) == ("OptOut", "EMAIL")


def test_the_same_values_again_set_no_property(desk, told):
    desk.call("PUT", f"/lists/{desk.people}/contacts/bo/update", body={"namedProperties": {"bonus": "5"}})
    assert brief(told()) == [("EnduserUpdated", "bo")]


def test_an_end_and_a_new_beginning_by_hand(desk, told):
    contact = contacts.contact_id_of(desk.account, desk.people, "bo")
    contacts.unsubscribe(desk.account, contact, "sms", source="by hand", clock=CLOCK)
    contacts.unsubscribe(desk.account, contact, "sms", source="by hand", clock=CLOCK)
    contacts.resubscribe(desk.account, contact, "sms", source="by hand", clock=CLOCK)
    assert [(body["description"], body["channel"]) for body in told()] == [
        ("OptOut", "SMS"),
        ("OptIn", "SMS"),
    ]


def test_an_import_is_not_told(desk, told, tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("originalId|unsubscribed\nbo|true\nnew|false\n")
    contacts.import_file(desk.account, desk.people, path, delimiter="|", clock=CLOCK)
    assert contacts.get_contact(desk.account, desk.people, "bo").unsubscribed
    assert told() == []


def test_the_link_in_a_message_names_the_message(desk, told, sent, settings):
    told()
    row = Attempt.objects.get(customer="bo")
    token = tokens.make(settings.SECRET_KEY, tokens.UNSUBSCRIBE, sent, row.id)
    unsubscribes.unsubscribe_by_token(token, clock=CLOCK)
    unsubscribes.unsubscribe_by_token(token, clock=CLOCK)

    (ended,) = told()
    target = projects.send_target(desk.account, desk.mail)
    assert (ended["description"], ended["contactId"], ended["channel"]) == ("OptOut", "bo", "EMAIL")
    assert (ended["campaignId"], ended["project"]) == (target.version_id, "Shop")
    assert ended["sentTimestamp"][:16] == ended["timestamp"][:16]


def test_a_sending_that_ended_is_summed_up_per_template(desk, told, sent):
    *of_contact, summary = told()
    assert brief(of_contact) == [("EnduserUpdated", "mute"), ("SetProperty", "mute")]
    assert summary["description"] == "SendoutSummary"
    assert summary["contactId"] is None
    sums = ("sendout", "recipients", "sent", "rejected", "uncertain", "notSent")
    assert [summary[name] for name in sums] == ["Campaign 42", 2, 1, 0, 0, 1]


def test_what_happened_to_many_messages_is_told_at_once(desk, told, sent, django_assert_num_queries):
    told()
    facts = [
        events.Fact(
            attempt_id=row.id, at=CLOCK.business(), more={"linkTarget": f"https://x.example/{row.seq}"}
        )
        for row in Attempt.objects.order_by("seq")
    ]
    with django_assert_num_queries(4):
        assert events.publish(desk.account, EventType.LINK_CLICKED, facts, clock=CLOCK) == 2
    assert [(body["contactId"], body["linkTarget"][-1]) for body in told()] == [("bo", "1"), ("mute", "2")]
    assert events.publish(desk.account + 1, EventType.LINK_CLICKED, facts, clock=CLOCK) == 0


def test_a_refused_message_is_told_and_its_answer_stays(desk, told):
    desk.send(404, originalId="nobody")
    desk.send(400, properties={"unheard": "1"})
    desk.call("POST", f"/triggers/{desk.mail}/messages", 400, b"{")
    desk.send(404, trigger=999)
    desk.send()

    first, second, third, fourth = told()
    assert (first["description"], first["contactId"], first["status"]) == ("TriggerFailed", "nobody", 404)
    assert (first["campaign"], first["project"], first["list"]) == ("Receipt", "Shop", "Customers")
    assert "unheard" in second["error"]
    assert third["contactId"] is None
    assert (fourth["triggerId"], fourth["project"]) == (999, None)


def test_another_account_hears_nothing(desks, hook, told):
    other = desks[1]
    webhooks.add(other.account, url=hook.url("/other"), events=[e.value for e in EventType], clock=CLOCK)
    desks[0].call("PUT", f"/lists/{desks[0].people}/contacts/bo/update", body={"firstName": "B"})
    assert brief(told()) == [("EnduserUpdated", "bo")]
    assert {got.path for got in hook.got} == {"/hook"}


def test_a_customer_is_forgotten_here_too(desk, told):
    desk.call("PUT", f"/lists/{desk.people}/contacts/bo/update", body={"firstName": "B"})
    contacts.forget(desk.account, "bo", clock=CLOCK)
    assert told() == []
