"""The SMPP session against a scripted SMSC on a real socket, and against the library's own server."""

import asyncio
import socket
import ssl
import struct
from dataclasses import replace

import pytest
import smpp34
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.fixtures.examples import examples

from tandem.kit.smpp import Framer, SmppBroken, Status, read_message
from tandem.messenger.gateways import reach
from tandem.messenger.gateways.domain import Came, Flag, Incoming, Profile, Receipt, Setup, Sms, Verdict
from tandem.messenger.gateways.encoding import text_of
from tandem.messenger.gateways.errors import GatewayDown
from tandem.messenger.gateways.lines import SmppLine
from tandem.messenger.gateways.smpp import messages
from tandem.messenger.gateways.smpp import options as smpp_options
from tandem.messenger.gateways.smpp.messages import answer_of, heard, ids_alike, submits
from tandem.messenger.gateways.smpp.options import Long
from tandem.simulators.relay_certificate import write_certificate
from tandem.simulators.smsc import Smsc


@pytest.fixture
def smsc(settings):
    one = Smsc().start()
    settings.TANDEM_ALLOW_PRIVATE = (f"127.0.0.1:{one.port}",)
    yield one
    one.stop()


def sms(text="Hello", to="+46701740001", sender="Northwind", reference="1-2-3"):
    return Sms(to=to, sender=sender, text=text, reference=reference)


def setup(port, secret="secret", **options):
    return Setup(
        account_id=1,
        profile=Profile.SMPP,
        url=f"smpp://127.0.0.1:{port}",
        user="simulator",
        secret=secret,
        options=options,
    )


class Heard:
    """What the session told us."""

    def __init__(self, failing=0):
        self.told, self.failing = [], failing

    async def __call__(self, told):
        if self.failing:
            self.failing -= 1
            raise OSError("the database is gone")
        self.told += told

    async def wait(self, count):
        async with asyncio.timeout(5):
            while len(self.told) < count:
                await asyncio.sleep(0.005)


def with_line(smsc, work, *, heard=None, **options):
    async def run():
        line = SmppLine(setup(smsc.port, **options), heard or Heard())
        try:
            return await work(line)
        finally:
            await line.close()

    return asyncio.run(run())


def hand_over(smsc, *messages, leave=lambda: True, **options):
    async def work(line):
        return [await line.hand_over(one, leave) for one in messages]

    return with_line(smsc, work, **options)


def test_a_message_is_taken(smsc):
    (answer,) = hand_over(smsc, sms("Grüße €"))
    (taken,) = smsc.taken
    assert (answer.verdict, answer.ids) == (Verdict.ACCEPTED, (taken.id,))
    assert (taken.to, taken.sender, taken.coding) == ("46701740001", "Northwind", 0)
    assert text_of(taken.octets, taken.coding) == "Grüße €"


def test_the_gate_has_the_last_word(smsc):
    assert hand_over(smsc, sms(), leave=lambda: False) == [None]
    assert smsc.taken == []


@pytest.mark.parametrize(
    ("scripted", "verdict", "flag"),
    [
        ("bad-number", Verdict.REJECTED, Flag.BAD_NUMBER),
        ("bad-sender", Verdict.REJECTED, Flag.NONE),
        ("throttled", Verdict.DEFERRED, Flag.NONE),
        ("queue-full", Verdict.DEFERRED, Flag.NONE),
        ("system-error", Verdict.UNCERTAIN, Flag.NONE),
        ("cut", Verdict.UNCERTAIN, Flag.NONE),
        ("garbage", Verdict.UNCERTAIN, Flag.NONE),
        ("0x00000045", Verdict.REJECTED, Flag.NONE),
    ],
)
def test_what_an_answer_means(smsc, scripted, verdict, flag):
    smsc.answer_next(scripted)
    (answer,) = hand_over(smsc, sms())
    assert (answer.verdict, answer.flag) == (verdict, flag)
    assert len(smsc.taken) == 1


def test_no_answer_in_time_is_uncertain(smsc, monkeypatch):
    monkeypatch.setitem(smpp_options._NUMBERS, "answer_seconds", (0.01, 600))
    smsc.answer_next("silent")
    answers = hand_over(smsc, sms(), sms(), answer_seconds=0.05)
    assert [one.verdict for one in answers] == [Verdict.UNCERTAIN, Verdict.ACCEPTED]


def test_throttling_holds_the_next_one_back(smsc):
    smsc.answer_next("queue-full")
    first, second = hand_over(smsc, sms(), sms())
    assert (first.verdict, second.verdict) == (Verdict.DEFERRED, Verdict.DEFERRED)
    assert len(smsc.taken) == 1


def test_after_a_cut_it_is_bound_again(smsc):
    smsc.answer_next("cut")
    answers = hand_over(smsc, sms(), sms())
    assert [one.verdict for one in answers] == [Verdict.UNCERTAIN, Verdict.ACCEPTED]
    assert smsc.binds == 2


def test_a_cut_makes_all_of_the_window_uncertain_and_no_more(smsc):
    smsc.answer_next(*["silent"] * 4, "cut")

    async def work(line):
        tasks = [asyncio.create_task(line.hand_over(sms(), lambda: True)) for _ in range(5)]
        return await asyncio.gather(*tasks)

    answers = with_line(smsc, work, window=5)
    assert [one.verdict for one in answers] == [Verdict.UNCERTAIN] * 5
    assert len(smsc.taken) == 5


def test_the_window_is_kept(smsc):
    smsc.answer_next(*["silent"] * 9)

    async def work(line):
        tasks = [asyncio.create_task(line.hand_over(sms(), lambda: True)) for _ in range(9)]
        async with asyncio.timeout(5):
            while len(smsc.taken) < 3:
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
        seen = len(smsc.taken)
        for task in tasks:
            task.cancel()
        return seen

    assert with_line(smsc, work, window=3) == 3


def test_a_wrong_password_leaves_everything_here(smsc):
    async def run():
        line = SmppLine(setup(smsc.port, secret="wrong"), Heard())
        for _ in range(2):
            with pytest.raises(GatewayDown):
                await line.hand_over(sms(), lambda: True)
        await line.close()

    asyncio.run(run())
    assert smsc.taken == []


def test_nobody_there(settings):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings.TANDEM_ALLOW_PRIVATE = (f"127.0.0.1:{port}",)

    async def run():
        with pytest.raises(GatewayDown, match="could not be reached"):
            await SmppLine(setup(port), Heard()).hand_over(sms(), lambda: True)

    asyncio.run(run())


class TestTls:
    @pytest.fixture
    def secure(self, settings, tmp_path):
        paper = tmp_path / "smsc.pem"
        write_certificate(paper)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(paper)
        one = Smsc(context=context).start()
        settings.TANDEM_ALLOW_PRIVATE = (f"127.0.0.1:{one.port}",)
        yield one, paper
        one.stop()

    def line(self, smsc, host):
        told = setup(smsc.port)
        return SmppLine(replace(told, url=f"smpps://{host}:{smsc.port}"), Heard())

    def test_a_certificate_that_nobody_vouches_for_is_refused(self, secure):
        async def run():
            with pytest.raises(GatewayDown, match="could not be reached"):
                await self.line(secure[0], "127.0.0.1").hand_over(sms(), lambda: True)

        asyncio.run(run())
        assert secure[0].taken == []

    def test_one_that_is_trusted(self, secure, monkeypatch):
        smsc, paper = secure
        monkeypatch.setattr(reach, "_context", lambda: ssl.create_default_context(cafile=str(paper)))

        async def run():
            line = self.line(smsc, "localhost")
            answer = await line.hand_over(sms(), lambda: True)
            await line.close()
            return answer

        assert asyncio.run(run()).verdict is Verdict.ACCEPTED


def test_an_address_of_this_network_is_not_called(smsc, settings):
    settings.TANDEM_ALLOW_PRIVATE = ()

    async def run():
        with pytest.raises(GatewayDown, match="private"):
            await SmppLine(setup(smsc.port), Heard()).hand_over(sms(), lambda: True)

    asyncio.run(run())
    assert smsc.binds == 0


LONG_TEXT = "Ä long message. " * 25


@pytest.mark.parametrize("long", list(Long))
def test_a_long_message_says_how_its_parts_belong_together(smsc, long):
    (answer,) = hand_over(smsc, sms(LONG_TEXT), long=long.value)
    assert answer.verdict is Verdict.ACCEPTED and len(answer.ids) == len(smsc.taken)
    assert "".join(_part(one, long)[1] for one in smsc.taken) == LONG_TEXT
    assert len({_part(one, long)[0] for one in smsc.taken}) == 1


def _part(taken, long):
    """(reference, text)"""
    if long is Long.UDH:
        assert taken.esm_class & 0x40 and taken.octets[:3] == bytes([5, 0, 3])
        return taken.octets[3], text_of(taken.octets[6:], taken.coding)
    if long is Long.SAR:
        return taken.tlvs[smpp34.TLV_SAR_MSG_REF_NUM], text_of(taken.octets, taken.coding)
    return b"", text_of(taken.octets, taken.coding)


def test_a_later_part_is_tried_again_while_nothing_was_taken(smsc, monkeypatch):
    monkeypatch.setitem(messages._LATER, Status.THROTTLED, 0.02)
    smsc.answer_next("0x00000000", "throttled")
    (answer,) = hand_over(smsc, sms("x" * 200))
    assert answer.verdict is Verdict.ACCEPTED
    assert [one.answer for one in smsc.taken] == ["0x00000000", "throttled", ""]


def test_half_a_message_is_not_sent_again(smsc):
    smsc.answer_next("0x00000000", "bad-number")
    (answer,) = hand_over(smsc, sms("x" * 200))
    assert (answer.verdict, len(answer.ids)) == (Verdict.UNCERTAIN, 1)
    assert answer.detail.startswith("part 2 of 2")


class TestWhatComes:
    def test_a_receipt_and_a_message(self, smsc):
        heard_of = Heard()

        async def work(line):
            answer = await line.hand_over(sms(), lambda: True)
            smsc.receipt(answer.ids[0])
            smsc.deliver(b"Stop", sender="46701740001", to="1000")
            await heard_of.wait(2)
            return answer.ids[0]

        name = with_line(smsc, work, heard=heard_of)
        receipt, message = heard_of.told
        assert (receipt.gateway_id, receipt.came) == (name, Came.DELIVERED)
        assert message == Incoming(sender="+46701740001", to="1000", text="Stop")

    def test_what_was_not_kept_is_not_taken(self, smsc):
        heard_of = Heard(failing=1)

        async def work(line):
            await line.session()
            for n in range(2):
                smsc.deliver(b"Stop", sender="46701740001", to="1000")
                async with asyncio.timeout(5):
                    while len(smsc.unread) <= n:
                        await asyncio.sleep(0.005)

        with_line(smsc, work, heard=heard_of)
        assert smsc.unread == [Status.TEMPORARY, Status.OK]
        assert len(heard_of.told) == 1

    def test_what_cannot_be_read_is_taken_once_and_harms_nobody(self, smsc):
        heard_of = Heard()

        async def work(line):
            await line.session()
            smsc.deliver(b"id:1", sender="1", to="2", esm_class=0x04)  # no state
            smsc.deliver(b"\xff" * 20, sender="1", to="2", esm_class=0x40)  # a header longer than all of it
            smsc.deliver(b"\xd8\x00", sender="46701740001", to="2", coding=8)  # half a pair
            await heard_of.wait(2)
            return await line.hand_over(sms(), lambda: True)

        assert with_line(smsc, work, heard=heard_of).verdict is Verdict.ACCEPTED
        assert all(isinstance(one, Incoming) for one in heard_of.told)


def delivered(text=b"", **more):
    tlvs = [smpp34.Tlv(tag, value) for tag, value in more.pop("tlvs", {}).items()]
    return smpp34.DeliverSm(
        "46701740001", "1000", text, esm_class=more.pop("esm_class", 4), tlvs=tlvs, **more
    )


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (delivered(b"id:A1 sub:001 dlvrd:001 stat:DELIVRD err:000 Text:id:B2"),
         Receipt(gateway_id="A1", came=Came.DELIVERED, detail="DELIVRD")),
        (delivered(b"ID:7 Stat:undeliv ERR:0a1"), Receipt(gateway_id="7", came=Came.FAILED, detail="UNDELIV 0a1")),
        (delivered(tlvs={smpp34.TLV_RECEIPTED_MESSAGE_ID: b"77\0", smpp34.TLV_MESSAGE_STATE: b"\x02"}),
         Receipt(gateway_id="77", came=Came.DELIVERED, detail="DELIVRD")),
        (delivered(b"id:9 stat:ENROUTE"), Receipt(gateway_id="9", came=Came.ON_THE_WAY, detail="ENROUTE")),
        (delivered(b"nothing"), None),
        (delivered(b"id:9 stat:DELIVRD", esm_class=0x20), None),
        (delivered(b"", esm_class=0x08), None),
    ],
)  # fmt: skip
def test_how_receipts_are_written(message, expected):
    assert heard(message) == expected


def test_one_name_in_hex_and_in_decimal():
    assert str(0xA1B2C3) in ids_alike("a1b2c3")
    assert "a1b2c3" in ids_alike(str(0xA1B2C3))
    assert ids_alike("00ab-CD") == ("00ab-cd", "ab-cd")
    assert "7" in ids_alike("0000007")


@given(st.binary(max_size=80))
@hypothesis_settings(max_examples=examples(40))
def test_a_hostile_deliver_is_an_error_of_its_own_kind(body):
    (pdu,) = Framer().feed(struct.pack(">IIII", 16 + len(body), 5, 0, 1) + body)
    try:
        found = read_message(pdu)
    except SmppBroken:
        return
    heard(found)


@pytest.mark.parametrize("size", [0, 15, 70_001, 0xFFFFFFFF])
def test_a_length_that_cannot_be_ends_the_session(size):
    with pytest.raises(SmppBroken):
        list(Framer().feed(struct.pack(">IIII", size, 5, 0, 1)))


def test_pdus_come_in_any_pieces():
    whole = struct.pack(">IIII", 16, 0x15, 0, 1) * 3
    framer = Framer()
    found = [pdu for octet in whole for pdu in framer.feed(bytes([octet]))]
    assert [pdu.command for pdu in found] == [0x15] * 3


@pytest.mark.parametrize("url", ["http://h", "smpp://", "smpp://h:99999", "smpp://h/x", "smpp://u@h:1"])
def test_addresses_that_are_none(url):
    with pytest.raises(ValueError, match="smpp"):
        smpp_options.read(url, {})


@pytest.mark.parametrize(
    "options",
    [{"window": 0}, {"window": True}, {"long": "x"}, {"receive": 1}, {"system_type": 7}, {"speed": 1}],
)
def test_options_that_are_none(options):
    with pytest.raises(ValueError):
        smpp_options.read("smpps://h.example", options)


def test_a_sender_that_no_network_takes_is_refused_here():
    with pytest.raises(ValueError, match="sender"):
        submits(sms(sender="Far too long a name"), Long.UDH)
    assert answer_of(Status.OK, "").verdict is Verdict.ACCEPTED


def test_against_the_librarys_own_server(settings):
    """The PDUs are written down by other hands."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings.TANDEM_ALLOW_PRIVATE = (f"127.0.0.1:{port}",)

    async def run():
        server = smpp34.Server(host="127.0.0.1", port=port, system_id="Library")
        await server.start()
        heard_of = Heard()
        line = SmppLine(setup(port), heard_of)
        handing = asyncio.create_task(line.hand_over(sms("x" * 161), lambda: True))
        esme, numbers = await server.next(), []
        for name in ("1a", "1b"):
            event = await server.next()
            numbers.append((event.esm_class, event.destination_addr, len(event.short_message)))
            event.accept(message_id=name)
        answer = await handing
        await esme.deliver_sm("1000", b"id:26 stat:DELIVRD", source_addr="46701740001", esm_class=4)
        await heard_of.wait(1)
        await line.close()
        await server.stop()
        return answer, numbers, heard_of.told

    answer, numbers, told = asyncio.run(run())
    assert answer.ids == ("1a", "1b")
    assert numbers == [(0x40, "46701740001", 159), (0x40, "46701740001", 14)]
    assert "1a" in ids_alike(told[0].gateway_id)
