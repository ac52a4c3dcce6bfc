"""The client against the simulated relay, over real sockets: one row per thing that goes wrong between them."""

import asyncio
import time
from collections import Counter
from dataclasses import replace
from unittest.mock import Mock

import pytest
from tests.messenger.delivery.smtp.test_session import Book, message

from tandem.messenger.delivery.domain import AttemptState
from tandem.messenger.delivery.errors import OutboundStopped
from tandem.messenger.delivery.smtp.connection import Connection
from tandem.messenger.delivery.smtp.provider import SmtpProvider
from tandem.messenger.delivery.smtp.relay import Encryption, Waits, relay_of
from tandem.messenger.delivery.smtp.relay import Relay as NextHop
from tandem.messenger.delivery.smtp.way_out import WayOut
from tandem.simulators.relay import Relay
from tandem.simulators.relay_script import Rule, Script

ACCEPTED, DEFERRED, REJECTED, UNCERTAIN = (
    AttemptState.ACCEPTED, AttemptState.DEFERRED, AttemptState.REJECTED, AttemptState.UNCERTAIN
)  # fmt: skip
LATER, NO = "451 4.3.0 later", "550 5.1.1 no"
SHORT = Waits(connect=2, greeting=0.2, command=0.2, data=0.2, final=0.2, idle=0.5, closing=0.5)
LONG = Waits(connect=2, greeting=2, command=2, data=2, final=2, idle=2, closing=1)


class Desk(Book):
    """A feed that knows when all of its messages have come to something, or nothing can leave."""

    def __init__(self, messages, stopped=frozenset(), patience=0):
        super().__init__(messages, stopped)
        self._total, self._patience = len(self.waiting), patience
        self.over, self.downs = asyncio.Event(), []

    def outcome(self, message, outcome):
        super().outcome(message, outcome)
        self._look()

    def release(self, message):
        super().release(message)
        self._look()

    def down(self, stopped):
        self.downs.append(stopped)
        if len(self.downs) > self._patience:
            self.over.set()
        else:
            asyncio.get_running_loop().call_later(0.01, self.way.wake)

    def _look(self):
        if len(self.outcomes) + len(set(self.released) & self.stopped) == self._total:
            self.over.set()


@pytest.fixture
def relay(tmp_path):
    with Relay(log=tmp_path / "truth.jsonl") as made:
        yield made


def hop(relay, **changes):
    told = {"encryption": Encryption.NONE, "waits": LONG, "connections": 1, **changes}
    return NextHop(host="127.0.0.1", port=relay.port, **told)


def send(next_hop, messages, *, stopped=frozenset(), patience=0, within=8):
    async def main():
        desk = Desk(messages, stopped, patience)
        desk.way = WayOut(next_hop)
        running = asyncio.create_task(desk.way.run(desk))
        try:
            async with asyncio.timeout(within):
                over = asyncio.create_task(desk.over.wait())
                await asyncio.wait({over, running}, return_when=asyncio.FIRST_COMPLETED)
                over.cancel()
        finally:
            await desk.way.close()
            await running
        return desk

    return asyncio.run(main())


def some(count=3, **changes):
    return [message(n, **changes) for n in range(count)]


def arrived(relay):
    return Counter(int(fact["to"][1:].partition("@")[0]) for fact in relay.facts())


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("connections", [1, 4])
def test_all_arrive_once(relay, pipelining, connections):
    relay.tell(Script(pipelining=pipelining))
    desk = send(hop(relay, connections=connections), some(200))
    assert set(desk.states().values()) == {ACCEPTED} and len(desk.states()) == 200
    assert arrived(relay) == Counter(range(200))
    assert relay.connections <= connections
    assert desk.outcomes[0].detail == "250 2.0.0 taken"


@pytest.mark.parametrize("encryption", [Encryption.STARTTLS, Encryption.NONE])
@pytest.mark.parametrize("pipelining", [True, False])
def test_encrypted_and_signed_in(relay, encryption, pipelining):
    is_tls = encryption is Encryption.STARTTLS
    relay.tell(
        Script(
            starttls=True, starttls_required=is_tls, user="tandem", password="sesame", pipelining=pipelining
        )
    )
    told = hop(relay, encryption=encryption, user="tandem", password="sesame", connections=2)
    desk = send(replace(told, authorities=str(relay.certificate)), some(30, content=b"x" * 900 + b"\r\n"))
    assert arrived(relay) == Counter(range(30)) and not desk.downs


def test_encrypted_from_the_first_byte(tmp_path):
    with Relay(
        log=tmp_path / "truth.jsonl", script=Script(implicit_tls=True, starttls_required=True)
    ) as relay:
        told = hop(relay, encryption=Encryption.IMPLICIT, authorities=str(relay.certificate), connections=2)
        assert set(send(told, some(20)).states().values()) == {ACCEPTED}
        assert arrived(relay) == Counter(range(20))
        plain = send(hop(relay, waits=SHORT), some(1))
        assert plain.outcomes == {} and plain.downs


@pytest.mark.parametrize(
    ("script", "changes", "words"),
    [
        (Script(), {}, "does not offer STARTTLS"),
        (Script(starttls=True), {}, "certificate is not trusted"),
        (Script(starttls=True), {"authorities": "/no/such/file"}, "/no/such/file cannot be used"),
        (Script(), {"encryption": Encryption.IMPLICIT}, "TLS"),
        (Script(), {"encryption": Encryption.IMPLICIT, "authorities": "/no/such/file"}, "/no/such/file cannot be used"),
        (Script(starttls=True, rules=(Rule(at="starttls", reply="454 4.7.0 no TLS now"),)), {}, "refuses STARTTLS"),
        (Script(starttls=True, rules=(Rule(at="starttls", do="garbage"),)), {}, "TLS"),
        (Script(starttls=True, rules=(Rule(at="starttls", more="250 injected\r\n"),)), {}, "between STARTTLS and TLS"),
        (Script(user="a", password="b"), {"encryption": Encryption.NONE, "user": "a", "password": "c"}, "refuses user"),
        (Script(), {"encryption": Encryption.NONE, "user": "a"}, "no way to sign in"),
        (Script(rules=(Rule(at="banner", reply="421 4.3.2 down", close=True),)), {}, "421 4.3.2 down"),
        (Script(rules=(Rule(at="banner", reply="554 5.3.2 never"),)), {}, "554 5.3.2 never"),
        (Script(rules=(Rule(at="banner", do="drop"),)), {}, "closed the connection"),
        (Script(rules=(Rule(at="banner", do="silence"),)), {"waits": SHORT}, "no answer in 0.2 s"),
        (Script(rules=(Rule(at="banner", do="slow", seconds=0.05),)), {"waits": SHORT}, "no answer in 0.2 s"),
        (Script(rules=(Rule(at="banner", do="endless"),)), {}, "a reply without an end"),
        (Script(rules=(Rule(at="banner", do="garbage"),)), {}, "something that is no reply"),
        (Script(rules=(Rule(at="ehlo", reply="421 4.3.2 down"),)), {}, "refuses EHLO"),
        (Script(rules=(Rule(at="ehlo", reply="451 4.3.2 down"),)), {}, "refuses EHLO"),
        (Script(rules=(Rule(at="ehlo", reply="502 no"),)), {}, "does not offer STARTTLS"),
        (Script(rules=(Rule(at="ehlo", reply="502 no"), Rule(at="helo", reply="502 no"))), {}, "EHLO and HELO"),
    ],
)  # fmt: skip
def test_a_relay_that_cannot_be_used_is_nobodys_outcome(relay, script, changes, words):
    relay.tell(script)
    desk = send(hop(relay, **{"encryption": Encryption.STARTTLS, **changes}), some(2))
    assert words in desk.downs[0].detail
    assert (desk.outcomes, desk.intents, relay.facts()) == ({}, [], [])
    assert len(desk.waiting) == 2


def test_nobody_listens(relay):
    relay.stop()
    desk = send(hop(relay), some(1))
    assert "does not answer: Connection refused" in desk.downs[0].detail and desk.downs[0].advice


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "dot"])
@pytest.mark.parametrize(("reply", "state"), [(LATER, DEFERRED), (NO, REJECTED)])
def test_a_refusal_at_any_step_is_one_recipients_own(relay, pipelining, step, reply, state):
    relay.tell(Script(pipelining=pipelining, rules=(Rule(at=step, reply=reply, nth=2),)))
    desk = send(hop(relay), some(4))
    assert desk.states() == {0: ACCEPTED, 1: state, 2: ACCEPTED, 3: ACCEPTED}
    assert arrived(relay) == Counter([0, 2, 3]) and relay.connections == 1


@pytest.mark.parametrize(
    ("rule", "state", "copies"),
    [
        (Rule(at="dot", nth=2, do="drop"), UNCERTAIN, 0),
        (Rule(at="dot", nth=2, do="drop", logged=True), UNCERTAIN, 1),
        (Rule(at="dot", nth=2, do="garbage", logged=True), UNCERTAIN, 1),
        (Rule(at="dot", nth=2, reply="421 4.3.2 down", close=True), DEFERRED, 0),
        (Rule(at="dot", nth=2, more="250 once more\r\n"), ACCEPTED, 1),
        (Rule(at="dot", nth=2, more="\xff\xfe trash\r\n"), ACCEPTED, 1),
        (Rule(at="dot", nth=2, reply="250 2.0.0 one\ntwo\nthree"), ACCEPTED, 1),
        (Rule(at="dot", nth=2, reply="250 2.0.0 tr\xe4sh \x00 \u2603"), ACCEPTED, 1),
        (Rule(at="dot", nth=2, seconds=0.1), ACCEPTED, 1),
        (Rule(at="dot", nth=2, do="slow", seconds=0.002), ACCEPTED, 1),
        (Rule(at="data", nth=2, do="drop"), ACCEPTED, 1),
        (Rule(at="mail", nth=2, reply="421 4.3.2 down", close=True), ACCEPTED, 1),
        (Rule(at="rcpt", nth=2, do="drop"), ACCEPTED, 1),
        (Rule(at="rcpt", nth=2, do="garbage"), ACCEPTED, 1),
        (Rule(at="data", nth=2, reply="250 what?"), ACCEPTED, 1),
        (Rule(at="rset", do="drop"), ACCEPTED, 1),
    ],
)
def test_a_break_costs_at_most_the_message_that_was_on_its_way(relay, rule, state, copies):
    relay.rules(rule)
    desk = send(hop(relay), some(5))
    assert desk.states() == {0: ACCEPTED, 1: state, 2: ACCEPTED, 3: ACCEPTED, 4: ACCEPTED}
    assert arrived(relay) == Counter({0: 1, 1: copies, 2: 1, 3: 1, 4: 1}) + Counter()


@pytest.mark.parametrize(
    ("rule", "state"),
    [
        (Rule(at="dot", nth=2, do="silence", logged=True), UNCERTAIN),
        (Rule(at="dot", nth=2, do="slow", seconds=0.05), UNCERTAIN),
        (Rule(at="rcpt", nth=2, do="silence"), ACCEPTED),
    ],
)
def test_silence_is_waited_for_and_then_given_up(relay, rule, state):
    relay.rules(rule)
    began = time.monotonic()
    desk = send(hop(relay, waits=SHORT), some(3))
    assert desk.states() == {0: ACCEPTED, 1: state, 2: ACCEPTED}
    assert 0.15 < time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("reply", "state", "copies"), [("552 5.3.4 too big", REJECTED, 0), ("250 2.0.0 thanks", UNCERTAIN, 0)]
)
def test_an_answer_while_the_content_goes_out(relay, reply, state, copies):
    relay.rules(Rule(at="content", after_bytes=1000, reply=reply, close=True, nth=1))
    big = b"x" * 98 + b"\r\n"
    desk = send(hop(relay), [message(0, content=big * 300_000), message(1)], patience=1)
    assert desk.states() == {0: state, 1: ACCEPTED}
    assert arrived(relay) == Counter({0: copies, 1: 1}) + Counter()


def test_a_yes_that_comes_together_with_the_leave_to_send_is_not_believed():
    book, wire = Book([message(1)]), Mock()
    wire.get_write_buffer_size.return_value, wire.get_extra_info.return_value = 0, ("127.0.0.1", 1)

    async def talk():
        one = Connection(Mock(), NextHop(host="relay", port=25, encryption=Encryption.NONE), book, 0)
        one.connection_made(wire)
        for said in (
            b"220 hello\r\n",
            b"250-relay\r\n250 PIPELINING\r\n",
            b"250 1\r\n250 2\r\n354 go\r\n250 thanks\r\n",
        ):
            one.data_received(said)

    asyncio.run(talk())
    assert book.outcomes[1].state is UNCERTAIN and wire.abort.called
    assert not any(b"Subject" in call.args[0] for call in wire.write.call_args_list)


def test_the_relays_limit_of_messages_is_learned(relay):
    relay.tell(Script(messages=3))
    desk = send(hop(relay), some(12))
    assert set(desk.states().values()) == {ACCEPTED}
    assert arrived(relay) == Counter(range(12)) and relay.connections <= 5
    assert sum(desk.released.values()) == 1, "the first time only"


def test_own_limit_of_messages_and_of_connections(relay):
    relay.tell(Script(connections=2))
    desk = send(hop(relay, connections=6, messages=10), some(100))
    assert set(desk.states().values()) == {ACCEPTED} and not desk.downs
    assert relay.connections >= 10


def test_one_message_that_ends_connections_does_not_stop_the_others(relay):
    relay.rules(Rule(at="rcpt", to="c1@x.example", do="drop"))
    desk = send(hop(relay), some(12), patience=5)
    assert desk.states() == {n: DEFERRED if n == 1 else ACCEPTED for n in range(12)}
    assert arrived(relay) == Counter({n: 1 for n in range(12) if n != 1})


def test_stopped_messages_never_leave(relay):
    desk = send(hop(relay, connections=2), some(20), stopped=frozenset({3, 7, 8}))
    assert set(desk.states()) == set(range(20)) - {3, 7, 8}
    assert arrived(relay) == Counter(set(range(20)) - {3, 7, 8})


def test_a_relay_without_ehlo_gets_helo_and_one_command_at_a_time(relay):
    relay.tell(Script(pipelining=False, rules=(Rule(at="ehlo", reply="500 5.5.1 not known"),)))
    assert set(send(hop(relay), some(3)).states().values()) == {ACCEPTED}


def test_a_journal_that_cannot_be_written_ends_the_way_out(relay):
    async def main():
        desk = Desk(some(3))
        desk.intent = lambda message: (_ for _ in ()).throw(OSError("disk full"))
        with pytest.raises(OSError, match="disk full"):
            await WayOut(hop(relay)).run(desk)
        return desk

    desk = asyncio.run(main())
    assert desk.outcomes == {} and desk.released == Counter({0: 1}) and relay.facts() == []


def test_an_unused_connection_says_quit_and_a_new_one_is_made_when_there_is_more(relay):
    async def main():
        desk = Desk(some(1))
        desk.way = WayOut(hop(relay, waits=replace(LONG, idle=0.05)))
        running = asyncio.create_task(desk.way.run(desk))
        await desk.over.wait()
        while relay.open:
            await asyncio.sleep(0.02)
        desk.over.clear()
        desk._total += 1
        desk.waiting.append(message(5))
        desk.way.wake()
        await asyncio.wait_for(desk.over.wait(), 5)
        await desk.way.close()
        await running

    asyncio.run(main())
    assert arrived(relay) == Counter([0, 5]) and relay.connections == 2


class TestOneAtATime:
    def test_each_has_its_answer_over_one_connection(self, relay):
        relay.rules(
            Rule(at="rcpt", to="no@x.example", reply=NO), Rule(at="rcpt", to="later@x.example", reply=LATER)
        )
        provider = SmtpProvider(hop(relay))
        people = ["a@x.example", "no@x.example", "later@x.example", "b@x.example"]
        answers = [provider.send(message(n, to), lambda: True) for n, to in enumerate(people)]
        provider.close()
        assert [answer.state for answer in answers] == [ACCEPTED, REJECTED, DEFERRED, ACCEPTED]
        assert relay.connections == 1 and [fact["to"] for fact in relay.facts()] == [
            "a@x.example",
            "b@x.example",
        ]

    def test_no_answer_after_the_dot_is_uncertain_and_the_next_message_goes_on(self, relay):
        relay.rules(Rule(at="dot", nth=1, do="drop", logged=True))
        provider = SmtpProvider(hop(relay))
        assert provider.send(message(1), lambda: True).state is UNCERTAIN
        assert provider.send(message(2), lambda: True).state is ACCEPTED
        provider.close()

    def test_a_stop_before_the_content_sends_nothing(self, relay):
        provider = SmtpProvider(hop(relay))
        assert provider.send(message(1), lambda: False) is None
        assert provider.send(message(2), lambda: True).state is ACCEPTED
        provider.close()
        assert arrived(relay) == Counter([2])

    def test_a_relay_that_is_down_is_nobodys_outcome(self, relay):
        relay.stop()
        provider = SmtpProvider(hop(relay))
        with pytest.raises(OutboundStopped):
            provider.send(message(1), lambda: True)
        with pytest.raises(OutboundStopped):
            provider.send(message(2), lambda: True)
        provider.close()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1", Encryption.STARTTLS),
        ("yse", Encryption.STARTTLS),
        ("0", Encryption.NONE),
        ("implicit", Encryption.IMPLICIT),
    ],
)
def test_settings_become_a_relay_and_a_slip_does_not_switch_encryption_off(tmp_path, written, meant):
    (tmp_path / "secret").write_text("sesame\n")
    made = relay_of({
        "TANDEM_SMTP_HOST": "mx.example", "TANDEM_SMTP_PORT": "587", "TANDEM_SMTP_USER": "tandem",
        "TANDEM_SMTP_PASSWORD_FILE": str(tmp_path / "secret"), "TANDEM_SMTP_STARTTLS": written,
        "TANDEM_SMTP_CONNECTIONS": "3",
    }, seconds=4)  # fmt: skip
    assert (made.host, made.port, made.password, made.encryption) == ("mx.example", 587, "sesame", meant)
    assert (made.connections, made.messages, made.waits.final) == (3, 0, 4)
    assert "sesame" not in repr(made)
