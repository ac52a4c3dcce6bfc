import base64
import contextlib
import smtplib
import socket
import ssl
import struct
import subprocess
import sys

import orjson
import pytest

from tandem.simulators import relay_script
from tandem.simulators.relay import Relay
from tandem.simulators.relay_marks import mistaken
from tandem.simulators.relay_script import Rule, Script

CONTENT = b"From: a@x.example\r\nMessage-ID: <7@x>\r\nX-Tandem-Campaign: 42\r\n\r\n.dot\r\nlast\r\n"
TO = "ann@people.example"


@pytest.fixture
def relay(tmp_path):
    with (
        Relay(log=tmp_path / "truth.jsonl", maildir=tmp_path / "mail") as made,
        contextlib.ExitStack() as made.talks,
    ):
        yield made


class Talk:
    """Bytes to the relay and bytes back."""

    def __init__(self, relay):
        self.socket = relay.talks.enter_context(
            socket.create_connection(("127.0.0.1", relay.port), timeout=5)
        )

    def say(self, *lines):
        self.socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def hear(self, mark=b"\r\n"):
        heard = b""
        while mark not in heard:
            some = self.socket.recv(65536)
            if not some:
                return heard
            heard += some
        return heard

    def rest(self):
        heard = b""
        while some := self.socket.recv(65536):
            heard += some
        return heard


def send(relay, to=TO, content=CONTENT):
    with smtplib.SMTP("127.0.0.1", relay.port, timeout=5) as client:
        return client.sendmail("news@shop.example", [to], content)


def whole(relay, *lines):
    """One message in one segment; every reply until the connection ends."""
    talk = Talk(relay)
    talk.say("EHLO me", "MAIL FROM:<a@x.example>", f"RCPT TO:<{TO}>", "DATA", *lines, ".", "QUIT")
    return talk.rest().decode("latin-1")


def test_what_is_taken_is_written_down_with_its_marks(relay, tmp_path):
    send(relay)
    (fact,) = relay.facts()
    assert (fact["to"], fact["from"], fact["campaign"], fact["id"]) == (
        TO,
        "news@shop.example",
        "42",
        "<7@x>",
    )
    (file,) = (tmp_path / "mail" / "new").iterdir()
    assert file.read_bytes() == CONTENT
    assert (relay.messages, relay.connections) == (1, 1)


def letter(customer, row, to=None):
    """What the product makes of it: quoted-printable, a line broken in the middle of the mark and of a link."""
    token = base64.urlsafe_b64encode(struct.pack(">IQ", 7, row) + bytes(12)).decode()
    head = f"To: {to or customer}@people.example\r\nMessage-ID: <{token}@x>\r\n"
    return f'{head}\r\n<p>~of=\r\n:{customer}~ <a href=3D"https://t.example/=\r\nu/{token}">\r\n'.encode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (letter("a", 1), ""),
        (b"DKIM-Signature: v=1; b=kQ/u/" + b"A1b2-c3_" * 4 + b"==\r\n" + letter("a", 1), ""),
        (letter("b", 2), "another address in its head"),
        (letter("b", 2, to="a"), "another customer's content"),
        (letter("a", 2), "links or an id of another row"),
        (letter("a", 1) + letter("b", 1).partition(b"\r\n\r\n")[2], "another customer's content"),
        (letter("a", 1) + letter("a", 2).partition(b"\r\n\r\n")[2], "links or an id of another row"),
        (letter("a", 1).partition(b"<p>")[0] + b"nothing", "another customer's content"),
        (
            letter("a", 1).replace(b"Message-ID", b"Other").partition(b"<a")[0],
            "links or an id of another row",
        ),
    ],
)
def test_a_message_that_is_not_wholly_its_recipients_is_known(tmp_path, content, words):
    relay = Relay(log=tmp_path / "truth.jsonl")
    fact = orjson.loads(relay.note("news@x.example", ["a@people.example"], content))
    assert mistaken(fact, "a", {1: "a", 2: "b"}, is_marked=True) == words


def test_a_group_in_one_segment_is_answered_in_order(relay):
    talk = Talk(relay)
    talk.say("EHLO me", "MAIL FROM:<a@x.example>", f"RCPT TO:<{TO}>", "DATA")
    assert b"354" in talk.hear(b"354 go on\r\n")
    talk.say("Message-ID: <1@x>", "", "text", ".", "MAIL FROM:<a@x.example>", f"RCPT TO:<{TO}>", "DATA")
    heard = talk.hear(b"354 go on\r\n")
    assert [line[:3] for line in heard.splitlines()] == [b"250", b"250", b"250", b"354"]
    talk.say(".", "QUIT")
    assert [line[:3] for line in talk.rest().splitlines()] == [b"250", b"221"]
    assert [fact["id"] for fact in relay.facts()] == ["<1@x>", None]


def test_one_byte_at_a_time_is_the_same_message(relay):
    talk = Talk(relay)
    talk.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for (
        byte
    ) in b"EHLO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\nMessage-ID: <9>\r\n\r\n..\r\n.\r\nQUIT\r\n":
        talk.socket.sendall(bytes([byte]))
    talk.rest()
    assert [(fact["to"], fact["id"]) for fact in relay.facts()] == [("b@x", "<9>")]


@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "dot", "rset", "quit", "ehlo", "banner"])
def test_a_reply_of_the_script_stands_at_its_step_once(relay, step):
    relay.rules(Rule(at=step, reply="451 4.3.0 later", times=1))
    said = whole(relay, "text")
    assert ("451 4.3.0 later" in said) == (step != "rset")
    whole(relay, "text")
    assert 1 <= len(relay.facts()) <= 2


def test_rules_are_about_a_recipient_a_number_or_a_connection(relay):
    relay.rules(
        Rule(at="rcpt", to="no@x.example", reply="550 5.1.1 no such person"),
        Rule(at="rcpt", to="@slow.example", reply="450 4.2.0 later"),
        Rule(at="dot", nth=2, reply="452 4.3.1 full"),
    )
    answers = [
        refusal(relay, to) for to in ("no@x.example", "b@slow.example", "a@x.example", "c@x.example", TO)
    ]
    assert answers == [550, 450, 250, 452, 250]
    relay.rules(Rule(at="mail", nth=1, per_connection=True, reply="421 4.7.0 go away", close=True))
    assert [refusal(relay, TO), refusal(relay, TO)] == [421, 421]


def refusal(relay, to):
    try:
        send(relay, to)
    except smtplib.SMTPRecipientsRefused as refused:
        return refused.recipients[to][0]
    except smtplib.SMTPResponseException as refused:
        return refused.smtp_code
    return 250


@pytest.mark.parametrize(("logged", "there"), [(False, 0), (True, 1)])
def test_a_dropped_dot_before_or_after_the_log(relay, logged, there):
    relay.rules(Rule(at="dot", do="drop", logged=logged))
    assert "354" in whole(relay, "text")
    assert len(relay.facts()) == there


def test_a_reply_while_the_content_comes_in(relay):
    relay.rules(Rule(at="content", after_bytes=1000, reply="552 5.3.4 too big", close=True))
    assert "552" in whole(relay, "x" * 5000)
    assert "552" not in whole(relay, "short")
    assert len(relay.facts()) == 1


def test_slow_endless_garbled_and_trailing_replies(relay):
    relay.rules(
        Rule(at="noop", do="slow", seconds=0.001),
        Rule(at="rset", do="garbage"),
        Rule(at="quit", more="250 x\r\n"),
    )
    talk = Talk(relay)
    talk.say("NOOP", "RSET", "QUIT")
    heard = talk.rest()
    assert b"250 2.0.0 ok\r\n" in heard and b"\x16\xff" in heard and heard.endswith(b"bye\r\n250 x\r\n")
    relay.rules(Rule(at="banner", do="endless"))
    endless = Talk(relay)
    assert endless.hear().startswith(b"220-still talking") and endless.hear().endswith(b"still talking\r\n")


def test_early_talk_to_a_relay_without_pipelining_ends_it(relay):
    relay.tell(Script(pipelining=False))
    assert "421 4.5.0" in whole(relay, "text")
    send(relay)
    assert len(relay.facts()) == 1


def test_limits_of_messages_and_connections(relay):
    relay.tell(Script(messages=1, connections=1))
    with smtplib.SMTP("127.0.0.1", relay.port, timeout=5) as client:
        client.sendmail("a@x.example", [TO], CONTENT)
        assert Talk(relay).rest().startswith(b"421 4.7.0 too many connections")
        with pytest.raises(smtplib.SMTPException):
            client.sendmail("a@x.example", [TO], CONTENT)


def test_tls_and_sign_in(relay):
    relay.tell(Script(starttls=True, starttls_required=True, user="tandem", password="sesame"))
    context = ssl.create_default_context(cafile=str(relay.certificate))
    with smtplib.SMTP("127.0.0.1", relay.port, timeout=5) as client:
        with pytest.raises(smtplib.SMTPSenderRefused):
            client.sendmail("a@x.example", [TO], CONTENT)
        client.starttls(context=context)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("tandem", "wrong")
        for way in ("auth_plain", "auth_login"):
            client.user, client.password = "tandem", "sesame"
            assert client.auth(way[5:].upper(), getattr(client, way))[0] == 235
        client.sendmail("a@x.example", [TO], CONTENT)
    assert len(relay.facts()) == 1


def test_a_script_is_json_and_mistakes_are_words():
    told = {"pipelining": False, "rules": [{"at": "rcpt", "reply": "550 no", "to": TO}]}
    assert relay_script.read(orjson.dumps(told)) == Script(
        pipelining=False, rules=(Rule(at="rcpt", reply="550 no", to=TO),)
    )
    for wrong in (
        b"[]",
        b"{",
        b'{"tls": 1}',
        b'{"rules": [{"at": "x"}]}',
        b'{"rules": [{}]}',
        b'{"size": "1"}',
    ):
        with pytest.raises(ValueError, match=r"\w"):
            relay_script.read(wrong)


def test_a_script_in_a_file_is_read_again_when_it_changed(tmp_path):
    file = tmp_path / "script.json"
    file.write_bytes(b"{}")
    with Relay(log=tmp_path / "truth.jsonl", file=file) as relay:
        assert refusal(relay, TO) == 250
        file.write_bytes(b'{"rules": [{"at": "rcpt", "reply": "550 no"}]}')
        assert refusal(relay, TO) == 550


def test_the_program_takes_mail_and_ends_with_its_numbers(tmp_path):
    words = (
        "simulate",
        "relay",
        "--port",
        "0",
        "--log",
        str(tmp_path / "log"),
        "--rule",
        '{"at":"rcpt","reply":"450 no"}',
    )
    program = subprocess.Popen(
        [sys.executable, "-m", "tandem", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    line = program.stderr.readline()
    port = int(line.split(" ")[0].rpartition(":")[2])
    with smtplib.SMTP("127.0.0.1", port, timeout=5) as client, pytest.raises(smtplib.SMTPRecipientsRefused):
        client.sendmail("a@x.example", [TO], CONTENT)
    program.terminate()
    numbers = orjson.loads(program.communicate(timeout=10)[0])
    assert (numbers["messages"], numbers["connections"]) == (0, 1)
