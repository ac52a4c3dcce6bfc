"""Hand-over to a simulated KumoMTA: each message as it is, or blocks of template and substitutions."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from tests.messenger.delivery.smtp.test_session import message
from tests.messenger.delivery.smtp.test_way_out import Desk

from tandem.messenger.delivery.domain import AttemptState, Channel
from tandem.messenger.delivery.errors import OutboundStopped, ProviderRefused
from tandem.messenger.delivery.kumomta import wire
from tandem.messenger.delivery.kumomta.injector import Kumo, KumoProvider, kumo_of
from tandem.messenger.delivery.kumomta.way_out import KumoWay
from tandem.messenger.delivery.providers.choose import provider_for, way_out_for
from tandem.simulators.kumomta import KumoMta
from tandem.simulators.server import Fault, Server, Simulator

ACCEPTED, DEFERRED, REJECTED, UNCERTAIN = (
    AttemptState.ACCEPTED, AttemptState.DEFERRED, AttemptState.REJECTED, AttemptState.UNCERTAIN
)  # fmt: skip


@pytest.fixture
def mta():
    half = KumoMta()
    with Server(Simulator(half)) as server:
        half.server, half.faults = server, server.simulator.faults
        yield half


class Resting(Desk):
    """Gives nothing once the way is down, as a sender's feed does for a while."""

    def take(self):
        return None if self.downs else super().take()


def kumo(mta, **changes):
    made = Kumo(url=mta.server.url, allow_private=(f"127.0.0.1:{mta.server.port}",), requests=2, seconds=5)
    return replace(made, **changes)


def letter(number, *, more="", sender="news@shop.example"):
    content = (
        f"From: shop@shop.example\r\nTo: c{number}@x.example\r\nMessage-ID: <{number}@shop.example>\r\n"
        f"Subject: {{{{ not a template }}}}\r\n\r\nHello {number} <b>&amp; 'all'</b>\r\n"
        f"{more}{{% raw %}} {{# x #}}\r\n\r\n"
    )
    return message(number, content=content.encode(), sender=sender)


def send(kumo, messages, **told):
    async def main():
        desk = Resting(messages, **told)
        desk.way = KumoWay(kumo)
        running = asyncio.create_task(desk.way.run(desk))
        async with asyncio.timeout(10):
            await desk.over.wait()
        await desk.way.close()
        await running
        return desk

    return asyncio.run(main())


def arrived(mta):
    return Counter(int(fact["to"][1:].partition("@")[0]) for fact in mta.messages)


@pytest.mark.parametrize(("block", "most_requests"), [(1, 30), (10, 8)])
def test_each_message_arrives_once_byte_by_byte(mta, block, most_requests):
    letters = [letter(n, more="odd one out\r\n" if n % 3 == 0 else "") for n in range(30)]
    desk = send(kumo(mta, block=block), list(letters))
    assert set(desk.states().values()) == {ACCEPTED} and arrived(mta) == Counter(range(30))
    assert {fact["to"]: fact["content"] for fact in mta.messages} == {
        one.recipient: one.content for one in letters
    }
    assert {fact["from"] for fact in mta.messages} == {"news@shop.example"}
    assert mta.requests <= most_requests and desk.way.in_flight == 2 * block


def test_messages_with_senders_of_their_own_are_requests_of_their_own(mta):
    letters = [letter(n, sender=f"b+{n}@bounces.example") for n in range(6)]
    send(kumo(mta, block=6, requests=1), letters)
    assert {(fact["to"], fact["from"]) for fact in mta.messages} == {(m.recipient, m.sender) for m in letters}


@pytest.mark.parametrize("block", [1, 4])
def test_one_refused_recipient_is_its_own_outcome(mta, block):
    mta.refuse = {"c1@x.example": "550 5.1.1 c1@x.example is unknown", "c2@x.example": "the spool is full"}
    desk = send(kumo(mta, block=block), [letter(n) for n in range(4)])
    assert desk.states() == {0: ACCEPTED, 1: REJECTED, 2: DEFERRED, 3: ACCEPTED}
    assert desk.outcomes[1].detail == "not injected: 550 5.1.1 (address) is unknown"
    assert arrived(mta) == Counter([0, 3])


@pytest.mark.parametrize("fault", ["hangup", "truncated", "500", "html", "empty"])
@pytest.mark.parametrize("block", [1, 3])
def test_a_lost_answer_makes_its_block_uncertain_and_nothing_else(mta, fault, block):
    mta.faults.append(Fault(kind=fault, times=1))
    desk = send(kumo(mta, block=block, requests=1), [letter(n) for n in range(6)])
    assert Counter(desk.states().values()) == Counter({UNCERTAIN: block, ACCEPTED: 6 - block})
    assert max(arrived(mta).values()) == 1


@pytest.mark.parametrize("fault", ["429", "401"])
def test_a_closed_door_defers_what_knocked_and_frees_the_rest(mta, fault):
    mta.faults.append(Fault(kind=fault))
    desk = send(kumo(mta, requests=1), [letter(n) for n in range(3)])
    assert desk.states() == {0: DEFERRED} and len(desk.waiting) == 2 and fault in desk.downs[0].detail


def test_nobody_there_is_nobodys_outcome(mta):
    async def main():
        desk = Desk([letter(1)])
        desk.release = lambda message: desk.released.update([message.attempt_id])
        desk.way = KumoWay(Kumo(url="http://127.0.0.1:9", allow_private=("127.0.0.1:9",), requests=1))
        running = asyncio.create_task(desk.way.run(desk))
        await asyncio.wait_for(desk.over.wait(), 5)
        await desk.way.close()
        await running
        return desk

    desk = asyncio.run(main())
    assert desk.outcomes == {} and desk.released == Counter({1: 1}) and desk.downs


def test_stopped_and_unfit_messages_never_leave(mta):
    bad = [message(7, "a@x.example>\r\nDATA"), message(8, content=b"\xff\xfe\r\n")]
    desk = send(kumo(mta, block=5), [letter(n) for n in range(4)] + bad, stopped=frozenset({2}))
    assert desk.states() == {0: ACCEPTED, 1: ACCEPTED, 3: ACCEPTED, 7: REJECTED, 8: REJECTED}
    assert arrived(mta) == Counter([0, 1, 3])


@pytest.mark.parametrize(
    ("body", "states"),
    [
        (b'{"success_count":1,"fail_count":0,"failed_recipients":[],"errors":[]}', [UNCERTAIN, UNCERTAIN]),
        (b'{"success_count":2,"fail_count":0,"failed_recipients":[],"errors":[]}', [ACCEPTED, ACCEPTED]),
        (b'{"success_count":0,"failed_recipients":["C1@x.example"],"errors":["451 x"]}', [DEFERRED, UNCERTAIN]),
        (b'{"success_count":"a"}', [UNCERTAIN, UNCERTAIN]),
        (b"[]", [UNCERTAIN, UNCERTAIN]),
        (b"null", [UNCERTAIN, UNCERTAIN]),
    ],
)  # fmt: skip
def test_only_an_answer_that_accounts_for_a_message_settles_it(body, states):
    found = wire.outcomes([letter(1), letter(2)], 200, body)
    assert [outcome.state for outcome in found] == states


@pytest.mark.parametrize(
    ("status", "state"), [(400, REJECTED), (422, REJECTED), (503, DEFERRED), (502, UNCERTAIN)]
)
def test_refusals_of_a_whole_request(status, state):
    assert wire.outcomes([letter(1)], status, b"no")[0].state is state


def test_settings(settings, tmp_path, mta):
    (tmp_path / "secret").write_text("sesame\n")
    told = {
        "TANDEM_PROVIDER": "kumomta", "TANDEM_PROVIDER_LOCK": "0", "TANDEM_KUMOMTA_URL": mta.server.url,
        "TANDEM_KUMOMTA_USER": "tandem", "TANDEM_KUMOMTA_PASSWORD_FILE": str(tmp_path / "secret"),
        "TANDEM_KUMOMTA_REQUESTS": "3", "TANDEM_KUMOMTA_BLOCK": "100",
    }  # fmt: skip
    mta._password = "dGFuZGVtOnNlc2FtZQ=="
    way = way_out_for(Channel.EMAIL, tmp_path, told)
    assert isinstance(way, KumoWay) and way.in_flight == 300
    asyncio.run(way.close())
    provider = provider_for(Channel.EMAIL, tmp_path, told, seconds=5)
    assert isinstance(provider, KumoProvider)
    assert provider.send(letter(1), lambda: False) is None
    assert provider.send(message(2, "a b@x.example"), lambda: True).state is REJECTED
    assert provider.send(letter(3), lambda: True).state is ACCEPTED
    provider.close()
    assert arrived(mta) == Counter([3]) and "sesame" not in repr(kumo_of(told))
    with pytest.raises(ProviderRefused):
        kumo_of({**told, "TANDEM_KUMOMTA_URL": ""})


def test_a_name_that_leads_inside_is_not_called_unless_it_is_named(mta):
    provider = KumoProvider(kumo_of({"TANDEM_KUMOMTA_URL": f"http://localhost:{mta.server.port}"}))
    with pytest.raises(OutboundStopped):
        provider.send(letter(1), lambda: True)
    provider.close()
    assert mta.messages == []
