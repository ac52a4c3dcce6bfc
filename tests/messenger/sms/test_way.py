"""SMS on their way out, over real sockets: every answer, names kept before outcomes, answers to keywords."""

import asyncio

import orjson
import pytest
from django.db import connections
from tests.fixtures.sendings import CLOCK, create_contacts, create_house, create_sending, send_until

from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery import tokens
from tandem.messenger.delivery.domain import AttemptState, Channel, Message
from tandem.messenger.delivery.errors import OutboundStopped
from tandem.messenger.delivery.models import Attempt
from tandem.messenger.delivery.providers import choose, sms
from tandem.messenger.delivery.providers.file import FileProvider
from tandem.messenger.delivery.providers.sms import BlockingSms, SmsWay
from tandem.messenger.gateways import inbox, rules
from tandem.messenger.gateways import service as gateways
from tandem.messenger.gateways.domain import Came, Receipt
from tandem.messenger.gateways.models import CallBack, Gateway, HandedPart
from tandem.messenger.sms import service
from tandem.messenger.sms.domain import AnswerState, Keyword
from tandem.messenger.sms.service import answering
from tandem.simulators.server import Server, Simulator
from tandem.simulators.sms_gateway import SmsGateway
from tandem.simulators.smsc import Smsc

pytestmark = pytest.mark.django_db
SETTING = {"TANDEM_PROVIDER": "file", "TANDEM_PROVIDER_LOCK": "0"}
OPTIONS = {
    "url": "",
    "headers": {"Idempotency-Key": "{{reference}}"},
    "body": '{"to": "{{to}}", "from": "{{sender}}", "text": "{{text}}", "dlr": "{{receipt_url}}"}',
    "id_path": "messages.0.id",
}


@pytest.fixture
def gate(settings):
    one = SmsGateway()
    with Server(Simulator(one)) as server:
        settings.TANDEM_ALLOW_PRIVATE = (f"127.0.0.1:{server.port}",)
        one.url = server.url
        yield one


@pytest.fixture
def here(db, monkeypatch):
    """The way's thread speaks to the database in the test's own transaction."""
    ours = connections["default"]

    def fresh(work):
        connections["default"] = ours
        return work()

    ours.inc_thread_sharing()
    monkeypatch.setattr(sms, "_fresh", fresh)
    monkeypatch.setattr(sms, "_end", lambda: None)
    yield
    ours.dec_thread_sharing()


@pytest.fixture
def account(gate, here):
    return set_up(create_house().account_id, gate)


def set_up(account_id, gate, profile="twilio", **more):
    gateways.set_gateway(
        account_id, profile=profile, url=gate.url, user="AC1", secret="secret", default_sender="Shop", actor="t",
        clock=CLOCK, **more,
    )  # fmt: skip
    return account_id


def message(account_id, attempt=7, to="+46701740001", text="Hej\r\ndu €", sender="Northwind"):
    return Message(
        attempt_id=attempt, account_id=account_id, sending_id=3, channel=Channel.SMS, sender=sender, recipient=to,
        content=f"To: {to}\r\n\r\n{text}\r\n".encode(),
    )  # fmt: skip


def send(*messages, leave=lambda: True):
    async def run():
        way = SmsWay()
        try:
            return await asyncio.gather(*(way.hand_over(one, leave) for one in messages))
        finally:
            await way.close()

    return asyncio.run(run())


@pytest.mark.parametrize("profile", ["twilio", "46elks", "template"])
def test_a_message_is_taken_and_its_name_kept(gate, account, profile):
    options = {**OPTIONS, "url": f"{gate.url}/send"} if profile == "template" else {}
    set_up(account, gate, profile, options=options)
    (outcome,) = send(message(account))
    (letter,) = gate.taken
    assert (letter.to, letter.sender, letter.text) == ("+46701740001", "Northwind", "Hej\ndu €")
    assert outcome.state is AttemptState.ACCEPTED and letter.id in outcome.detail
    assert HandedPart.objects.get(account_id=account).gateway_id == letter.id.lower()
    assert letter.key == (f"{account}-3-7" if profile == "template" else "")


def test_every_answer(gate, account):
    told = {
        "": AttemptState.ACCEPTED, "21610": AttemptState.REJECTED, "21211": AttemptState.REJECTED,
        "500": AttemptState.UNCERTAIN, "503": AttemptState.UNCERTAIN, "html": AttemptState.UNCERTAIN,
        "empty": AttemptState.UNCERTAIN, "cut": AttemptState.UNCERTAIN, "hang-up": AttemptState.UNCERTAIN,
        "21611": AttemptState.DEFERRED,
    }  # fmt: skip
    for number, (answer, state) in enumerate(told.items()):
        gate.answer_next(*([answer] if answer else []))
        (outcome,) = send(message(account, number))
        assert (answer, outcome.state) == (answer, state)
    assert len(gate.taken) == len(told)
    flags = CallBack.objects.filter(account_id=account, kind=inbox.FLAG)
    assert sorted(one.said["flag"] for one in flags) == ["bad number", "opted out"]


def test_the_gate_has_the_last_word(gate, account):
    assert send(message(account), leave=lambda: False) == [None]
    assert gate.taken == []


def test_one_accounts_trouble_is_nobody_elses(gate, account):
    other = set_up(create_house("Southwind").account_id, gate)
    Gateway.objects.filter(account_id=other).update(url="http://127.0.0.1:9")
    ours, theirs = send(message(account), message(other))
    assert (ours.state, theirs.state) == (AttemptState.ACCEPTED, AttemptState.DEFERRED)
    assert gateways.gateway(other).last_problem and not gateways.gateway(account).last_problem


def test_a_wrong_password_waits_and_is_shown(gate, account):
    set_up(account, gate)
    gateways.set_gateway(
        account, profile="twilio", url=gate.url, user="AC1", secret="wrong", actor="t", clock=CLOCK
    )
    (outcome,) = send(message(account))
    assert outcome.state is AttemptState.DEFERRED and gate.taken == []
    assert gateways.gateway(account).last_problem.startswith("401")


def test_without_a_gateway_nothing_leaves(account):
    gateways.close_gateway(account, actor="t", clock=CLOCK)
    with pytest.raises(OutboundStopped):
        send(message(account))


def test_the_country_has_its_own_sender(gate, account):
    set_up(account, gate, senders={"US": "+12125550100", "DE": "Shop DE"})
    send(
        message(account),
        message(account, to="+12125550123"),
        message(account, to="+4915112345678", sender=""),
    )
    assert {one.to: one.sender for one in gate.taken} == {
        "+46701740001": "Northwind",
        "+12125550123": "+12125550100",
        "+4915112345678": "Shop DE",
    }


def test_names_are_kept_before_the_outcome(account, settings, monkeypatch):
    """A process that dies in between leaves an uncertain row, which the receipt settles."""
    smsc = Smsc().start()
    settings.TANDEM_ALLOW_PRIVATE = (f"127.0.0.1:{smsc.port}",)
    gateways.set_gateway(
        account, profile="smpp", url=f"smpp://127.0.0.1:{smsc.port}", user="simulator", secret="secret", actor="t",
        clock=CLOCK,
    )  # fmt: skip
    (outcome,) = send(message(account, text="x" * 200))
    smsc.stop()
    assert outcome.state is AttemptState.ACCEPTED
    rows = HandedPart.objects.filter(account_id=account).order_by("part")
    assert [(one.gateway_id, one.attempt_id, one.parts) for one in rows] == [
        (one.id, 7, 2) for one in smsc.taken
    ]


def test_what_an_smsc_tells_meanwhile_is_kept(account, settings):
    smsc = Smsc(receipts="delivered", replies="Stop").start()
    settings.TANDEM_ALLOW_PRIVATE = (f"127.0.0.1:{smsc.port}",)
    gateways.set_gateway(
        account, profile="smpp", url=f"smpp://127.0.0.1:{smsc.port}", user="simulator", secret="secret", actor="t",
        clock=CLOCK,
    )  # fmt: skip

    async def run():
        way = SmsWay()
        await way.hand_over(message(account), lambda: True)
        async with asyncio.timeout(5):
            while len(smsc.unread) < 2:
                await asyncio.sleep(0.005)
        await way.close()

    asyncio.run(run())
    smsc.stop()
    assert smsc.unread == [0, 0]
    kinds = CallBack.objects.filter(account_id=account).values_list("kind", flat=True)
    assert sorted(kinds) == [inbox.INCOMING, inbox.RECEIPT]


def test_an_answer_leaves_once(gate, account):
    answering.make(account, "+46701740001", Keyword.STOP, sender="+46766000000", clock=CLOCK)
    assert answering.send_due(CLOCK) == 1
    assert answering.send_due(CLOCK) == 0
    (letter,) = gate.taken
    assert letter.sender == "+46766000000" and "START" in letter.text
    assert [one.state for one in service.list_answers(account)] == [AnswerState.SENT]


def test_an_answer_in_doubt_is_not_sent_again(gate, account):
    gate.answer_next("hang-up")
    answering.make(account, "+46701740001", Keyword.HELP, sender="", clock=CLOCK)
    answering.send_due(CLOCK)
    answering.send_due(CLOCK)
    assert len(gate.taken) == 1
    assert [one.state for one in service.list_answers(account)] == [AnswerState.UNCERTAIN]


def test_a_lock_keeps_everything_here(gate, account, settings):
    settings.TANDEM_SENDING = {**settings.TANDEM_SENDING, "TANDEM_PROVIDER_LOCK": "1"}
    answering.make(account, "+46701740001", Keyword.HELP, sender="", clock=CLOCK)
    answering.send_due(CLOCK)
    assert gate.taken == [] and service.list_answers(account)[0].state is AnswerState.NOT_SENT
    assert not choose.goes_to_gateway(account, settings.TANDEM_SENDING)
    assert choose.goes_to_gateway(account, SETTING)


@pytest.mark.django_db(transaction=True)
def test_a_caller_that_waits(gate, tmp_path):
    """With the way's own thread and connection."""
    account = set_up(create_house().account_id, gate)
    provider = choose.provider_for(Channel.SMS, tmp_path, SETTING, account_id=account)
    assert isinstance(provider, BlockingSms)
    assert [provider.send(message(account, n), lambda: True).state for n in range(2)] == [
        AttemptState.ACCEPTED
    ] * 2
    provider.close()
    assert HandedPart.objects.filter(account_id=account).count() == 2


def test_no_secret_is_shown(account):
    said = orjson.dumps(str(gateways.gateway(account)))
    assert b"'secret'" not in said and "secret" not in Gateway.objects.get(account_id=account).secret_sealed


@pytest.mark.django_db(transaction=True)
def test_a_campaign_goes_to_its_gateway_and_anothers_to_files(gate, settings, tmp_path):
    """A real sender: rows, gates, journal; a silent gateway costs its own message its certainty and no more."""
    settings.TANDEM_HOME = tmp_path
    ours, theirs = create_house(), create_house("Southwind")
    set_up(ours.account_id, gate)
    rules.set_rules(ours.account_id, quiet=False, actor="t", clock=CLOCK)
    gate.answer_next("hang-up")
    sendings = {
        house.account_id: create_sending(house, create_contacts(house, 5), channel=Channel.SMS)
        for house in (ours, theirs)
    }
    send_until(ours, sendings[ours.account_id])
    counts = send_until(theirs, sendings[theirs.account_id]).counts
    assert counts == {"accepted": 5} and delivery.outbox_count(theirs.account_id) == 5
    view = delivery.get_sending(ours.account_id, sendings[ours.account_id])
    assert view.counts == {"accepted": 4, "uncertain": 1}
    assert len(gate.taken) == 5 and delivery.outbox_count(ours.account_id) == 0
    marks = [one.fields["StatusCallback"].partition("?m=")[2] for one in gate.taken]
    assert len(set(marks)) == 5
    lost = Attempt.objects.get(account_id=ours.account_id, state=AttemptState.UNCERTAIN)
    mark = tokens.make(settings.SECRET_KEY, tokens.RECEIPT, lost.sending_id, lost.pk)
    receipt = Receipt(gateway_id="SM1", came=Came.DELIVERED, mark=mark)
    inbox.keep(ours.account_id, [receipt], CLOCK.system())
    service.work_due(CLOCK)
    after = delivery.get_sending(ours.account_id, sendings[ours.account_id])
    assert after.counts == {"accepted": 5} and mark in marks


def test_what_a_dead_sender_left_is_looked_for_in_files_only(account, tmp_path):
    way = SmsWay(otherwise=FileProvider(tmp_path))
    other = create_house("Southwind").account_id
    assert way.arrived(message(account)) is None
    assert way.arrived(message(other)) is False
    gateways.close_gateway(account, actor="t", clock=CLOCK)
    assert way.arrived(message(account)) is None
    asyncio.run(way.close())
