"""The inbound mail door: SMTP or LMTP (RFC 5321, 2033) for our own addresses only, everything about it bounded.

Written for this because a mail here has one purpose, a size and an end: nothing is relayed, nobody signs in, a mail is
on disk and in the database before it is answered for. Only CRLF.CRLF ends a mail, so nothing is smuggled behind one.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tandem.messenger.bounces.certificate import Certificate
from tandem.messenger.bounces.domain import LARGEST_MAIL
from tandem.messenger.bounces.errors import NotOurs

log = logging.getLogger("tandem.bounces")
MOST_CONNECTIONS = 50
MOST_RECIPIENTS = 20
MOST_MAILS = 200
MOST_ERRORS = 10
LONGEST_LINE = 2048
IDLE_SECONDS = 60.0
HANDSHAKE_SECONDS = 30.0
LIFE_SECONDS = 600.0
_CHUNK = 2**16
_END = b"\r\n.\r\n"

#: (recipient, content, null_sender) -> kept; raises NotOurs, or anything else = try again later
Keep = Callable[[str, bytes, bool], None]
Check = Callable[[str], None]
#: sends its answer and goes on under TLS; Gone when nothing comes of it
Secure = Callable[[bytes], Awaitable[None]]


class Gone(Exception):
    """The other side is gone, or has used up what it may."""


@dataclass(kw_only=True)
class Envelope:
    """The mail under way."""

    sender: str | None = None
    recipients: list[str] = field(default_factory=list)


class Session:
    """One connection, from its greeting to its end."""

    def __init__(
        self,
        read: Callable[[int], Awaitable[bytes]],
        write: Callable[[bytes], Awaitable[None]],
        *,
        name: str,
        lmtp: bool,
        check: Check,
        keep: Callable[[str, bytes, bool], Awaitable[None]],
        secure: Secure | None = None,
    ) -> None:
        self._read, self._write, self._name, self._lmtp = read, write, name, lmtp
        self._check, self._keep = check, keep
        self._secure = secure
        self._buffer = bytearray()
        self._envelope = Envelope()
        self._greeted = False
        self._errors = self._mails = 0

    async def run(self) -> None:
        """Talk until somebody ends it."""
        await self._say(f"220 {self._name} {'LMTP' if self._lmtp else 'ESMTP'}")
        while True:
            verb, _, rest = (await self._line()).partition(" ")
            if verb.upper() == "STARTTLS" and self._secure is not None and not rest.strip():
                await self._under_tls(self._secure)
                continue
            answer = await self._command(verb.upper(), rest.strip())
            if answer[0] in "45":
                self._errors += 1
            await self._say(answer)
            if verb.upper() == "QUIT":
                return
            if self._errors > MOST_ERRORS or self._mails > MOST_MAILS:
                await self._say("421 4.7.0 Enough for one connection")
                return

    async def _under_tls(self, secure: Secure) -> None:
        """Nothing said before counts behind it (RFC 3207 4.2); who talked on in the clear is not listened to."""
        if self._buffer:
            raise Gone
        self._secure, self._greeted, self._envelope = None, False, Envelope()
        await secure(b"220 2.0.0 Go ahead\r\n")

    async def _command(self, verb: str, rest: str) -> str:
        if verb in ("LHLO",) if self._lmtp else verb in ("EHLO", "HELO"):
            return self._hello(verb)
        plain = {"NOOP": "250 2.0.0 OK", "QUIT": "221 2.0.0 Bye", "VRFY": "252 2.1.5 Send some mail, and see"}
        if verb in plain:
            return plain[verb]
        if verb == "RSET":
            self._envelope = Envelope()
            return "250 2.0.0 OK"
        if verb not in ("MAIL", "RCPT", "DATA"):
            return "500 5.5.2 This is no command here"
        if not self._greeted:
            return "503 5.5.1 Say hello first"
        if verb == "DATA":
            return await self._data()
        return self._mail(rest) if verb == "MAIL" else self._rcpt(rest)

    def _hello(self, verb: str) -> str:
        self._greeted, self._envelope = True, Envelope()
        if verb == "HELO":
            return f"250 {self._name}"
        offers = ["PIPELINING", f"SIZE {LARGEST_MAIL}", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
        offers += ["STARTTLS"] if self._secure else []
        return "\r\n".join([f"250-{self._name}", *(f"250-{one}" for one in offers[:-1]), f"250 {offers[-1]}"])

    def _mail(self, rest: str) -> str:
        path, words = _path(rest, "FROM:")
        if path is None:
            return "501 5.5.4 Write MAIL FROM:<address>"
        sizes = [word[5:] for word in words if word.upper().startswith("SIZE=")]
        if sizes and (not sizes[0].isdigit() or int(sizes[0][:12]) > LARGEST_MAIL):
            return "552 5.3.4 Too large"
        self._envelope = Envelope(sender=path)
        return "250 2.1.0 OK"

    def _rcpt(self, rest: str) -> str:
        if self._envelope.sender is None:
            return "503 5.5.1 MAIL first"
        if len(self._envelope.recipients) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        path, _ = _path(rest, "TO:")
        if not path:
            return "501 5.5.4 Write RCPT TO:<address>"
        try:
            self._check(path)
        except NotOurs as problem:
            return f"550 5.1.1 {problem.detail}"
        self._envelope.recipients.append(path)
        return "250 2.1.5 OK"

    async def _data(self) -> str:
        envelope = self._envelope
        if not envelope.recipients:
            return "503 5.5.1 No recipient"
        await self._say("354 End with CRLF.CRLF")
        content = await self._content()
        self._envelope = Envelope()
        self._mails += 1
        if content is None:
            answers = ["552 5.3.4 Too large"] * len(envelope.recipients)
        else:
            answers = [await self._kept(one, content, envelope.sender == "") for one in envelope.recipients]
        if self._lmtp:
            return "\r\n".join(answers)
        return next((one for one in answers if not one.startswith("250")), answers[0])

    async def _kept(self, recipient: str, content: bytes, null_sender: bool) -> str:
        try:
            await self._keep(recipient, content, null_sender)
        except NotOurs as problem:
            return f"550 5.1.1 {problem.detail}"
        except Exception:
            log.exception("bounces.door.not_kept")
            return "451 4.3.0 It could not be kept, try again later"
        return "250 2.0.0 Kept"

    async def _content(self) -> bytes | None:
        """The mail without its dots; None if it was too large. A far too large one is not heard to its end."""
        if await self._begins_with(b".\r\n"):
            return b""
        seen, too_large = 0, False
        while (at := self._buffer.find(_END, max(0, seen - len(_END)))) < 0:
            if len(self._buffer) > LARGEST_MAIL:
                if too_large:
                    raise Gone
                too_large = True
                del self._buffer[: -len(_END)]
            seen = len(self._buffer)
            await self._fill()
        content = bytes(self._buffer[: at + 2])
        del self._buffer[: at + len(_END)]
        if too_large:
            return None
        return (b"\r\n" + content).replace(b"\r\n..", b"\r\n.")[2:]

    async def _begins_with(self, mark: bytes) -> bool:
        while len(self._buffer) < len(mark):
            await self._fill()
        if self._buffer[: len(mark)] != mark:
            return False
        del self._buffer[: len(mark)]
        return True

    async def _line(self) -> str:
        while (at := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > LONGEST_LINE:
                raise Gone
            await self._fill()
        line = bytes(self._buffer[:at]).rstrip(b"\r")
        del self._buffer[: at + 1]
        if len(line) > LONGEST_LINE:
            raise Gone
        return line.decode("utf-8", "replace")

    async def _fill(self) -> None:
        async with asyncio.timeout(IDLE_SECONDS):
            chunk = await self._read(_CHUNK)
        if not chunk:
            raise Gone
        self._buffer += chunk

    async def _say(self, answer: str) -> None:
        await self._write(answer.encode("ascii", "replace") + b"\r\n")


def _path(rest: str, word: str) -> tuple[str | None, list[str]]:
    """The address in `FROM:<address> PARAMETERS`, '' for <>, None for none; and the parameters."""
    if not rest.upper().startswith(word):
        return None, []
    address, _, more = rest[len(word) :].strip().partition(">")
    if not address.startswith("<") or len(address) > 320:
        return None, []
    return address[1:], more.split()


class Door:
    """The listening socket and its connections."""

    def __init__(
        self, *, name: str, lmtp: bool, check: Check, keep: Keep, certificate: Certificate | None = None
    ) -> None:
        self._name, self._lmtp, self._check, self._keep = name, lmtp, check, keep
        self._certificate = certificate
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="keep")
        self._open = 0
        self.port = 0

    async def run(self, host: str, port: int, stop: asyncio.Event) -> None:
        """Serve until `stop` is set."""
        server = await asyncio.start_server(self._connected, host, port, limit=_CHUNK)
        self.port = server.sockets[0].getsockname()[1]
        log.info("bounces.door.open port=%s", self.port)
        async with server:
            await stop.wait()
        self._pool.shutdown()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def write(data: bytes) -> None:
            writer.write(data)
            async with asyncio.timeout(IDLE_SECONDS):
                await writer.drain()

        async def keep(recipient: str, content: bytes, null_sender: bool) -> None:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._pool, self._keep, recipient, content, null_sender)

        async def secure(answer: bytes) -> None:
            assert self._certificate is not None  # noqa: S101 - it is offered with one only
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # what follows belongs to the handshake
            if reader._buffer:  # type: ignore[attr-defined]
                raise Gone
            await write(answer)
            await writer.start_tls(self._certificate.context(), ssl_handshake_timeout=HANDSHAKE_SECONDS)

        self._open += 1
        try:
            if self._open > MOST_CONNECTIONS:
                await write(b"421 4.7.0 Too many connections, try again later\r\n")
                return
            session = Session(
                reader.read, write, name=self._name, lmtp=self._lmtp, check=self._check, keep=keep,
                secure=secure if self._certificate else None,
            )  # fmt: skip
            async with asyncio.timeout(LIFE_SECONDS):
                await session.run()
        except (Gone, TimeoutError, OSError):  # those of TLS too
            return
        finally:
            self._open -= 1
            writer.close()
