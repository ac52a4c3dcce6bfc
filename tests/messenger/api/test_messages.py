"""POST /triggers/{id}/messages: what leaves, what is kept, what is refused."""

import json
import quopri
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures.examples import examples
from tests.fixtures.messages import SOURCE, create_contact, create_desk, create_trigger
from tests.fixtures.sendings import CLOCK, turn_once

from tandem.kit import clock as clocks
from tandem.kit.clock import FrozenClock
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.models import ConsentEvent, Contact, Property
from tandem.messenger.delivery import forgetting
from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery.models import Attempt, Sending, SendingTemplate
from tandem.messenger.delivery.sender import desk as sender_desk
from tandem.messenger.delivery.sender import life as sender
from tandem.messenger.projects import service as projects
from tandem.messenger.projects.domain import EmailSource
from tandem.messenger.projects.models import Trigger

pytestmark = pytest.mark.django_db


def states(desk) -> list[str]:
    return [row.get_state_display() for row in Attempt.objects.filter(account_id=desk.account).order_by("id")]


def flags(desk, **changes) -> None:
    Contact.objects.filter(account_id=desk.account, original_id="bo").update(**changes)


class TestSending:
    def test_the_body_a_strict_client_sends(self, desk):
        body = (
            '{"deliveryTime":"2026-02-09T11:00:00+0100","originalId":"a b/c@d","customerId":7001,'
            '"properties":{"bonus":"10"},"forceCreateMissingProperties":true}\n'
        )
        answer = desk.call("POST", f"/triggers/{desk.mail}/messages", body=body.encode())
        assert answer["message"] == "Accepted. The message leaves now."
        row = desk.row(answer)
        assert (row.customer, row.template_id, row.sending.kind) == ("a b/c@d", desk.mail, "message")
        assert row.sending.values == {"bonus": "10"}
        assert row.due_at >= CLOCK.business() - timedelta(minutes=1), "a past time is now"

    @pytest.mark.parametrize("kind", ["text/csv", "", "application/x-www-form-urlencoded", "text/plain"])
    def test_json_whatever_the_content_type_says(self, desk, kind):
        answer = desk.call(
            "POST", f"/triggers/{desk.mail}/messages", body=b'{"originalId":"bo"}', content_type=kind
        )
        assert answer["message"].startswith("Accepted")

    def test_a_mail_leaves_into_the_maildir_with_its_own_values(self, desk):
        desk.send(properties={"bonus": "10", "order": "A7"}, forceCreateMissingProperties=True)
        turn_once()
        (mail,) = delivery.outbox(desk.account, "email")
        whole = delivery.outbox_message(desk.account, "email", mail.name)
        assert (whole.to, whole.subject) == ("bo@people.example", "Hi Bo")
        assert "Bonus 10, order A7 A7" in whole.html
        assert desk.contact()["namedProperties"] == {"bonus": "5"}, "they are this message's only"
        assert states(desk) == ["accepted"]

    def test_a_text_message(self, desk):
        desk.send(trigger=desk.sms, properties={"bonus": None})
        turn_once()
        (text,) = delivery.outbox(desk.account, "sms")
        assert text.text.strip() == "Hej Bo, no kr, https://shop.example/s."

    def test_one_row_of_one_sending_each_time(self, desk, memory):
        for _ in range(3):
            desk.send()
        turn_once()
        turn_once()
        turn_once()
        assert [message.recipient for message in memory.messages] == ["bo@people.example"] * 3
        assert Sending.objects.filter(account_id=desk.account).count() == 3

    def test_a_scheduled_one_does_not_leave_before_its_time(self, desk, memory, monkeypatch):
        now = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
        clock = FrozenClock(now)
        monkeypatch.setattr(clocks, "from_environment", lambda: clock)
        answer = desk.send(deliveryTime="2026-11-02T11:30:00+0100")
        assert answer["message"] == "Accepted for 2026-11-02 10:30:00 UTC."
        life = sender.Life(clock, threading.Event())
        try:
            clock.move(minutes=89)
            life.turn()
            assert memory.messages == []
            clock.move(minutes=1)
            life.turn()
        finally:
            life.close()
        assert len(memory.messages) == 1
        assert desk.row(answer).done_at == datetime(2026, 11, 2, 10, 30, tzinfo=UTC)

    @pytest.mark.parametrize("said", ["+0100", "+01:00", "Z", "-0330"])
    def test_forms_of_a_time(self, desk, said):
        row = desk.row(desk.send(deliveryTime=f"2031-02-09T11:00:00{said}"))
        assert row.due_at == datetime.fromisoformat(f"2031-02-09T11:00:00{said}")

    @pytest.mark.parametrize(
        "said",
        [
            "2031-02-09", "2031-02-09T11:00:00", "2031-02-09 11:00:00+0100", "tomorrow", "2031-13-09T11:00:00Z",
            "2031-02-09T11:00:00.5Z", "0001-01-01T00:00:00+1400", "9999-12-31T23:59:59-1200", 1441374310577,
            "2031-02-09T11:00:00+01", "2031-02-09T11:00:00z", "٢٠٣١-02-09T11:00:00Z", True, ["x"],
        ],
    )  # fmt: skip
    def test_other_times_are_refused_and_nothing_is_kept(self, desk, said):
        assert "deliveryTime" in desk.send(400, deliveryTime=said)["error"]
        assert states(desk) == []

    def test_nulls_empty_texts_and_unknown_fields_are_as_if_absent(self, desk):
        answer = desk.send(
            deliveryTime="", customerId=0, properties=None, saveProps=None, forceCreateMissingProperties=None,
            optOut=None, campaignId=0, unknown={"x": [1]},
        )  # fmt: skip
        assert answer["message"].startswith("Accepted")
        assert desk.row(answer).sending.values is None

    @pytest.mark.parametrize(
        "changed",
        [
            {"customerId": 7002}, {"customerId": -1}, {"customerId": "x"}, {"customerId": 1.5}, {"optOut": "yes"},
            {"originalId": ""}, {"originalId": None}, {"originalId": ["bo"]}, {"originalId": "b\0o"},
            {"properties": []}, {"properties": {"bonus": {"x": 1}}}, {"properties": {"bonus": True}},
            {"properties": {"": "x"}}, {"properties": {"bonus": "x" * 4001}}, {"saveProps": 1}, {"campaignId": "x"},
        ],
    )  # fmt: skip
    def test_what_cannot_be_read_is_refused(self, desk, changed):
        assert set(desk.send(400, **changed)) == {"error"}
        assert states(desk) == []

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 2000])
    def test_no_object_is_no_message(self, desk, body):
        assert set(desk.call("POST", f"/triggers/{desk.mail}/messages", 400, body)) == {"error"}

    def test_what_is_not_there(self, desk):
        assert "contact" in desk.send(404, originalId="nobody")["error"]
        assert "trigger" in desk.send(404, trigger=999999)["error"]
        assert "version" in desk.send(404, campaignId=999999)["error"]
        other = projects.get_trigger(desk.account, desk.sms).active_version_id
        assert "not one of trigger" in desk.send(404, campaignId=other)["error"]
        assert states(desk) == []


class TestVersions:
    def test_another_version_than_the_active_one(self, desk):
        first = projects.get_trigger(desk.account, desk.mail).active_version_id
        projects.add_active_version(
            desk.account, desk.mail, EmailSource(subject="New", html="<p>x</p>"), clock=CLOCK
        )
        desk.send(campaignId=first)
        turn_once()
        assert [mail.subject for mail in delivery.outbox(desk.account, "email")] == ["Hi Bo"]

    def test_a_draft_is_not_sent(self, desk):
        draft = projects.save_draft(desk.account, desk.mail, SOURCE, clock=CLOCK)
        assert "never activated" in desk.send(409, campaignId=draft.id)["error"]

    def test_a_trigger_without_an_active_version(self, desk):
        Trigger.objects.filter(account_id=desk.account, pk=desk.mail).update(active_version=None)
        assert "no active version" in desk.send(409)["error"]


class TestProperties:
    def test_an_unknown_name_fails_the_call_and_nothing_is_done(self, desk):
        answer = desk.send(400, properties={"bonus": "1", "shoe size": "42"}, saveProps=True, optOut=True)
        assert "'shoe size'" in answer["error"]
        assert states(desk) == []
        assert (desk.contact()["namedProperties"], desk.contact()["unsubscribed"]) == ({"bonus": "5"}, False)

    def test_a_name_that_the_version_asks_of_its_messages_needs_no_attribute(self, desk):
        assert desk.send(properties={"order": "A7"})["message"].startswith("Accepted")
        assert "'order'" in desk.send(400, properties={"order": "A7"}, saveProps=True)["error"]

    def test_missing_ones_are_made_when_asked(self, desk):
        desk.send(properties={"Shoe size": "42"}, forceCreateMissingProperties=True)
        assert Property.objects.filter(account_id=desk.account, name="Shoe size").exists()
        assert desk.contact()["namedProperties"] == {"bonus": "5"}

    def test_a_name_that_cannot_be_an_attribute(self, desk):
        assert "cannot be an attribute" in desk.send(
            400, properties={"<x>": "1"}, forceCreateMissingProperties=True
        )["error"]  # fmt: skip

    def test_they_are_kept_when_asked(self, desk):
        desk.send(
            properties={"BONUS": "10", "city": "Lund", "email": "new@people.example", "size": "M"},
            saveProps=True, forceCreateMissingProperties=True,
        )  # fmt: skip
        one = desk.contact()
        assert one["namedProperties"] == {"bonus": "10", "size": "M"}
        assert (one["city"], one["emailAddress"]) == ("Lund", "new@people.example")

    def test_a_wrong_address_keeps_and_sends_nothing(self, desk):
        desk.send(400, properties={"emailAddress": "nonsense", "city": "Lund"}, saveProps=True)
        assert (desk.contact()["city"], states(desk)) == ("", [])

    def test_numbers_are_texts(self, desk):
        assert desk.row(desk.send(properties={"bonus": 10})).sending.values == {"bonus": "10"}

    def test_a_persons_values_are_forgotten_with_them(self, desk):
        answer = desk.send(properties={"bonus": "canary"})
        assert forgetting.export(desk.account, "bo")[0]["values"] == {"bonus": "canary"}
        forgetting.forget(desk.account, "bo")
        assert desk.row(answer).sending.values is None


class TestWhoMayNotBeSentTo:
    @pytest.mark.parametrize(
        ("changes", "why", "state"),
        [
            ({"unsubscribed": True}, "is unsubscribed", "suppressed"),
            ({"bounced": True}, "has bounced", "suppressed"),
            ({"blocked_until": CLOCK.system() + timedelta(hours=1)}, "is blocked", "suppressed"),
            ({"email": "", "email_key": ""}, "has no address", "skipped"),
            ({"active": False}, "is not active", "skipped"),
        ],
    )
    def test_is_recorded_and_said(self, desk, memory, changes, why, state):
        flags(desk, **changes)
        answer = desk.send()
        assert answer["message"].startswith("Suppressed: the contact " + why)
        assert answer["message"].endswith("Nothing is sent.")
        assert states(desk) == [state]
        turn_once()
        assert memory.messages == []
        assert Sending.objects.get(account_id=desk.account).state == "finished"

    def test_an_sms_opt_out_does_not_stop_a_mail(self, desk, memory):
        flags(desk, mobile_unsubscribed=True)
        assert desk.send()["message"].startswith("Accepted")
        assert desk.send(trigger=desk.sms)["message"].startswith("Suppressed")

    def test_a_scheduled_one_is_looked_at_when_its_time_comes(self, desk):
        flags(desk, blocked_until=CLOCK.system() + timedelta(hours=1))
        answer = desk.send(deliveryTime="2031-02-09T11:00:00Z")
        assert answer["message"].startswith("Accepted for 2031-02-09 11:00:00 UTC. The contact is blocked")
        assert states(desk) == ["pending"]

    def test_a_block_that_is_over_stops_nothing(self, desk, memory):
        flags(desk, blocked_until=CLOCK.system() - timedelta(seconds=1))
        desk.send()
        turn_once()
        assert len(memory.messages) == 1

    def test_opt_out_comes_first(self, desk, memory):
        answer = desk.send(optOut=True)
        assert answer["message"].startswith("Suppressed: the contact is unsubscribed")
        assert desk.contact()["unsubscribed"] is True
        event = ConsentEvent.objects.get(account_id=desk.account)
        assert (event.channel, event.change, event.source) == (
            "email",
            "unsubscribed",
            "message of a trigger",
        )

    def test_opt_out_is_of_the_triggers_channel(self, desk):
        desk.send(trigger=desk.sms, optOut=True)
        one = desk.contact()
        assert (one["unsubscribed"], one["mobileUnsubscribed"]) == (False, True)


class TestIgnoreOptOut:
    @pytest.fixture
    def receipt(self, desk):
        project = projects.get_trigger(desk.account, desk.mail).project_id
        return create_trigger(desk, "Always", project, SOURCE, ignore_opt_out=True)

    def test_reaches_who_unsubscribed(self, desk, memory, receipt):
        flags(desk, unsubscribed=True)
        assert desk.send(trigger=receipt)["message"].startswith("Accepted")
        assert desk.send()["message"].startswith("Suppressed")
        turn_once()
        assert [message.recipient for message in memory.messages] == ["bo@people.example"]

    def test_a_goodbye_goes_with_the_opt_out(self, desk, memory, receipt):
        assert desk.send(trigger=receipt, optOut=True)["message"].startswith("Accepted")
        turn_once()
        assert len(memory.messages) == 1

    @pytest.mark.parametrize(
        "changes",
        [{"bounced": True}, {"blocked_until": CLOCK.system() + timedelta(hours=1)}, {"active": False}],
    )
    def test_never_who_bounced_or_is_blocked(self, desk, memory, receipt, changes):
        flags(desk, unsubscribed=True, **changes)
        assert desk.send(trigger=receipt)["message"].startswith("Suppressed")
        turn_once()
        assert memory.messages == []

    def test_never_who_is_suppressed(self, desk, memory, receipt):
        contacts.suppress(desk.account, original_id="bo", channel="email", reason="complaint", clock=CLOCK)
        assert desk.send(trigger=receipt)["message"].startswith("Suppressed")
        turn_once()
        assert memory.messages == []

    def test_is_frozen_when_the_sending_is_opened(self, desk, memory, receipt):
        flags(desk, unsubscribed=True)
        answer = desk.send(trigger=receipt)
        Trigger.objects.filter(account_id=desk.account, pk=receipt).update(ignore_opt_out=False)
        Trigger.objects.filter(account_id=desk.account, pk=desk.mail).update(ignore_opt_out=True)
        assert SendingTemplate.objects.get(sending_id=desk.row(answer).sending_id).ignore_opt_out is True
        turn_once()
        assert len(memory.messages) == 1

    def test_is_read_again_at_each_content(self, desk, memory, receipt, monkeypatch):
        monkeypatch.setattr(sender_desk, "WATCH_SECONDS", -1.0)
        flags(desk, unsubscribed=True)
        desk.send(trigger=receipt)
        turn_once()
        assert len(memory.messages) == 1


def test_another_accounts_trigger_and_contact_are_not_there(desk):
    other = create_desk(7002, "Other")
    create_contact(other, "only-theirs", email="t@people.example")
    desk.send(404, trigger=other.mail)
    desk.send(404, originalId="only-theirs")
    assert states(desk) == states(other) == []


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = st.fixed_dictionaries(
    {"originalId": st.sampled_from(["bo", "a b/c@d", "nobody", ""]) | _JSON},
    optional={
        name: _JSON
        for name in ("customerId", "saveProps", "forceCreateMissingProperties", "optOut", "campaignId")
    }
    | {
        "properties": st.dictionaries(st.text(), st.text(), max_size=3) | _JSON,
        "deliveryTime": st.text() | st.datetimes(timezones=st.timezones()).map(datetime.isoformat) | _JSON,
    },
)


@settings(
    max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=_FIELDS | _JSON)
def test_any_json_is_answered_in_words(desk, body):
    answer = desk.client.generic(
        "POST",
        f"/rest/{desk.account}/triggers/{desk.mail}/messages",
        json.dumps(body).encode(),
        headers={"X-Carma-Authentication-Token": desk.token},
    )
    assert answer.status_code < 500, (body, answer.content)
    assert set(answer.json()) in ({"error"}, {"message", "id"})


def test_changed_values_do_not_reach_other_peoples_messages(desk, memory):
    change = {"bonus": "99"}
    desk.send(properties=change)
    desk.send(originalId="a b/c@d")
    turn_once()
    turn_once()
    assert sorted(b"Bonus 99" in quopri.decodestring(message.content) for message in memory.messages) == [
        False,
        True,
    ]
