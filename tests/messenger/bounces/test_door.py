"""The inbound mail door: what it takes, what it refuses, how little it needs."""

import asyncio
import os
import smtplib
import socket
import ssl
import threading
from contextlib import contextmanager, suppress

import pytest

from tandem.messenger.bounces import listening
from tandem.messenger.bounces.certificate import Certificate, of_settings
from tandem.messenger.bounces.errors import NoCertificate, NotOurs
from tandem.messenger.bounces.listening import Door, Gone, Session
from tandem.simulators.relay_certificate import write_certificate

OURS = "b+x@bounces.example"


def talk(text: bytes, *, lmtp=False, pieces=0, failing=False):
    """All that a client says, in pieces of a size; (what the door said, mails it kept)."""
    said, kept = bytearray(), []
    chunks = [text[n : n + pieces] for n in range(0, len(text), pieces)] if pieces else [text]

    async def read(most):
        return chunks.pop(0) if chunks else b""

    async def write(data):
        said.extend(data)

    async def keep(recipient, content, null_sender):
        if failing:
            raise OSError("disk full")
        kept.append((recipient, content, null_sender))

    def check(recipient):
        if recipient != OURS:
            raise NotOurs("There is no such address here.")

    async def run():
        session = Session(read, write, name="bounces.example", lmtp=lmtp, check=check, keep=keep)
        try:
            await session.run()
        except Gone:
            said.extend(b"GONE\r\n")

    asyncio.run(run())
    return said.decode().split("\r\n")[:-1], kept


def codes(lines):
    return [line[:3] for line in lines if line[3:4] != "-"]


MAIL = b"MAIL FROM:<> SIZE=100\r\nRCPT TO:<" + OURS.encode() + b">\r\nDATA\r\n"


@pytest.mark.parametrize("pieces", [0, 1, 7])
def test_a_mail_is_taken_whole_however_it_comes(pieces):
    text = b"EHLO mx\r\n" + MAIL + b"Subject: x\r\n\r\n..dot\r\n.. two\r\n.\r\nQUIT\r\n"
    lines, kept = talk(text, pieces=pieces)
    assert codes(lines) == ["220", "250", "250", "250", "354", "250", "221"]
    assert kept == [(OURS, b"Subject: x\r\n\r\n.dot\r\n. two\r\n", True)]


def test_only_crlf_dot_crlf_ends_a_mail():
    hidden = b"a\n.\nMAIL FROM:<evil@x>\n.\r\nb\r\n.\n\r\n.\r\nQUIT\r\n"
    lines, kept = talk(b"EHLO mx\r\n" + MAIL + hidden)
    assert codes(lines)[-2:] == ["250", "221"]
    assert len(kept) == 1 and b"evil" in kept[0][1]


def test_it_relays_nothing():
    text = b"EHLO mx\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<someone@elsewhere.example>\r\nDATA\r\nQUIT\r\n"
    lines, kept = talk(text)
    assert codes(lines) == ["220", "250", "250", "550", "503", "221"]
    assert kept == []


def test_a_mail_that_cannot_be_kept_is_asked_for_again():
    lines, kept = talk(b"EHLO mx\r\n" + MAIL + b"x\r\n.\r\nQUIT\r\n", failing=True)
    assert "451" in codes(lines) and kept == []


def test_lmtp_answers_for_each_recipient():
    twice = b"LHLO mx\r\nMAIL FROM:<>\r\n" + 2 * (b"RCPT TO:<" + OURS.encode() + b">\r\n")
    lines, kept = talk(twice + b"DATA\r\nx\r\n.\r\nQUIT\r\n", lmtp=True)
    assert codes(lines) == ["220", "250", "250", "250", "250", "354", "250", "250", "221"]
    assert len(kept) == 2


def test_the_other_protocols_greeting_is_refused():
    assert codes(talk(b"EHLO mx\r\nQUIT\r\n", lmtp=True)[0]) == ["220", "500", "221"]
    assert codes(talk(b"LHLO mx\r\nQUIT\r\n")[0]) == ["220", "500", "221"]


def test_one_that_is_too_large_is_refused_and_not_held(monkeypatch):
    monkeypatch.setattr(listening, "LARGEST_MAIL", 1000)
    text = b"EHLO mx\r\n" + MAIL + b"x" * 1500 + b"\r\n.\r\n" + MAIL + b"small\r\n.\r\nQUIT\r\n"
    lines, kept = talk(text, pieces=100)
    assert codes(lines)[5] == "552"
    assert kept == [(OURS, b"small\r\n", True)]


def test_one_without_an_end_is_cut_off(monkeypatch):
    monkeypatch.setattr(listening, "LARGEST_MAIL", 1000)
    lines, kept = talk(b"EHLO mx\r\n" + MAIL + b"x" * 5000, pieces=100)
    assert lines[-1] == "GONE" and kept == []


@pytest.mark.parametrize(
    "text",
    [
        b"x" * 5000,
        b"\0\0\0\r\n" * 30,
        b"MAIL FROM:<>\r\n" * 30,
        b"EHLO mx\r\nMAIL FROM:<>\r\n" + b"RCPT TO:<x@y>\r\n" * 30,
        b"EHLO mx\r\nMAIL FROM:x\r\nMAIL FROM:<> SIZE=99999999999999\r\nMAIL\r\nRCPT\r\nDATA\r\nBDAT 5\r\nSTARTTLS\r\n",
        b"\xff\xfe\r\n",
        b"EHLO " + b"\xc3\xa9" * 500 + b"\r\nQUIT\r\n",
        b"HELO\r\nRSET\r\nNOOP\r\nVRFY x\r\nHELP\r\n",
        b"EHLO mx\r\nMAIL FROM:<\r\nRCPT TO:<>\r\nRCPT TO:<" + b"a" * 400 + b">\r\n",
    ],
)
def test_nonsense_ends(text):
    lines, kept = talk(text)
    assert lines[0].startswith("220 ") and kept == []
    assert len(lines) < 60


def test_there_is_an_end_to_one_connections_errors():
    lines, _ = talk(b"FOO\r\n" * 100)
    assert lines[-1].startswith("421")


def test_over_the_network():
    """A client of the standard library hands a mail over; connections beyond the limit are told to come back."""
    import smtplib

    async def run():
        stop, kept = asyncio.Event(), []
        door = listening.Door(
            name="bounces.example", lmtp=False, check=lambda _: None, keep=lambda *mail: kept.append(mail)
        )
        serving = asyncio.create_task(door.run("127.0.0.1", 0, stop))
        while not door.port:
            await asyncio.sleep(0.01)

        def send():
            with smtplib.SMTP("127.0.0.1", door.port, timeout=5) as client:
                client.sendmail("", [OURS], "Subject: x\r\n\r\nhello\r\n")

        await asyncio.to_thread(send)
        door._open = listening.MOST_CONNECTIONS
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        greeting = await reader.readline()
        writer.close()
        stop.set()
        await serving
        return kept, greeting

    kept, greeting = asyncio.run(run())
    assert kept == [(OURS, b"Subject: x\r\n\r\nhello\r\n", True)]
    assert greeting.startswith(b"421 ")


def test_the_door_is_a_process_where_it_has_a_port_and_a_domain(monkeypatch):
    from tandem.site.services import children_of

    def names():
        return {child.name for child in children_of("worker-messenger")}

    monkeypatch.delenv("TANDEM_BOUNCE_DOMAIN", raising=False)
    monkeypatch.setenv("TANDEM_BOUNCE_PORT", "2525")
    assert "inbound" not in names()
    monkeypatch.setenv("TANDEM_BOUNCE_DOMAIN", "bounces.example")
    assert "inbound" in names()
    monkeypatch.setenv("TANDEM_BOUNCE_PORT", "0")
    assert "inbound" not in names()


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    made = tmp_path_factory.mktemp("door") / "door.pem"
    write_certificate(made)
    return made


class TestUnderTls:
    """A real client, a real handshake."""

    @contextmanager
    def door(self, certificate, *, lmtp=False):
        kept, ready, loop = [], threading.Event(), asyncio.new_event_loop()
        door = Door(
            name="bounces.example", lmtp=lmtp, check=lambda _: None, keep=lambda *mail: kept.append(mail),
            certificate=certificate,
        )  # fmt: skip
        stop = asyncio.Event()

        async def serve():
            running = asyncio.ensure_future(door.run("127.0.0.1", 0, stop))
            while not door.port:
                await asyncio.sleep(0)
            ready.set()
            await running

        thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
        thread.start()
        ready.wait(5)
        try:
            yield door.port, kept
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()
            loop.close()

    @pytest.mark.parametrize("client", [smtplib.SMTP, smtplib.LMTP])
    def test_a_mail_comes_under_tls_and_without(self, pem, client):
        lmtp = client is smtplib.LMTP
        with self.door(Certificate(str(pem), ""), lmtp=lmtp) as (port, kept):
            for secured in (True, False):
                with client("127.0.0.1", port, timeout=5) as mta:
                    mta.ehlo() if not lmtp else mta.ehlo("mx")
                    assert mta.has_extn("starttls")
                    if secured:
                        mta.starttls(context=ssl.create_default_context(cafile=str(pem)))
                        assert mta.sock.version() in ("TLSv1.2", "TLSv1.3")
                        assert mta.docmd("RCPT", "TO:<x@y>")[0] == 503, "what was said before does not count"
                        mta.ehlo()
                        assert not mta.has_extn("starttls")
                        assert mta.docmd("STARTTLS")[0] == 500
                    mta.sendmail("", [OURS], b"Subject: x\r\n\r\n" + b"y" * 70_000 + b"\r\n")
        assert [len(content) > 70_000 and null for _, content, null in kept] == [True, True]

    def test_without_a_certificate_it_is_as_it_was(self):
        with self.door(None) as (port, kept), smtplib.SMTP("127.0.0.1", port, timeout=5) as mta:
            mta.ehlo()
            assert not mta.has_extn("starttls")
            assert mta.docmd("STARTTLS")[0] == 500
            mta.sendmail("", [OURS], b"x\r\n")
        assert len(kept) == 1

    def test_what_is_said_in_the_clear_behind_it_is_not_heard(self, pem):
        with self.door(Certificate(str(pem), "")) as (port, kept):
            for more in (b"MAIL FROM:<>\r\n", b"no handshake"):
                with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
                    raw.recv(100)
                    raw.sendall(b"STARTTLS\r\n" + more)
                    heard = b""
                    with suppress(OSError):
                        while some := raw.recv(1000):
                            heard += some
                    assert b"250" not in heard
        assert kept == []

    def test_a_renewed_certificate_is_shown_and_a_broken_one_is_not(self, pem, tmp_path):
        own = tmp_path / "own.pem"
        own.write_bytes(pem.read_bytes())
        shown = Certificate(str(own), "")
        first = shown.context()
        assert shown.context() is first
        write_certificate(own)
        os.utime(own, (1, 1))
        second = shown.context()
        assert second is not first
        own.write_text("broken")
        os.utime(own, (2, 2))
        assert shown.context() is second

    @pytest.mark.parametrize("wrong", ["missing", "broken", "no key", "key alone", "another key"])
    def test_files_that_cannot_be_used_are_refused_in_words(self, pem, tmp_path, wrong):
        certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
        certificate.write_bytes(pem.read_bytes())
        write_certificate(key)
        named = {
            "missing": (str(tmp_path / "none.pem"), ""),
            "broken": (str(tmp_path / "broken.pem"), ""),
            "no key": (str(certificate), str(tmp_path / "none.pem")),
            "key alone": ("", str(key)),
            "another key": (str(certificate), str(key)),
        }
        (tmp_path / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n")
        with pytest.raises(NoCertificate) as refused:
            of_settings(*named[wrong])
        assert "TANDEM_BOUNCE_TLS_CERTIFICATE" in refused.value.advice
        assert of_settings("", "") is None
