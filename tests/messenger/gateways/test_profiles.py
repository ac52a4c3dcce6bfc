"""What the three HTTP profiles send and how they read: no network."""

from urllib.parse import parse_qsl

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.examples import examples

from tandem.messenger.gateways.domain import Came, Flag, Profile, Setup, Sms, Verdict
from tandem.messenger.gateways.profiles import PROFILES, elks, template, twilio

SMS = Sms(
    to="+46701740001",
    sender="Northwind",
    text='Hej "du"\n& dig <3 €',
    reference="1-2-3",
    receipt_url="https://t.example/sms/x/receipt?m=abc",
)
OPTIONS = {
    "url": "https://gate.example/send/{{to_digits}}",
    "headers": {"Authorization": "Bearer {{secret}}", "Idempotency-Key": "{{reference}}"},
    "body": '{"to": "{{to}}", "from": "{{sender}}", "text": "{{text}}", "dlr": "{{receipt_url}}"}',
    "id_path": "messages.0.id",
    "refuse_path": "messages.0.state",
    "refuse_values": "blocked, invalid",
    "receipt_id": "msgid", "receipt_status": "state", "delivered": "DELIVRD,ok", "failed": "FAILED",
    "incoming_from": "msisdn", "incoming_text": "body",
}  # fmt: skip


def setup(profile, **more):
    return Setup(
        account_id=1, profile=Profile(profile), url="", user="AC1", secret="token", **{"options": {}, **more}
    )


def answer(profile, status, document=None, body=None, headers=None, **more):
    raw = orjson.dumps(document) if body is None else body
    return PROFILES[Profile(profile)].read_answer(setup(profile, **more), status, headers or {}, raw)


def test_twilio_is_asked_as_its_manual_says():
    call = twilio.build(setup("twilio"), SMS)
    assert call.url == "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json"
    assert call.auth == ("AC1", "token")
    assert dict(parse_qsl(call.body.decode())) == {
        "To": SMS.to,
        "From": "Northwind",
        "Body": SMS.text,
        "StatusCallback": SMS.receipt_url,
    }


def test_46elks_is_asked_as_its_manual_says():
    call = elks.build(setup("46elks"), SMS)
    assert call.url == "https://api.46elks.com/a1/sms"
    assert dict(parse_qsl(call.body.decode())) == {
        "to": SMS.to,
        "from": "Northwind",
        "message": SMS.text,
        "whendelivered": SMS.receipt_url,
    }


@pytest.mark.parametrize(
    ("status", "document", "verdict", "flag"),
    [
        (201, {"sid": "SM1", "status": "queued"}, Verdict.ACCEPTED, Flag.NONE),
        (400, {"code": 21610, "message": "unsubscribed"}, Verdict.REJECTED, Flag.OPTED_OUT),
        (400, {"code": 21211, "message": "invalid"}, Verdict.REJECTED, Flag.BAD_NUMBER),
        (400, {"code": 21212, "message": "bad From"}, Verdict.REJECTED, Flag.NONE),
        (429, {"code": 21611, "message": "queue full"}, Verdict.DEFERRED, Flag.NONE),
        (429, {"code": 20429}, Verdict.DEFERRED, Flag.NONE),
        (401, {"code": 20003}, Verdict.DEFERRED, Flag.NONE),
        (500, {}, Verdict.UNCERTAIN, Flag.NONE),
        (503, {"code": 21610}, Verdict.UNCERTAIN, Flag.NONE),
        (302, {}, Verdict.UNCERTAIN, Flag.NONE),
        (201, {"status": "queued"}, Verdict.UNCERTAIN, Flag.NONE),
        (201, ["SM1"], Verdict.UNCERTAIN, Flag.NONE),
    ],
)
def test_what_twilios_answers_mean(status, document, verdict, flag):
    found = answer("twilio", status, document)
    assert (found.verdict, found.flag) == (verdict, flag)


def test_a_refusal_keeps_no_number():
    found = answer("twilio", 400, {"code": 21614, "message": "The 'To' number +46701740001 is no mobile"})
    assert "46701740001" not in found.detail


@pytest.mark.parametrize(
    ("status", "body", "verdict", "flag"),
    [
        (200, b'{"id": "s1", "status": "created"}', Verdict.ACCEPTED, Flag.NONE),
        (200, b'{"id": "s1", "status": "failed"}', Verdict.REJECTED, Flag.NONE),
        (400, b"Invalid to number", Verdict.REJECTED, Flag.BAD_NUMBER),
        (403, b"Not enough credits", Verdict.DEFERRED, Flag.NONE),
        (429, b"", Verdict.DEFERRED, Flag.NONE),
        (502, b"<html>", Verdict.UNCERTAIN, Flag.NONE),
        (200, b"<html>", Verdict.UNCERTAIN, Flag.NONE),
    ],
)
def test_what_46elks_answers_mean(status, body, verdict, flag):
    found = answer("46elks", status, body=body)
    assert (found.verdict, found.flag) == (verdict, flag)


@pytest.mark.parametrize(
    ("status", "document", "verdict"),
    [
        (202, {"messages": [{"id": 17, "state": "queued"}]}, Verdict.ACCEPTED),
        (200, {"messages": [{"id": 17, "state": "blocked"}]}, Verdict.REJECTED),
        (200, {"messages": "none"}, Verdict.ACCEPTED),
        (422, {}, Verdict.REJECTED),
        (429, {}, Verdict.DEFERRED),
        (500, {}, Verdict.UNCERTAIN),
        (418, {}, Verdict.UNCERTAIN),
    ],
)
def test_what_a_described_gateway_answers(status, document, verdict):
    assert answer("template", status, document, options=OPTIONS).verdict is verdict


def test_it_tells_how_long_to_wait():
    assert answer("twilio", 429, {}, headers={"retry-after": "7"}).pause == 7
    assert answer("twilio", 429, {}, headers={"retry-after": "9" * 9}).pause == 300
    assert answer("twilio", 429, {}, headers={"retry-after": "soon"}).pause == 5


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(max_size=20))
@settings(max_examples=examples(40))
def test_a_value_stays_a_value_wherever_its_slot_stands(text, sender):
    sms = Sms(to="+46701740001", sender=sender, text=text, reference="k")
    call = template.build(setup("template", options=OPTIONS), sms)
    said = orjson.loads(call.body)
    assert said["text"] == text and set(said) == {"to", "from", "text", "dlr"}
    assert call.url == "https://gate.example/send/46701740001"
    assert call.headers["Authorization"] == "Bearer token"
    form = {
        "url": "https://g.example/?t={{text}}",
        "body": "to={{to}}&text={{text}}",
        "content_type": "x/form",
    }
    call = template.build(setup("template", options=form), sms)
    assert dict(parse_qsl(call.body.decode(), keep_blank_values=True)) == {"to": sms.to, "text": text}


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "https://g.example/{{number}}"},
        {"headers": {"X\r\nY": "1"}},
        {"headers": {"X": "1\r\nY: 2"}},
        {"accept": "2x"},
        {"method": "TRACE"},
        {"url": "https://g.example/", "body": "hello"},
        {"speed": "fast"},
        {"body": 7},
    ],
)
def test_what_cannot_be_used_is_refused(wrong):
    with pytest.raises(ValueError):
        template.check({**OPTIONS, **wrong})


def test_receipts():
    one = twilio.read_receipt(setup("twilio"), {"MessageSid": "SM1", "MessageStatus": "delivered"})
    assert (one.gateway_id, one.came) == ("SM1", Came.DELIVERED)
    one = twilio.read_receipt(
        setup("twilio"), {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30005"}
    )
    assert (one.came, one.flag) == (Came.FAILED, Flag.BAD_NUMBER)
    assert (
        twilio.read_receipt(setup("twilio"), {"MessageSid": "SM1", "MessageStatus": "sent"}).came
        is Came.ON_THE_WAY
    )
    assert twilio.read_receipt(setup("twilio"), {"MessageStatus": "sent"}) is None
    assert elks.read_receipt(setup("46elks"), {"id": "s1", "status": "failed"}).came is Came.FAILED
    described = setup("template", options=OPTIONS)
    assert template.read_receipt(described, {"msgid": "7", "state": "ok"}).came is Came.DELIVERED
    assert template.read_receipt(described, {"msgid": "7", "state": "seen"}).came is Came.ON_THE_WAY
    assert template.read_receipt(setup("template"), {"msgid": "7", "state": "ok"}) is None


def test_twilios_own_example_of_a_signature():
    """https://www.twilio.com/docs/usage/security: token 12345, the digits of a call."""
    fields = {
        "CallSid": "CA1234567890ABCDE", "Caller": "+12349013030", "Digits": "1234", "From": "+12349013030",
        "To": "+18005551212",
    }  # fmt: skip
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    one = Setup(account_id=1, profile=Profile.TWILIO, url="", user="AC1", secret="12345")
    signature = "0/KCTR6DLpKmkAf8muzZqo1nDgQ="
    assert twilio.signature("12345", url, fields) == signature
    assert twilio.signed(one, url, fields, {"x-twilio-signature": signature})
    assert not twilio.signed(one, url, {**fields, "To": "+1"}, {"x-twilio-signature": signature})
    assert not twilio.signed(one, url, fields, {"x-twilio-signature": "\udcff"})
    assert not twilio.signed(one, url, fields, {})


JUNK = st.dictionaries(st.text(max_size=10), st.text(max_size=30), max_size=5)


@given(st.sampled_from(sorted(PROFILES)), st.integers(100, 999), st.binary(max_size=200), JUNK)
@settings(max_examples=examples(40))
def test_nothing_a_gateway_says_is_an_error_of_ours(profile, status, body, fields):
    said = PROFILES[profile]
    one = setup(profile, options=OPTIONS if profile == "template" else {})
    assert said.read_answer(one, status, fields, body).verdict in Verdict
    said.read_receipt(one, fields)
    said.read_incoming(one, fields)
    said.signed(one, "https://x.example/", fields, fields)
