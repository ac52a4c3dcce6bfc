"""A sending stands before its gate: asked with real calls, held until answered, by hand, by time or too late."""

from datetime import timedelta
from email import message_from_bytes, policy
from urllib.parse import urlsplit

import pytest
from django.test import Client
from tests.fixtures.hooks import receiver
from tests.fixtures.messages import create_desk
from tests.fixtures.sendings import CLOCK, House, send_until, turn_once

from tandem.kit.clock import FrozenClock
from tandem.messenger.delivery import holding, ledger, service
from tandem.messenger.delivery.domain import Channel, PlannedTemplate, SendingState
from tandem.messenger.delivery.models import AddedValues, Attempt, Sending
from tandem.messenger.delivery.providers.memory import MemoryProvider
from tandem.messenger.delivery.sender import life as sender
from tandem.messenger.projects import service as projects
from tandem.messenger.sendgate import service as gates
from tandem.messenger.sendgate.domain import HoldState
from tandem.messenger.sendgate.errors import AnswerRefused, HoldOver, UnknownHold
from tandem.messenger.webhooks import service as webhooks
from tandem.messenger.webhooks.errors import BadSubscription, UnknownGate

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def kept_desks(keep):
    return keep(lambda _: (create_desk(), create_desk(7002, "Other")))


@pytest.fixture
def desks(kept_desks, db, settings, tmp_path):
    settings.TANDEM_HOME = tmp_path
    return kept_desks.take(settings, tmp_path)


@pytest.fixture
def desk(desks):
    return desks[0]


@pytest.fixture
def memory(monkeypatch):
    provider = MemoryProvider()
    monkeypatch.setattr(sender, "way_out_for", lambda *_: provider)
    return provider


@pytest.fixture
def hook(settings):
    with receiver() as mine:
        settings.TANDEM_ALLOW_PRIVATE = (mine.pair,)
        yield mine


@pytest.fixture
def clock():
    return FrozenClock(CLOCK.system())


@pytest.fixture
def gate(desk, hook, memory):
    return webhooks.set_gate(desk.account, url=hook.url("/gate"), clock=CLOCK)


def plan(desk, kind="campaign", number=42, due_at=None):
    target = projects.send_target(desk.account, desk.mail)
    template = PlannedTemplate(
        template_id=desk.mail,
        version_id=target.version_id,
        list_id=desk.people,
        due_at=due_at or CLOCK.business(),
    )
    return ledger.open_sending(
        desk.account,
        source_key=f"{kind}:{number}",
        channel=Channel.EMAIL,
        templates=[template],
        rows=[("bo", desk.mail), ("a b/c@d", desk.mail), ("stranger", desk.mail)],
        clock=CLOCK,
        kind=kind,
        name=f"Campaign {number}",
        campaign_id=number,
        channel_id=504,
    )


def ask(hook, clock):
    """Look, ask who is to be asked, and what the gate was sent last."""
    gates.look(clock)
    for account_id, hold_id in gates.to_ask(clock):
        gates.ask(account_id, hold_id, clock=clock)
    return hook.got[-1].json if hook.got else None


def finish(question, body=b"", status=200):
    answer = Client().post(urlsplit(question["finishUri"]).path, body, content_type="application/json")
    assert answer.status_code == status, answer.content
    return answer.json()


def until_ended(desk, sending_id):
    house = House(account_id=desk.account, list_id=desk.people, email_trigger=desk.mail, sms_trigger=desk.sms)
    return send_until(house, sending_id)


def test_the_gate_is_told_what_waits_and_where_to_answer(desk, hook, gate, clock, memory):
    sending_id = plan(desk)
    turn_once()
    question = ask(hook, clock)

    assert question["description"] == "SendGate"
    assert (question["customerId"], question["sendoutId"], question["recipients"]) == (
        desk.account,
        sending_id,
        3,
    )
    (campaign,) = question["campaigns"]
    assert (campaign["campaign"], campaign["project"], campaign["list"]) == ("Receipt", "Shop", "Customers")
    assert memory.messages == []
    assert ask(hook, clock) and len(hook.got) == 1  # acknowledged: not asked again

    link = urlsplit(question["contactFileUri"])
    answer = Client().get(link.path, query_params=dict(p.split("=") for p in link.query.split("&")))
    lines = b"".join(answer.streaming_content).split(b"\n")
    assert answer["Content-Type"] == "application/jsonl"
    assert [line[:17] for line in lines] == [b'{"contactId":"bo"', b'{"contactId":"a b', b""]
    assert b'"bonus":"5"' in lines[0]


def test_nothing_leaves_before_finish_and_all_of_it_after(desk, hook, gate, clock, memory):
    sending_id = plan(desk)
    question = ask(hook, clock)
    for _ in range(3):
        turn_once()
    assert memory.messages == []
    assert service.get_sending(desk.account, sending_id).state is SendingState.SCHEDULED

    assert (
        finish(question)["message"] == f"Sendout {sending_id} goes: 0 messages rejected, 0 with added data."
    )
    assert until_ended(desk, sending_id).counts == {"accepted": 2, "skipped": 1}
    assert finish(question)["rejected"] == 0  # asked again, it says what it said


@pytest.mark.parametrize(
    "body",
    [
        b'{"messages":[{"contactId":"bo","reject":true},'
        b'{"contactId":"a b/c@d","properties":{"Order":"A-17","bonus":99}}]}',
        b'{"contactId":"bo","reject":true}\n{"contactId":"a b/c@d","properties":{"Order":"A-17","bonus":99}}\n',
    ],
)
def test_messages_are_rejected_and_others_get_data(desk, hook, gate, clock, memory, body):
    sending_id = plan(desk)
    question = ask(hook, clock)

    answer = finish(question, body)
    assert (answer["rejected"], answer["added"]) == (1, 1)
    until_ended(desk, sending_id)

    (message,) = memory.messages
    assert message.recipient == "anna@people.example"
    text = message_from_bytes(message.content, policy=policy.default).get_body(("html",)).get_content()
    assert "Bonus 99, order A-17 A-17" in text
    assert service.reasons(desk.account, sending_id) == {holding.REJECTED_WORD: 1, "no contact": 1}
    assert gates.hold_of(desk.account, sending_id).state is HoldState.FINISHED


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"messages":{}}',
        b'{"messages":[{"reject":true}]}',
        b'{"messages":[{"contactId":"bo","reject":1}]}',
        b'{"messages":[{"contactId":"bo","properties":{"a":{}}}]}',
        b'{"messages":[{"contactId":"bo"},{"contactId":"bo"}]}',
        b'{"messages":[{"contactId":"bo","reject":true},{"contactId":"nobody","reject":true}]}',
    ],
)
def test_an_answer_that_cannot_be_taken_changes_nothing(desk, hook, gate, clock, memory, body):
    sending_id = plan(desk)
    question = ask(hook, clock)

    assert "error" in finish(question, body, 400)
    turn_once()
    assert memory.messages == []
    assert Attempt.objects.filter(sending_id=sending_id, state=0).count() == 2
    assert not AddedValues.objects.exists()


def test_the_gate_is_asked_until_it_acknowledges(desk, hook, gate, clock):
    hook.status = 500
    sending_id = plan(desk)
    first = ask(hook, clock)
    ask(hook, clock)
    assert len(hook.got) == 1
    clock.move(seconds=21)
    hook.status = 200
    second = ask(hook, clock)
    assert len(hook.got) == 2
    assert first["finishUri"] == second["finishUri"]
    assert gates.hold_of(desk.account, sending_id).tries == 2


def test_without_an_answer_it_holds(desk, hook, gate, clock, memory):
    sending_id = plan(desk, due_at=CLOCK.business() + timedelta(days=2))
    ask(hook, clock)
    clock.move(days=1)
    gates.look(clock)
    assert Sending.objects.get(id=sending_id).gate_held


def test_a_gate_may_be_set_to_send_without_an_answer(desk, hook, clock, memory):
    webhooks.set_gate(desk.account, url=hook.url(), minutes=10, clock=CLOCK)
    sending_id = plan(desk)
    question = ask(hook, clock)
    clock.move(minutes=9, seconds=59)
    gates.look(clock)
    turn_once()
    assert memory.messages == []

    clock.move(seconds=1)
    gates.look(clock)
    assert until_ended(desk, sending_id).counts["accepted"] == 2
    assert gates.hold_of(desk.account, sending_id).state is HoldState.TIMED_OUT
    assert "without an answer" in finish(question, status=409)["error"]


def test_the_late_cut_off_holds_behind_a_gate_too(desk, hook, gate, clock, memory):
    sending_id = plan(desk)
    question = ask(hook, clock)
    clock.move(minutes=61)
    gates.look(clock)
    finish(question, status=409)

    assert until_ended(desk, sending_id).counts == {"missed": 2, "skipped": 1}
    assert memory.messages == []
    assert gates.hold_of(desk.account, sending_id).state is HoldState.MISSED


def test_a_person_lets_it_go(desk, hook, gate, clock, memory):
    sending_id = plan(desk)
    question = ask(hook, clock)
    view = gates.let_go(desk.account, sending_id, actor="ann@shop.example", clock=clock)

    assert (view.state, view.by) == (HoldState.LET_GO, "ann@shop.example")
    assert until_ended(desk, sending_id).counts["accepted"] == 2
    finish(question, status=409)
    with pytest.raises(HoldOver):
        gates.let_go(desk.account, sending_id, actor="x", clock=clock)


def test_a_person_cancels_it(desk, hook, gate, clock, memory):
    sending_id = plan(desk)
    question = ask(hook, clock)
    service.cancel(desk.account, sending_id, clock=clock)
    gates.look(clock)

    finish(question, status=409)
    assert until_ended(desk, sending_id).counts == {"cancelled": 2, "skipped": 1}
    assert gates.hold_of(desk.account, sending_id).state is HoldState.ENDED


def test_a_project_s_gate_stands_before_the_account_s(desk, hook, gate, memory):
    project = projects.get_trigger(desk.account, desk.mail).project_id
    own = webhooks.set_gate(desk.account, url=hook.url("/own"), project_id=project, clock=CLOCK)
    assert Sending.objects.get(id=plan(desk)).gate_id == own.id

    webhooks.set_gate(desk.account, url=hook.url("/own"), project_id=project, enabled=False, clock=CLOCK)
    assert Sending.objects.get(id=plan(desk, number=43)).gate_id is None

    webhooks.remove_gate(desk.account, own.id)
    assert Sending.objects.get(id=plan(desk, number=44)).gate_id == gate.id


def test_jobs_stand_before_it_and_single_messages_do_not(desk, gate):
    assert Sending.objects.get(id=plan(desk, kind="job")).gate_held
    row = desk.row(desk.send())
    assert (row.sending.gate_id, row.sending.gate_held) == (None, False)


def test_a_gate_that_was_removed_holds_until_a_person_decides(desk, hook, gate, clock, memory):
    sending_id = plan(desk)
    webhooks.remove_gate(desk.account, gate.id)
    assert ask(hook, clock) is None
    assert "was removed" in gates.hold_of(desk.account, sending_id).last_words
    turn_once()
    assert memory.messages == []


def test_an_address_that_is_wrong_or_old_opens_nothing(desk, hook, gate, clock):
    plan(desk)
    question = ask(hook, clock)
    path = urlsplit(question["contactFileUri"])
    expires, signature = (part.split("=")[1] for part in path.query.split("&"))
    for query in (
        {},
        {"expires": expires, "signature": signature[:-1] + "01"[signature[-1] == "0"]},
        {"expires": "9" * 10, "signature": signature},
        {"expires": "ö", "signature": "ö"},
    ):
        assert Client().get(path.path, query_params=query).status_code == 403
    clock.move(hours=25)
    with pytest.raises(gates.file.BadLink):
        gates.open_file(path.path.split("/")[2], expires=expires, signature=signature, clock=clock)
    assert Client().post("/gate/none/finish", b"", content_type="application/json").status_code == 404
    finish(question)
    answer = Client().get(path.path, query_params={"expires": expires, "signature": signature})
    assert answer.status_code == 409


def test_another_account_s_holds_are_not_there(desks, hook, gate, clock):
    mine, other = desks
    sending_id = plan(mine)
    ask(hook, clock)
    assert gates.hold_of(other.account, sending_id) is None
    assert gates.holds(other.account) == []
    with pytest.raises(UnknownHold):
        gates.let_go(other.account, sending_id, actor="x", clock=clock)
    with pytest.raises(UnknownGate):
        webhooks.remove_gate(other.account, gate.id)
    plan(other)
    assert not Sending.objects.get(account_id=other.account).gate_held


def test_minutes_that_are_no_wait_are_refused(desk):
    with pytest.raises(BadSubscription):
        webhooks.set_gate(desk.account, url="https://shop.example/", minutes=-1, clock=CLOCK)


def test_a_process_that_dies_at_the_answer_changes_nothing(desk, hook, gate, clock, memory, monkeypatch):
    sending_id = plan(desk)
    token = urlsplit(ask(hook, clock)["finishUri"]).path.split("/")[2]

    def die(step):
        if step == "gate.answered":
            raise RuntimeError(step)

    monkeypatch.setattr(gates.finishing, "failpoint", die)
    with pytest.raises(RuntimeError):
        gates.finish(token, b'{"messages":[{"contactId":"bo","reject":true}]}', clock=clock)
    assert Attempt.objects.filter(sending_id=sending_id, state=0).count() == 2
    assert Sending.objects.get(id=sending_id).gate_held
    with pytest.raises(AnswerRefused):
        gates.finish(token, b"{", clock=clock)
