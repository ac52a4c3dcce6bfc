"""One bound SMPP session: a window of messages without an answer, enquire_link, and what the SMSC sends us.

A deliver_sm is answered after `hear` has kept it, so that no receipt and no STOP is lost to a kill. That, and that its
address is checked where the connection is made, is why the library's own session is not used.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence

import smpp34

from tandem.kit.smpp import (
    RESPONSE,
    Command,
    Framer,
    Pdu,
    SmppBroken,
    Status,
    bind,
    c_text,
    pack,
    read_message,
    respond,
)
from tandem.messenger.gateways import reach
from tandem.messenger.gateways.domain import Incoming, Receipt
from tandem.messenger.gateways.errors import GatewayDown
from tandem.messenger.gateways.smpp.messages import heard
from tandem.messenger.gateways.smpp.options import Options

log = logging.getLogger("tandem.smpp")
BIND_SECONDS = 15.0
_LAST_NUMBER = 0x7FFFFFFE
_LOCKED_OUT = {Status.BIND_FAILED, Status.BAD_PASSWORD, Status.BAD_SYSTEM_ID}

#: what an SMSC sends at once and we have not kept yet; then its connection is read no further
MOST_UNKEPT = 500
Heard = Receipt | Incoming
#: keeps what came, durably; an error there is answered with a refusal, so that the SMSC tells it again
Hear = Callable[[Sequence[Heard]], Awaitable[None]]


class Unanswered(Exception):
    """The message was written and no answer came: the SMSC may have it."""


class Session:
    """Bound until `closed` is set; use `bound` to make one."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, options: Options, hear: Hear
    ) -> None:
        self._reader, self._writer, self._options, self._hear = reader, writer, options, hear
        self._last = 0
        self._came: asyncio.Queue[tuple[Pdu, Heard]] = asyncio.Queue(MOST_UNKEPT)
        self._owed: dict[int, asyncio.Future[Pdu]] = {}
        self._framer = Framer()
        self.closed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def bound(
        cls, options: Options, *, system_id: str, password: str, command: Command, hear: Hear
    ) -> "Session":
        """A session that the SMSC has let in. Raises GatewayDown."""
        reader, writer = await reach.connect(options.host, options.port, tls=options.tls)
        session = cls(reader, writer, options, hear)
        session._tasks += [asyncio.create_task(session._listen()), asyncio.create_task(session._keep())]
        try:
            await session._bind(command, system_id, password)
        except BaseException:
            await session.close()
            raise
        session._tasks.append(asyncio.create_task(session._enquire()))
        return session

    async def submit(self, message: smpp34.SubmitSm) -> tuple[int, str]:
        """The SMSC's status and its name of the message. Raises Unanswered, and GatewayDown if nothing was written."""
        if self.closed.is_set():
            raise GatewayDown("The SMSC has ended the session.", "It is bound again.")
        number = self._next()
        raw = message.encode()
        sequence = number.to_bytes(4, "big")
        try:
            answer = await self._ask(number, raw[:12] + sequence + raw[16:], self._options.answer_seconds)
        except (ConnectionError, TimeoutError, SmppBroken) as error:
            raise Unanswered(str(error) or "no answer in time") from None
        return answer.status, c_text(answer.body)

    async def close(self) -> None:
        """Unbind if it can be done at once, and end."""
        if not self.closed.is_set():
            with contextlib.suppress(OSError, RuntimeError):
                self._writer.write(pack(Command.UNBIND, self._next()))
        self._end(ConnectionError("The session was closed here."))
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(2):
                await self._writer.wait_closed()

    async def _bind(self, command: Command, system_id: str, password: str) -> None:
        number = self._next()
        where = f"{self._options.host}:{self._options.port}"
        try:
            request = bind(
                command,
                number,
                system_id=system_id,
                password=password,
                system_type=self._options.system_type,
            )
            answer = await self._ask(number, request, BIND_SECONDS)
        except ValueError as wrong:
            raise GatewayDown(
                f"User name or password cannot be used: {wrong}", "Both are plain characters, 15 and 8."
            ) from None
        except (ConnectionError, TimeoutError) as error:
            raise GatewayDown(f"{where} did not answer the bind: {error}.", "Is it an SMSC?") from None
        if answer.status != Status.OK:
            advice = (
                "Check user name and password."
                if answer.status in _LOCKED_OUT
                else "Ask the SMSC's operator."
            )
            raise GatewayDown(f"{where} refused the bind with 0x{answer.status:08x}.", advice)

    async def _ask(self, number: int, request: bytes, seconds: float) -> Pdu:
        answer: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self._owed[number] = answer
        try:
            self._writer.write(request)
            await self._writer.drain()
            async with asyncio.timeout(seconds):
                return await asyncio.shield(answer)
        finally:
            self._owed.pop(number, None)

    async def _listen(self) -> None:
        try:
            while data := await self._reader.read(65536):
                for pdu in self._framer.feed(data):
                    await self._take(pdu)
            self._end(ConnectionError("The SMSC closed the connection."))
        except (OSError, SmppBroken) as error:
            self._end(ConnectionError(str(error) or type(error).__name__))

    async def _take(self, pdu: Pdu) -> None:
        if pdu.is_response:
            owed = self._owed.get(pdu.sequence)
            if owed is not None and not owed.done():
                owed.set_result(pdu)
        elif pdu.command == Command.DELIVER_SM:
            await self._deliver(pdu)
        elif pdu.command == Command.UNBIND:
            self._writer.write(respond(pdu))
            raise SmppBroken("The SMSC has unbound us.")
        elif pdu.command == Command.ENQUIRE_LINK:
            self._writer.write(respond(pdu))
        else:  # generic_nack
            self._writer.write(pack(RESPONSE, pdu.sequence, status=Status.BAD_COMMAND))

    async def _deliver(self, pdu: Pdu) -> None:
        """One that cannot be read, or says nothing new, is taken at once, else it would come for ever."""
        try:
            message = read_message(pdu)
            found = heard(message) if isinstance(message, smpp34.DeliverSm) else None
        except (SmppBroken, IndexError, ValueError):
            log.warning("smpp.deliver.unreadable bytes=%s", len(pdu.raw))
            found = None
        if found is None:
            self._answer([pdu], Status.OK)
        else:
            await self._came.put((pdu, found))

    async def _keep(self) -> None:
        """What came, kept by groups and answered."""
        while True:
            group = [await self._came.get()]
            while not self._came.empty():
                group.append(self._came.get_nowait())
            pdus = [pdu for pdu, _ in group]
            try:
                await self._hear([one for _, one in group])
            except Exception:  # whatever kept it from being kept, the SMSC has it and tells it again
                log.exception("smpp.deliver.not_kept")
                self._answer(pdus, Status.TEMPORARY)
            else:
                self._answer(pdus, Status.OK)

    def _answer(self, pdus: Sequence[Pdu], status: int) -> None:
        if not self._writer.is_closing():
            self._writer.write(b"".join(respond(pdu, status=status, body=b"\0") for pdu in pdus))

    def _next(self) -> int:
        self._last = self._last % _LAST_NUMBER + 1
        return self._last

    async def _enquire(self) -> None:
        while not self.closed.is_set():
            await asyncio.sleep(self._options.enquire_seconds)
            number = self._next()
            try:
                await self._ask(number, pack(Command.ENQUIRE_LINK, number), self._options.enquire_seconds)
            except (OSError, TimeoutError):
                self._end(ConnectionError("The SMSC does not answer any more."))

    def _end(self, error: ConnectionError) -> None:
        self.closed.set()
        for owed in self._owed.values():
            if not owed.done():
                owed.set_exception(error)
        self._writer.close()


__all__ = ["Hear", "Session", "Unanswered"]
