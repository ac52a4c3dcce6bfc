"""Test messages through their doors: verified addresses only, once, marked, in no ledger and no number."""

import contextlib
import json
import re
import time
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.test import Client
from tests.fixtures.processes import free_port
from tests.fixtures.sendings import CLOCK, change_contact, create_contacts, create_house
from typer.testing import CliRunner

from tandem.kit.clock import FrozenClock
from tandem.messenger.accounts import prices
from tandem.messenger.accounts import service as accounts
from tandem.messenger.cli import testsends as cli
from tandem.messenger.contacts import keys
from tandem.messenger.contacts import service as contacts
from tandem.messenger.delivery.models import Attempt, Sending
from tandem.messenger.projects import service as projects
from tandem.messenger.projects.domain import EmailSource
from tandem.messenger.reporting.models import MetricReport
from tandem.messenger.testsends import domain, errors, service
from tandem.messenger.testsends.models import AllowedAddress, SentTest
from tandem.messenger.testsends.service import handing
from tandem.simulators.relay import Relay
from tandem.simulators.relay_script import Rule, Script

pytestmark = pytest.mark.django_db
ANNA, NUMBER = "anna@shop.example", "+46701112233"


@pytest.fixture
def house(db, settings, tmp_path):
    settings.TANDEM_HOME = tmp_path
    made = create_house()
    create_contacts(made, 2)
    return made


@pytest.fixture
def house_of_verified(house):
    for address in (ANNA, NUMBER):
        verified(house, address)
    return house


def verified(house, address):
    made, _ = service.add_address(house.account_id, address, actor="admin", clock=CLOCK)
    service.verify_address(house.account_id, made.id, newest_code(house), actor="admin", clock=CLOCK)


def newest_code(house):
    box = service.sent_messages(house.account_id)
    text = " ".join(f"{one.subject} {one.text}" for one in box[:1])
    return re.search(r"\b[0-9]{6}\b", text)[0]


def version_of(house, trigger_id):
    return projects.get_trigger(house.account_id, trigger_id).versions[0].id


def wish_of(house, to=(ANNA,), **more):
    asked = {"trigger_id": house.email_trigger, "original_id": "c1", **more}
    version_id = asked.pop("version_id", None) or version_of(house, asked["trigger_id"])
    return domain.Wish(version_id=version_id, to=tuple(to), **asked)


def send(house, wish):
    return service.send_test(house.account_id, wish, actor="me", clock=CLOCK)


def written_of(house, subject="[Test]"):
    return [one for one in service.sent_messages(house.account_id) if one.subject.startswith(subject)]


def page_of(house, role="administrator"):
    email = f"{role}@{house.account_id}.example"
    user = accounts.create_user(house.account_id, email=email, password="a long enough password", role=role)
    client = Client()
    client.force_login(get_user_model().objects.get(pk=user.id))
    return client


@contextlib.contextmanager
def relay(settings, tmp_path, *rules):
    with Relay(log=tmp_path / "truth.jsonl", script=Script(rules=rules)) as made:
        settings.TANDEM_SENDING = {
            **settings.TANDEM_SENDING, "TANDEM_PROVIDER": "smtp", "TANDEM_SMTP_HOST": "127.0.0.1",
            "TANDEM_SMTP_PORT": str(made.port), "TANDEM_SMTP_STARTTLS": "0", "TANDEM_PROVIDER_LOCK": "0",
        }  # fmt: skip
        yield made.facts


def test_an_address_is_verified_by_the_code_that_was_sent_there(house):
    made, line = service.add_address(house.account_id, " Anna@Shop.example", actor="admin", clock=CLOCK)
    assert (made.channel, made.verified_at) == ("email", None)
    assert (line.fate, line.answer) == (domain.Fate.ACCEPTED, "in the outbox")
    raw = service.message(house.account_id, "email", service.sent_messages(house.account_id)[0].name).raw
    assert raw.startswith(b"From: ") and b"\n" not in raw.replace(b"\r\n", b"")
    code = newest_code(house)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    with pytest.raises(errors.WrongCode):
        service.verify_address(house.account_id, made.id, wrong, actor="admin", clock=CLOCK)
    done = service.verify_address(house.account_id, made.id, code, actor="admin", clock=CLOCK)
    assert done.verified_at is not None
    assert code not in AllowedAddress.objects.get().code_hash


def test_a_code_holds_for_a_while_and_for_a_few_tries(house):
    made, _ = service.add_address(house.account_id, NUMBER, actor="admin", clock=CLOCK)
    code = newest_code(house)
    late = FrozenClock(CLOCK.system() + domain.CODE_HOLDS + timedelta(minutes=1))
    with pytest.raises(errors.WrongCode, match="too old"):
        service.verify_address(house.account_id, made.id, code, actor="admin", clock=late)
    for _ in range(domain.MOST_TRIES):
        with pytest.raises(errors.WrongCode):
            service.verify_address(house.account_id, made.id, "nonsense", actor="admin", clock=CLOCK)
    with pytest.raises(errors.WrongCode, match="wrong codes"):
        service.verify_address(house.account_id, made.id, code, actor="admin", clock=CLOCK)
    service.send_code(house.account_id, made.id, actor="admin", clock=CLOCK)
    assert service.verify_address(
        house.account_id, made.id, newest_code(house), actor="admin", clock=CLOCK
    ).verified_at


@pytest.mark.parametrize("text", ["", "anna", "anna@", "070-1112233", "a\nb@c.example", "+46"])
def test_what_is_no_address_is_refused(house, text):
    with pytest.raises(errors.BadAddress):
        service.add_address(house.account_id, text, actor="admin", clock=CLOCK)
    assert not AllowedAddress.objects.exists()


def test_codes_of_an_hour_are_limited(house, monkeypatch):
    monkeypatch.setattr("tandem.messenger.testsends.service.addresses.CODES_PER_HOUR", 1)
    made, _ = service.add_address(house.account_id, ANNA, actor="admin", clock=CLOCK)
    with pytest.raises(errors.TooManyTests):
        service.send_code(house.account_id, made.id, actor="admin", clock=CLOCK)


def test_a_test_is_marked_and_written_as_the_customer(house_of_verified):
    done = send(house_of_verified, wish_of(house_of_verified, original_id="c2"))
    assert [(line.to, line.fate, line.answer) for line in done.lines] == [
        (ANNA, domain.Fate.ACCEPTED, "in the outbox")
    ]
    (found,) = written_of(house_of_verified)
    assert (found.subject, found.to) == ("[Test] Hello Ann 2", ANNA)
    whole = service.message(house_of_verified.account_id, "email", found.name)
    mail = message_from_bytes(whole.raw, policy=policy.default)
    assert mail["X-Tandem-Test"] == "yes"
    assert "Hello Ann 2" in whole.html
    assert "/u/" not in whole.raw.decode()
    assert "unsubscribe.invalid" in mail["List-Unsubscribe"]


def test_an_sms_goes_to_verified_numbers(house_of_verified):
    done = send(
        house_of_verified, wish_of(house_of_verified, [NUMBER], trigger_id=house_of_verified.sms_trigger)
    )
    assert done.lines[0].fate is domain.Fate.ACCEPTED
    texts = [one for one in service.sent_messages(house_of_verified.account_id) if one.channel == "sms"]
    assert (texts[0].to, texts[0].text.strip()) == (NUMBER, "Hello Ann 1, a cup is waiting.")


def test_a_draft_that_was_never_activated_is_sent(house_of_verified):
    house = house_of_verified
    source = EmailSource(subject="Soon, {{contact.firstName}}", html="<p>Draft</p>")
    draft = projects.save_draft(house.account_id, house.email_trigger, source, name="next", clock=CLOCK)
    assert send(house, wish_of(house, version_id=draft.id)).lines[0].fate is domain.Fate.ACCEPTED
    assert written_of(house)[0].subject == "[Test] Soon, Ann 1"
    assert projects.send_target(house.account_id, house.email_trigger).version_id != draft.id


def test_tests_leave_ledger_numbers_and_outbox_untouched(house_of_verified, tmp_path):
    send(house_of_verified, wish_of(house_of_verified))
    assert not Sending.objects.exists()
    assert not Attempt.objects.exists()
    assert not MetricReport.objects.exists()
    assert not (tmp_path / "outbox").exists()
    assert SentTest.objects.filter(kind="test").count() == 1


def test_the_record_holds_no_address_and_no_customer_id(house_of_verified):
    send(house_of_verified, wish_of(house_of_verified))
    row = SentTest.objects.filter(kind="test").values().get()
    assert row["key"] == keys.email_key(house_of_verified.account_id, ANNA)
    assert not re.search(r"anna|\bc1\b", json.dumps(row, default=str).lower())


def test_the_database_refuses_a_test_to_an_address_that_is_not_verified(house):
    service.add_address(house.account_id, ANNA, actor="admin", clock=CLOCK)
    row = {
        "account_id": house.account_id, "run": "x", "kind": "test", "channel": "email", "fate": "waiting",
        "key": keys.email_key(house.account_id, ANNA), "actor": "me", "at": CLOCK.system(),
    }  # fmt: skip
    with pytest.raises(IntegrityError, match="verified"), transaction.atomic():
        SentTest.objects.create(**row)
    code = SentTest.objects.get(kind="code")
    with pytest.raises(IntegrityError, match="verified"), transaction.atomic():
        SentTest.objects.filter(pk=code.pk).update(kind="test")


def test_addresses_that_are_not_verified_are_refused_and_none_gets_it(house_of_verified):
    service.add_address(house_of_verified.account_id, "bo@shop.example", actor="admin", clock=CLOCK)
    for strange in ("bo@shop.example", "c1@people.example"):
        with pytest.raises(errors.NotVerified, match=strange):
            send(house_of_verified, wish_of(house_of_verified, [ANNA, strange]))
    assert written_of(house_of_verified) == []


def test_twenty_one_addresses_and_none_are_refused(house_of_verified):
    many = [f"a{n}@shop.example" for n in range(21)]
    with pytest.raises(errors.BadTest, match="at most 20"):
        send(house_of_verified, wish_of(house_of_verified, many))
    with pytest.raises(errors.BadTest, match="no address"):
        send(house_of_verified, wish_of(house_of_verified, []))
    with pytest.raises(errors.BadTest, match="cannot get an email"):
        send(house_of_verified, wish_of(house_of_verified, [NUMBER]))


def test_twenty_addresses_get_it_each_once(house):
    many = [f"a{n}@shop.example" for n in range(20)]
    for address in many:
        verified(house, address)
    done = send(house, wish_of(house, [*many[:10], *many[:10], *many[10:]][:20]))
    assert len(done.lines) == 10
    done = send(house, wish_of(house, many, original_id="c2"))
    assert {line.fate for line in done.lines} == {domain.Fate.ACCEPTED}
    assert sorted(one.to for one in written_of(house, "[Test] Hello Ann 2")) == sorted(many)


def test_the_same_key_is_one_test(house_of_verified):
    wish = wish_of(house_of_verified, key="form-1")
    first, second = send(house_of_verified, wish), send(house_of_verified, wish)
    assert (first.repeated, second.repeated) == (False, True)
    assert len(written_of(house_of_verified)) == 1
    with pytest.raises(errors.KeyUsedOtherwise):
        send(house_of_verified, wish_of(house_of_verified, key="form-1", original_id="c2"))


def test_tests_of_an_hour_are_limited(house_of_verified, monkeypatch):
    monkeypatch.setattr("tandem.messenger.testsends.service.sending.MOST_PER_HOUR", 1)
    send(house_of_verified, wish_of(house_of_verified))
    with pytest.raises(errors.TooManyTests):
        send(house_of_verified, wish_of(house_of_verified))
    later = FrozenClock(CLOCK.system() + timedelta(minutes=61))
    service.send_test(house_of_verified.account_id, wish_of(house_of_verified), actor="me", clock=later)


def test_an_unsubscribed_or_suppressed_address_gets_it_and_it_is_said(house_of_verified):
    house = house_of_verified
    change_contact(
        house, "c1", email=ANNA, email_key=keys.email_key(house.account_id, ANNA), unsubscribed=True
    )
    line = send(house, wish_of(house)).lines[0]
    assert (line.fate, line.note) == (domain.Fate.ACCEPTED, domain.NOTES["unsubscribed"])
    change_contact(house, "c1", email="other@people.example", email_key="x", unsubscribed=False)
    contacts.suppress(house.account_id, address=ANNA, channel="email", reason="asked", clock=CLOCK)
    assert send(house, wish_of(house)).lines[0].note == domain.NOTES["suppressed"]


def test_a_removed_address_gets_nothing_more_and_its_record_stays(house_of_verified):
    done = send(house_of_verified, wish_of(house_of_verified))
    address = next(a for a in service.list_addresses(house_of_verified.account_id) if a.address == ANNA)
    service.remove_address(house_of_verified.account_id, address.id, actor="admin", clock=CLOCK)
    with pytest.raises(errors.NotVerified):
        send(house_of_verified, wish_of(house_of_verified))
    shown = service.show(house_of_verified.account_id, done.key, clock=CLOCK)
    assert [line.to for line in shown.lines] == ["an address no longer on the list"]


def test_a_forgotten_customer_leaves_the_tests(house_of_verified):
    send(house_of_verified, wish_of(house_of_verified))
    send(house_of_verified, wish_of(house_of_verified, original_id="c2"))
    account = house_of_verified.account_id
    assert service.forget(account, "c1", dry_run=True) == {"test messages": 1}
    assert service.forget(account, "c1") == {"test messages": 1}
    assert [one.subject for one in written_of(house_of_verified)] == ["[Test] Hello Ann 2"]


def test_a_real_relay_takes_it_and_its_refusal_is_told_in_its_words(house_of_verified, settings, tmp_path):
    verified(house_of_verified, "bo@shop.example")
    with relay(
        settings, tmp_path, Rule(at="rcpt", to="bo@shop.example", reply="550 5.1.1 no such person")
    ) as truth:
        done = send(house_of_verified, wish_of(house_of_verified, [ANNA, "bo@shop.example"]))
        assert [(line.fate, line.answer) for line in done.lines] == [
            (domain.Fate.ACCEPTED, "250 2.0.0 taken"),
            (domain.Fate.REJECTED, "550 5.1.1 no such person"),
        ]
        assert [fact["to"] for fact in truth()] == [ANNA]
        client = page_of(house_of_verified)
        version = version_of(house_of_verified, house_of_verified.email_trigger)
        address = f"/ui/projects/triggers/{house_of_verified.email_trigger}/versions/{version}/test"
        form = {"to": ["bo@shop.example"], "contact": "c1", "token": "t1"}
        assert "550 5.1.1 no such person" in client.post(address, form, follow=True).content.decode()


def test_a_relay_that_is_not_there_is_told_and_nothing_left(house_of_verified, settings):
    settings.TANDEM_SENDING = {
        **settings.TANDEM_SENDING, "TANDEM_PROVIDER": "smtp", "TANDEM_SMTP_PORT": str(free_port()),
        "TANDEM_SMTP_HOST": "127.0.0.1", "TANDEM_PROVIDER_LOCK": "0",
    }  # fmt: skip
    line = send(house_of_verified, wish_of(house_of_verified)).lines[0]
    assert line.fate is domain.Fate.NOT_SENT
    assert "does not answer" in line.answer


@pytest.mark.django_db(transaction=True)
def test_a_slow_relay_is_not_waited_for_and_its_answer_is_recorded_later(
    house, settings, tmp_path, monkeypatch
):
    verified(house, ANNA)
    monkeypatch.setattr(handing, "ANSWER_WITHIN", 0.3)
    client = page_of(house)
    version = version_of(house, house.email_trigger)
    address = f"/ui/projects/triggers/{house.email_trigger}/versions/{version}/test"
    with relay(settings, tmp_path, Rule(at="dot", seconds=1.5)):
        began = time.monotonic()
        page = client.post(address, {"to": [ANNA], "contact": "c1", "token": "t2"}, follow=True)
        assert time.monotonic() - began < 1.4
        assert "No answer yet." in page.content.decode()
        assert 'hx-trigger="every 1s"' in page.content.decode()
        deadline = time.monotonic() + 10
        while SentTest.objects.get(kind="test").fate == "waiting" and time.monotonic() < deadline:
            time.sleep(0.1)
        shown = client.get(f"{address}?test=t2", headers={"HX-Request": "true"}).content.decode()
        assert "250 2.0.0 taken" in shown
        assert "every 1s" not in shown
        assert "<html" not in shown


def test_the_page_sends_once_however_often_it_is_loaded(house_of_verified):
    client, house = page_of(house_of_verified), house_of_verified
    address = f"/ui/projects/triggers/{house.email_trigger}/versions/{version_of(house, house.email_trigger)}"
    assert "Send a test" in client.get(f"{address}?contact=c1").content.decode()
    page = client.get(f"{address}/test?contact=c1").content.decode()
    token = re.search(r'name="token" value="([^"]+)"', page)[1]
    form = {"to": [ANNA], "contact": "c1", "token": token}
    assert "in the outbox" in client.post(f"{address}/test", form, follow=True).content.decode()
    again = client.post(f"{address}/test", form, follow=True).content.decode()
    assert "it was not sent again" in again
    assert len(written_of(house)) == 1
    refused = client.post(f"{address}/test", {**form, "to": ["x@y.example"], "token": "new"})
    assert refused.status_code == 422
    assert "tests go only to verified addresses" in refused.content.decode()
    assert page_of(house, "viewer").post(f"{address}/test", {**form, "token": "v"}).status_code == 403


def test_the_settings_page_keeps_the_addresses(house):
    client, editor = page_of(house), page_of(house, "editor")
    assert editor.post("/ui/settings/test-addresses", {"do": "add", "address": ANNA}).status_code == 403
    page = client.post("/ui/settings/test-addresses", {"do": "add", "address": ANNA}, follow=True)
    assert "in the outbox" in page.content.decode()
    row = AllowedAddress.objects.get()
    wrong = {"do": "verify", "address_id": row.pk, "code": "nope"}
    assert "not the code" in client.post("/ui/settings/test-addresses", wrong, follow=True).content.decode()
    right = {**wrong, "code": newest_code(house)}
    page = client.post("/ui/settings/test-addresses", right, follow=True).content.decode()
    assert "is verified; tests may go there" in page
    box = client.get("/ui/tests").content.decode()
    (path,) = re.findall(r'href="(/ui/tests/email/[^"]+)"', box)
    assert newest_code(house) in client.get(path).content.decode()
    assert page_of(create_house("Southwind")).get(path).status_code == 404
    client.post("/ui/settings/test-addresses", {"do": "remove", "address_id": row.pk})
    assert not AllowedAddress.objects.exists()


def test_programs_send_tests_and_see_what_became_of_them(house_of_verified):
    house = house_of_verified
    token = accounts.create_api_user(house.account_id, "planner").token
    base = f"/rest/{house.account_id}"
    path = f"{base}/triggers/{house.email_trigger}/campaigns/{version_of(house, house.email_trigger)}/test"
    headers = {"X-Carma-Authentication-Token": token, "Idempotency-Key": "k1"}

    def post(body, where=path, **more):
        return Client().post(where, json.dumps(body), "application/json", headers={**headers, **more})

    body = {"to": [ANNA], "originalId": "c1"}
    made = post(body).json()
    assert made["messages"] == [{"to": ANNA, "state": "accepted", "answer": "in the outbox", "note": ""}]
    assert post(body).json()["repeated"] is True
    assert len(written_of(house)) == 1
    shown = Client().get(f"{path}?id={made['id']}", headers=headers).json()
    assert shown["messages"] == made["messages"]
    listed = Client().get(f"{base}/testaddresses", headers=headers).json()
    assert [(one["address"], one["verified"]) for one in listed] == [(ANNA, True), (NUMBER, True)]
    fresh = {"Idempotency-Key": "k2"}
    assert post({"to": ["x@y.example"]}, **fresh).status_code == 422
    assert post({"to": [f"a{n}@y.example" for n in range(21)]}, **fresh).status_code == 422
    assert post({"to": ANNA}, **fresh).status_code == 400
    assert post({**body, "originalId": "nobody"}, **fresh).status_code == 404
    other = create_house("Southwind")
    theirs = f"{base}/triggers/{other.email_trigger}/campaigns/{version_of(other, other.email_trigger)}/test"
    assert post(body, theirs, **fresh).status_code == 404
    sms = f"{base}/triggers/{house.sms_trigger}/campaigns/{version_of(house, house.sms_trigger)}/test"
    assert Client().get(f"{sms}?id={made['id']}", headers=headers).status_code == 404


def test_the_command_line_adds_verifies_and_sends(house):
    runner = CliRunner()

    def run(*words):
        done = runner.invoke(cli.app, list(words))
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    made = json.loads(run("add", ANNA, "--json"))
    run("verify", str(made["id"]), newest_code(house))
    assert "verified" in run("addresses")
    sent = json.loads(run("send", str(house.email_trigger), "--to", ANNA, "--as", "c1", "--json"))
    assert sent["lines"][0]["fate"] == "accepted"
    assert ANNA in run("list")
    run("sms-price", "0.045")
    assert f"{prices.sms_price(house.account_id).of(2):f}" == "0.090"
    refused = runner.invoke(cli.app, ["send", str(house.email_trigger), "--to", "x@y.example"])
    assert refused.exit_code == 2


def test_a_preview_tells_fallbacks_and_the_price_of_an_sms(house):
    token = accounts.create_api_user(house.account_id, "planner").token
    source = EmailSource(
        subject="Hi {{print contact.firstName 'friend'}}",
        html="<p>{{contact.city}} {{print contact.lastName 'you'}} {{contact.lastName}}</p>",
    )
    draft = projects.save_draft(house.account_id, house.email_trigger, source, name="next", clock=CLOCK)
    change_contact(house, "c1", first_name="")
    base, headers = f"/rest/{house.account_id}/triggers", {"X-Carma-Authentication-Token": token}
    path = f"{base}/{house.email_trigger}/campaigns/{draft.id}/preview?originalId=c1"
    seen = Client().get(path, headers=headers).json()
    assert seen["subject"] == "Hi friend"
    assert (seen["missing"], seen["fallbacks"]) == (["city", "firstname", "lastname"], ["firstname"])
    text = (
        f"{base}/{house.sms_trigger}/campaigns/{version_of(house, house.sms_trigger)}/preview?originalId=c2"
    )
    assert "cost" not in Client().get(text, headers=headers).json()["sms"]
    prices.set_sms_price(house.account_id, "0,045", actor="admin", clock=CLOCK)
    found = Client().get(text, headers=headers).json()["sms"]
    version = f"/ui/projects/triggers/{house.sms_trigger}/versions/{version_of(house, house.sms_trigger)}"
    assert "0.045 EUR" in page_of(house).get(f"{version}?contact=c2").content.decode()
    assert (found["cost"], found["currency"], found["parts"]) == ("0.045", "EUR", 1)


@pytest.mark.parametrize("price", ["-1", "0", "free", "1e9", "0.00001", "NaN"])
def test_what_is_no_price_is_refused_and_changes_nothing(house, price):
    client = page_of(house)
    client.post("/ui/settings/test-addresses", {"do": "price", "price": "0.05"})
    answer = client.post("/ui/settings/test-addresses", {"do": "price", "price": price}, follow=True)
    assert "is no price" in answer.content.decode()
    assert f"{prices.sms_price(house.account_id).amount:f}" == "0.05"
    client.post("/ui/settings/test-addresses", {"do": "price", "price": ""})
    assert prices.sms_price(house.account_id) is None
