"""What people write: keywords are obeyed and answered once a day, all else is a person's to read."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.examples import examples
from tests.fixtures.sendings import CLOCK

from tandem.kit.clock import FrozenClock
from tandem.messenger.contacts import queries
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.errors import NotYours
from tandem.messenger.contacts.keys import mobile_key
from tandem.messenger.contacts.models import Contact, Suppression
from tandem.messenger.gateways import inbox, rules
from tandem.messenger.gateways.domain import Flag, Incoming
from tandem.messenger.sms import service
from tandem.messenger.sms.domain import Acted, Keyword, keyword_of
from tandem.messenger.sms.errors import UnknownIncoming
from tandem.messenger.sms.models import SmsAnswer
from tandem.messenger.webhooks import service as webhooks

STOPS = (
    ("STOP STOPALL|STOP ALL|UNSUBSCRIBE|END|QUIT|CANCEL|REVOKE|REMOVE|OPTOUT|OPT-OUT|OPT OUT|ARRET|TD")
    .replace("STOP STOPALL", "STOP|STOPALL")
    .split("|")
)
DECORATION = st.text(st.sampled_from(list(" \t\n.!?,;:'\"*()[]…“”¡")), max_size=6)


def spelled(word):
    """The word in any case, with any punctuation around it."""
    letters = st.tuples(*(st.sampled_from([one.lower(), one.upper()]) for one in word))
    return st.tuples(DECORATION, letters.map("".join), DECORATION).map("".join)


@given(st.sampled_from(STOPS).flatmap(spelled))
@settings(max_examples=examples(40))
def test_a_stop_is_a_stop_however_it_is_written(text):
    assert keyword_of(text) is Keyword.STOP


@given(st.sampled_from(["START", "YES", "UNSTOP", "opt in"]).flatmap(spelled))
@settings(max_examples=examples(30))
def test_a_start_is_a_start(text):
    assert keyword_of(text) is Keyword.START


@given(st.sampled_from(["HELP", "INFO"]).flatmap(spelled))
@settings(max_examples=examples(20))
def test_help_is_help(text):
    assert keyword_of(text) is Keyword.HELP


@given(
    st.sampled_from(STOPS),
    st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20),
    st.booleans(),
)
@settings(max_examples=examples(40))
def test_a_word_more_and_a_person_reads_it(word, more, before):
    text = f"{more} {word}" if before else f"{word} {more}"
    known = {one.casefold() for one in (*STOPS, "OPT IN")}
    assert keyword_of(text) is Keyword.NONE or " ".join(text.casefold().split()) in known


@given(st.text(max_size=300))
@settings(max_examples=examples(40))
def test_any_text_is_some_keyword_or_none(text):
    assert keyword_of(text) in Keyword


@pytest.mark.parametrize(
    "text", ["STOP PLEASE", "please stop", "stopp", "", " ", "don't stop", "S" * 5000, "ST OP"]
)
def test_these_are_none(text):
    assert keyword_of(text) is Keyword.NONE


def test_accents_and_wide_letters():
    assert keyword_of("Arrêt") is Keyword.STOP
    assert keyword_of("ＳＴＯＰ") is Keyword.STOP
    assert keyword_of("opt‑out") is Keyword.STOP


def why(side, customer="c1"):
    contact = side.contact(customer)
    return queries.reasons(side.account_id, "sms", [contact.pk], now=CLOCK.system()).get(contact.pk)


class TestStop:
    def test_ends_all_sms_of_the_account_and_nothing_else(self, ours, theirs):
        assert ours.write("Stop!").status_code == 204
        assert why(ours) == "suppressed"
        assert why(ours, "c2") is None
        assert why(theirs) is None  # the same number in another account
        contact = ours.contact()
        assert not queries.reasons(ours.account_id, "email", [contact.pk], now=CLOCK.system())

    def test_in_every_list(self, ours):
        other = contacts.create_list(ours.account_id, name="Another", clock=CLOCK)
        row = ours.contact()
        row.pk, row.list_id, row.original_id, row.customer_key = None, other.id, "else", "another key"
        row.save(force_insert=True)
        ours.write("STOP")
        twin = Contact.objects.get(account_id=ours.account_id, original_id="else")
        assert queries.reasons(ours.account_id, "sms", [twin.pk], now=CLOCK.system()) == {
            twin.pk: "suppressed"
        }

    def test_is_proven(self, ours):
        ours.write("Stop!")
        (proof,) = contacts.proofs_of(ours.account_id, "c1")
        assert (proof.change, proof.channel, proof.scope, proof.door) == (
            "unsubscribed",
            "sms",
            "account",
            "keyword",
        )
        assert proof.detail.endswith("Stop!")

    def test_told_twice_is_one(self, ours):
        for sid in ("SM1", "SM1", "SM2"):
            ours.write("STOP", sid=sid)
        assert len(contacts.proofs_of(ours.account_id, "c1")) == 1
        assert len(service.list_incoming(ours.account_id)) == 2
        assert len(service.list_answers(ours.account_id)) == 1

    def test_nobody_of_the_house_lifts_it(self, ours):
        ours.write("STOP")
        (row, *_) = Suppression.objects.filter(account_id=ours.account_id)
        with pytest.raises(NotYours):
            contacts.lift_suppression(ours.account_id, row.pk)

    def test_a_number_that_nobody_has(self, ours):
        ours.write("STOP", sender="+46709999999")
        assert Suppression.objects.filter(account_id=ours.account_id).exists()

    def test_a_number_that_is_stored_as_it_is_dialled_at_home(self, ours):
        Contact.objects.filter(pk=ours.contact().pk).update(
            mobile="0701740001", mobile_key=mobile_key(ours.account_id, "0701740001")
        )
        ours.write("STOP", sender="+46701740001")
        assert why(ours) == "suppressed"


class TestStart:
    def test_ends_the_stop(self, ours):
        ours.write("STOP", sid="SM1")
        ours.write("start", sid="SM2")
        assert why(ours) is None
        assert [one.change for one in contacts.proofs_of(ours.account_id, "c1")] == [
            "subscribed",
            "unsubscribed",
        ]

    def test_and_nothing_else(self, ours):
        contact = ours.contact()
        contacts.suppress(
            ours.account_id, address=contact.mobile, channel="sms", reason="by hand", clock=CLOCK
        )
        contacts.unsubscribe(ours.account_id, ours.contact("c2").pk, "sms", source="link", clock=CLOCK)
        ours.write("YES", sid="SM1")
        ours.write("YES", sender=ours.contact("c2").mobile, sid="SM2")
        assert (why(ours), why(ours, "c2")) == ("suppressed", "unsubscribed")


class TestAnswers:
    def test_one_of_a_kind_a_day(self, ours):
        for sid, word in enumerate(["help", "INFO", "STOP", "start", "stop"]):
            ours.write(word, sid=f"SM{sid}")
        assert sorted(one.keyword for one in service.list_answers(ours.account_id)) == [
            "help",
            "start",
            "stop",
        ]

    def test_another_one_tomorrow(self, ours):
        ours.write("help", sid="SM1")
        day = SmsAnswer.objects.get(account_id=ours.account_id).day
        SmsAnswer.objects.filter(account_id=ours.account_id).update(day=day - timedelta(days=1))
        ours.write("help", sid="SM2")
        assert len(service.list_answers(ours.account_id)) == 2

    def test_in_the_accounts_own_words_or_not_at_all(self, ours, theirs):
        rules.set_rules(ours.account_id, help_text="Call 0200.", actor="test", clock=CLOCK)
        rules.set_rules(theirs.account_id, answers=False, actor="test", clock=CLOCK)
        ours.write("help")
        theirs.write("help")
        assert [one.text for one in service.list_answers(ours.account_id)] == ["Call 0200."]
        assert service.list_answers(theirs.account_id) == ()


class TestWhatIsNoKeyword:
    def test_waits_for_a_person(self, ours, theirs):
        ours.write("STOP PLEASE")
        (one,) = service.list_incoming(ours.account_id, unread_only=True)
        assert (one.text, one.customers, one.acted) == ("STOP PLEASE", ("c1",), Acted.NOTHING)
        assert why(ours) is None and service.unread(ours.account_id) == 1
        assert service.list_incoming(theirs.account_id) == ()

    def test_who_unsubscribes_the_number(self, ours):
        ours.write("STOP PLEASE")
        (one,) = service.list_incoming(ours.account_id)
        done = service.act(ours.account_id, one.id, "unsubscribe", actor="ann@house.example", clock=CLOCK)
        assert done.acted is Acted.UNSUBSCRIBED and why(ours) == "suppressed"
        (proof,) = contacts.proofs_of(ours.account_id, "c1")
        assert (proof.door, proof.actor) == ("operator", "ann@house.example")
        assert service.unread(ours.account_id) == 0

    def test_but_not_another_accounts(self, ours, theirs):
        ours.write("hello")
        (one,) = service.list_incoming(ours.account_id)
        with pytest.raises(UnknownIncoming):
            service.act(theirs.account_id, one.id, "unsubscribe", actor="x", clock=CLOCK)

    @pytest.mark.parametrize("text", ["\x00\ud800", "", "x" * 70_000, "\u202e<script>", "'; DROP TABLE"])
    def test_hostile_words(self, ours, text):
        inbox.keep(
            ours.account_id, [Incoming(sender="+46701740001\x00", to="\x00", text=text)], CLOCK.system()
        )
        service.work_due(CLOCK)
        (one,) = service.list_incoming(ours.account_id)
        assert one.number == "+46701740001" and len(one.text) <= inbox.LONGEST_TEXT

    def test_a_sender_that_is_no_number(self, ours):
        ours.write("STOP", sender="Spammer")
        assert [one.number for one in service.list_incoming(ours.account_id)] == ["Spammer"]


def test_what_a_gateway_says_of_a_number(ours, theirs):
    number = ours.contact().mobile
    inbox.keep_flag(ours.account_id, number, Flag.OPTED_OUT, "1-2-3", CLOCK.system())
    inbox.keep_flag(ours.account_id, ours.contact("c2").mobile, Flag.BAD_NUMBER, "1-2-4", CLOCK.system())
    service.work_due(CLOCK)
    assert (why(ours), why(ours, "c2"), why(ours, "c3")) == ("suppressed", "bounced", None)
    assert why(theirs) is None


def test_a_person_is_forgotten_and_exported(ours, theirs):
    ours.write("Where is my order?")
    theirs.write("Mine too")
    assert [one["text"] for one in service.export(ours.account_id, "c1")] == ["Where is my order?"]
    assert service.forget(ours.account_id, "c1", dry_run=True)["incoming SMS"] == 1
    assert service.forget(ours.account_id, "c1")["incoming SMS"] == 1
    assert service.list_incoming(ours.account_id) == () and len(service.list_incoming(theirs.account_id)) == 1


def test_webhooks_hear_of_messages_stops_and_failures(ours, theirs):
    hook, _ = webhooks.add(
        ours.account_id,
        url="https://shop.example/hook",
        events=["sms-inbox", "opt-out", "bounce"],
        clock=CLOCK,
    )
    ours.write("Stop")
    ours.receipt("undelivered", ErrorCode="30006")
    ours.receipt("undelivered", ErrorCode="30006")
    theirs.write("Stop")
    service.work_due(CLOCK)
    told = sorted((one.event_type.value, one.contact) for one in webhooks.latest(ours.account_id, hook.id))
    assert told == [("bounce", "c1"), ("opt-out", "c1"), ("sms-inbox", "c1")]


def test_what_was_dealt_with_is_deleted_one_day_and_what_waits_is_not(ours):
    ours.write("STOP", sid="SM1")
    ours.write("where is my order?", sid="SM2")
    SmsAnswer.objects.update(next_at=None)
    assert service.clear_old(FrozenClock(CLOCK.business() + timedelta(days=300))) == 0
    later = FrozenClock(CLOCK.business() + timedelta(days=500))
    assert service.clear_old(later) == 2
    assert [one.text for one in service.list_incoming(ours.account_id)] == ["where is my order?"]
    assert inbox.clean(later.system()) == 2 and inbox.clean(later.system()) == 0
