"""A stand-in for an SMSC: takes messages over SMPP, writes the truth down first, answers as it was told to.

It is spoken to by its own thread's loop; everything public may be called from any thread.
"""

import asyncio
import itertools
import ssl
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import orjson
import smpp34

from tandem.kit.smpp import (
    RESPONSE,
    Command,
    Framer,
    Pdu,
    SmppBroken,
    Status,
    content_of,
    read_message,
    respond,
)

#: what the next submit_sm may be answered with, besides a status as 0x0000000b
ANSWERS = {
    "throttled": Status.THROTTLED,
    "queue-full": Status.QUEUE_FULL,
    "bad-number": Status.BAD_DESTINATION,
    "bad-sender": Status.BAD_SOURCE,
    "system-error": Status.SYSTEM_ERROR,
    "silent": None,  # taken, and never answered
    "cut": None,  # taken, and the connection is cut
    "garbage": None,  # taken, and answered with what is no SMPP
}
_BINDS = {Command.BIND_RECEIVER, Command.BIND_TRANSMITTER, Command.BIND_TRANSCEIVER}
_DECIMAL_FROM = 0xA0_0000


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A submit_sm as it came. id: the name it was given; answer: what it was answered with."""

    id: str
    to: str
    sender: str
    octets: bytes
    coding: int
    esm_class: int
    tlvs: dict[int, bytes] = field(default_factory=dict)
    answer: str = ""


class Smsc:
    """Listens from `start` to `stop`. receipts: `delivered`, `failed`, or none; decimal: how they write ids."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        system_id: str = "simulator",
        password: str = "secret",
        receipts: str = "",
        decimal: bool = False,
        replies: str = "",
        context: ssl.SSLContext | None = None,
        told: Callable[[str], object] | None = None,
    ) -> None:
        self.host, self.port = host, port
        self.taken: list[Taken] = []
        self.unread: list[int] = []
        self.binds = 0
        self._system_id, self._password = system_id, password
        self._receipts, self._decimal, self._replies = receipts, decimal, replies
        self._context, self._told = context, told
        self._failed: OSError | None = None
        self._script: deque[str] = deque()
        self._ids = itertools.count(_DECIMAL_FROM)
        self._numbers = itertools.count(1)
        self._sessions: dict[asyncio.StreamWriter, int] = {}
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="smsc")

    def start(self) -> "Smsc":
        """Listen; back when it does. OSError if it cannot."""
        self._thread.start()
        self._ready.wait(10)
        if self._failed is not None:
            raise self._failed
        return self

    def join(self) -> None:
        """Until it is stopped."""
        while self._thread.is_alive():
            self._thread.join(0.5)

    def stop(self) -> None:
        """Cut every connection and listen no more."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def answer_next(self, *answers: str) -> None:
        """How the next messages are answered, one each; then all are taken."""
        for answer in answers:
            if answer not in ANSWERS and not answer.startswith("0x"):
                raise ValueError(f"{answer!r} is no answer; use one of {', '.join(ANSWERS)} or a status.")
        self._script.extend(answers)

    def deliver(
        self, octets: bytes, *, sender: str, to: str, esm_class: int = 0, coding: int = 0, **more: object
    ) -> None:
        """Send a deliver_sm to one session that receives. more: arguments of smpp34.DeliverSm."""
        message = smpp34.DeliverSm(
            sender, to, octets, source_addr_ton=1, source_addr_npi=1, esm_class=esm_class, data_coding=coding,
            sequence_number=next(self._numbers), **more,  # type: ignore[arg-type]
        )  # fmt: skip
        self._loop.call_soon_threadsafe(self._write, message.encode())

    def receipt(self, gateway_id: str, *, stat: str = "DELIVRD", error: str = "000") -> None:
        """Send a delivery receipt, in the words of SMPP 3.4's appendix B."""
        told = str(int(gateway_id, 16)) if self._decimal else gateway_id
        text = f"id:{told} sub:001 dlvrd:001 submit date:2611231900 done date:2611231901 stat:{stat} err:{error} text:"
        self.deliver(text.encode(), sender="46701740001", to="1000", esm_class=0x04)

    def cut(self) -> None:
        """Cut every connection."""
        self._loop.call_soon_threadsafe(self._cut)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            server = self._loop.run_until_complete(
                asyncio.start_server(self._serve, self.host, self.port, ssl=self._context)
            )
        except OSError as error:
            self._failed = error
            self._ready.set()
            return
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        self._cut()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.01))
        self._loop.close()

    def _cut(self) -> None:
        for writer in list(self._sessions):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        framer = Framer()
        self._sessions[writer] = 0
        try:
            while data := await reader.read(65536):
                for pdu in framer.feed(data):
                    self._take(pdu, writer)
        except (OSError, SmppBroken, asyncio.CancelledError):
            pass
        finally:
            self._sessions.pop(writer, None)
            writer.close()

    def _take(self, pdu: Pdu, writer: asyncio.StreamWriter) -> None:
        if pdu.command in _BINDS:
            self._let_in(pdu, writer)
        elif pdu.command == Command.SUBMIT_SM:
            self._submit(pdu, writer)
        elif pdu.command in (Command.ENQUIRE_LINK, Command.UNBIND):
            writer.write(respond(pdu))
        elif pdu.command == RESPONSE | Command.DELIVER_SM:
            self.unread.append(pdu.status)

    def _let_in(self, pdu: Pdu, writer: asyncio.StreamWriter) -> None:
        name, secret, *_ = pdu.body.split(b"\0")
        right = (name.decode(), secret.decode()) == (self._system_id, self._password)
        if right:
            self._sessions[writer] = pdu.command
            self.binds += 1
        writer.write(
            respond(
                pdu, status=Status.OK if right else Status.BAD_PASSWORD, body=b"simulator\0" if right else b""
            )
        )

    def _submit(self, pdu: Pdu, writer: asyncio.StreamWriter) -> None:
        answer = self._script.popleft() if self._script else ""
        message = read_message(pdu)
        name = f"{next(self._ids):x}"
        self.taken.append(
            Taken(
                id=name, to=message.destination_addr, sender=message.source_addr, octets=content_of(message),
                coding=message.data_coding, esm_class=message.esm_class,
                tlvs={tlv.tag: bytes(tlv.value) for tlv in message.tlvs}, answer=answer,
            )
        )  # fmt: skip
        self._tell(self.taken[-1])
        if answer == "cut":
            writer.transport.abort()
        elif answer == "garbage":
            writer.write(b"\0\0\0\1" * 8)
        elif answer != "silent":
            status = int(answer, 16) if answer.startswith("0x") else ANSWERS.get(answer) or Status.OK
            writer.write(respond(pdu, status=status, body=name.encode() + b"\0" if not status else b""))
            if not status:
                self._follow(name, message)

    def _tell(self, taken: Taken) -> None:
        if self._told is not None:
            told = {"id": taken.id, "to": taken.to, "from": taken.sender, "octets": taken.octets.hex()}
            self._told(orjson.dumps({**told, "coding": taken.coding, "answer": taken.answer}).decode())

    def _follow(self, name: str, message: "smpp34.SubmitSm | smpp34.DeliverSm") -> None:
        if self._receipts:
            self.receipt(name, stat="DELIVRD" if self._receipts == "delivered" else "UNDELIV")
        if self._replies:
            self.deliver(
                self._replies.encode("ascii", "replace"),
                sender=message.destination_addr,
                to=message.source_addr,
            )

    def _write(self, raw: bytes) -> None:
        for writer, command in self._sessions.items():
            if command in (Command.BIND_RECEIVER, Command.BIND_TRANSCEIVER):
                writer.write(raw)
                return
