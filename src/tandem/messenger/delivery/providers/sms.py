"""The way out of SMS: each account's own gateway, at most once.

SMS are never sent again in doubt: they cost money, and hardly a gateway takes a key that would make a repeat harmless.
One account's gateway that is down makes its own messages wait in the ledger and nobody else's. SMS of accounts without
a gateway leave by file, as groups that are synced together.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from tandem.kit import clock as clocks
from tandem.messenger.delivery import tokens
from tandem.messenger.delivery.domain import AttemptState, Message, Outcome
from tandem.messenger.delivery.errors import OutboundStopped
from tandem.messenger.delivery.providers.base import Leave
from tandem.messenger.delivery.providers.file import FileProvider
from tandem.messenger.gateways import inbox, lines, quiet
from tandem.messenger.gateways import service as gateways
from tandem.messenger.gateways.domain import Answer, Flag, Incoming, Receipt, Setup, Sms, Verdict
from tandem.messenger.gateways.errors import GatewayDown
from tandem.messenger.gateways.inbox import Part
from tandem.messenger.gateways.lines import Line

log = logging.getLogger("tandem.sms")
#: messages in hand at once; each line lets only its own window of them past their intent
IN_FLIGHT = 250
#: how long an account's setup is believed
SETUP_SECONDS = 5.0
RETIRE_SECONDS = 90.0
_STATES = {
    Verdict.ACCEPTED: AttemptState.ACCEPTED,
    Verdict.DEFERRED: AttemptState.DEFERRED,
    Verdict.REJECTED: AttemptState.REJECTED,
    Verdict.UNCERTAIN: AttemptState.UNCERTAIN,
}


@dataclass(kw_only=True)
class _Account:
    setup: Setup | None
    line: Line | None
    read_at: float
    problem: str = ""


class SmsWay:
    """Hands SMS over to the gateways of their accounts; `in_flight` of all accounts together."""

    in_flight = IN_FLIGHT
    #: what `arrived` says is true of files; of gateways it says nothing
    idempotent = True

    def __init__(self, *, otherwise: FileProvider | None = None, seconds: float | None = None) -> None:
        """Nothing is connected yet.

        otherwise: for accounts without a gateway. seconds: how long an answer is waited for, where somebody waits.
        """
        self._seconds = seconds
        self._files = _Files(otherwise) if otherwise is not None else None
        self._accounts: dict[int, _Account] = {}
        self._reading = asyncio.Lock()
        #: the one thread that speaks to the database for this way
        self._database = ThreadPoolExecutor(1, thread_name_prefix="sms-database")
        self._names: list[tuple[int, list[Part], asyncio.Future[None]]] = []
        self._keeping: asyncio.Task[None] | None = None
        self._retiring: list[asyncio.Task[None]] = []

    async def hand_over(self, message: Message, leave: Leave) -> Outcome | None:
        """One message. Raises OutboundStopped if its account has no way out at all."""
        account = await self._account(message.account_id)
        if account.setup is None or account.line is None:
            if self._files is not None:
                return await self._files.hand_over(message, leave)
            raise OutboundStopped("The account has no SMS gateway.", "Set one up, or let SMS leave by file.")
        sms = _sms(message, account.setup)
        try:
            answer = await account.line.hand_over(sms, leave)
        except GatewayDown as down:
            await self._note(account, down.detail)
            return Outcome(state=AttemptState.DEFERRED, detail=down.detail[:200])
        if answer is None:
            return None
        await self._note(account, answer.detail if _is_ours(answer) else "")
        await self._keep(message, sms, answer)
        return Outcome(state=_STATES[answer.verdict], detail=answer.detail[:200])

    def arrived(self, message: Message) -> bool | None:
        """Whether the message lies in its file; where the account has or had a gateway, only a receipt can tell."""
        if self._files is not None and self._files.provider.arrived(message):
            return True
        return None if self._files is None or gateways.is_known(message.account_id) else False

    async def close(self) -> None:
        """End every line."""
        if self._files is not None:
            self._files.close()
        for retiring in self._retiring:
            retiring.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        await asyncio.gather(*(one.line.close() for one in self._accounts.values() if one.line))
        if self._keeping is not None:
            await self._keeping
        self._database.submit(_end).result()
        self._database.shutdown()

    async def _account(self, account_id: int) -> _Account:
        known = self._accounts.get(account_id)
        if known is not None and time.monotonic() - known.read_at < SETUP_SECONDS:
            return known
        async with self._reading:
            known = self._accounts.get(account_id)
            if known is not None and time.monotonic() - known.read_at < SETUP_SECONDS:
                return known
            setup = await self._ask(lambda: gateways.setup_of(account_id))
            if known is not None and known.setup == setup:
                known.read_at = time.monotonic()
                return known
            if known is not None and known.line is not None:
                self._retiring.append(asyncio.create_task(_retire(known.line)))
            return self._opened(account_id, setup)

    def _opened(self, account_id: int, setup: Setup | None) -> _Account:
        async def hear(told: Sequence[Receipt | Incoming]) -> None:
            await self._ask(lambda: inbox.keep(account_id, told, clocks.from_environment().system()))

        line = lines.line_to(setup, hear, seconds=self._seconds) if setup else None
        opened = _Account(setup=setup, line=line, read_at=time.monotonic())
        self._accounts[account_id] = opened
        return opened

    async def _note(self, account: _Account, words: str) -> None:
        if words == account.problem or account.setup is None:
            return
        account.problem = words
        account_id = account.setup.account_id
        await self._try(lambda: gateways.note_problem(account_id, words))

    async def _keep(self, message: Message, sms: Sms, answer: Answer) -> None:
        """The gateway's names of the message, durable before its outcome: a receipt then finds it after any kill."""
        if answer.flag is not Flag.NONE:
            now = clocks.from_environment().system()
            number, account = sms.to, message.account_id
            await self._try(lambda: inbox.keep_flag(account, number, answer.flag, sms.reference, now))
        if not answer.ids:
            return
        parts = [
            Part(
                gateway_id=one,
                sending_id=message.sending_id,
                attempt_id=message.attempt_id,
                part=number,
                parts=len(answer.ids),
            )
            for number, one in enumerate(answer.ids, 1)
        ]
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._names.append((message.account_id, parts, kept))
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep_names())
        await kept

    async def _keep_names(self) -> None:
        while self._names:
            group, self._names = self._names, []
            by_account: dict[int, list[Part]] = {}
            for account_id, parts, _ in group:
                by_account.setdefault(account_id, []).extend(parts)
            try:
                await self._try(partial(_remember, by_account))
            finally:  # an answer that was heard waits for nothing else
                for _, _, kept in group:
                    kept.set_result(None)

    async def _try(self, work: Callable[[], Any]) -> None:
        """What is good to know and no reason to lose an answer."""
        try:
            await self._ask(work)
        except (DatabaseError, InterfaceError):
            log.exception("sms.not_kept")

    async def _ask(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._database, _fresh, work)


class _Files:
    """Writes messages in a thread: what has come meanwhile is the next group."""

    def __init__(self, provider: FileProvider) -> None:
        self.provider = provider
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sms-files")
        self._waiting: list[tuple[Message, asyncio.Future[Outcome]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def hand_over(self, message: Message, leave: Leave) -> Outcome | None:
        """Raises OutboundStopped when files cannot be written; then the message is not there, or is written again."""
        if not leave():
            return None
        written: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((message, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return await written

    def close(self) -> None:
        self._thread.shutdown()
        self.provider.close()

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            group, self._waiting = self._waiting, []
            letters = [message for message, _ in group]
            try:
                outcome = await loop.run_in_executor(self._thread, self._write_all, letters)
            except Exception as error:  # noqa: BLE001 each of them hears it: none may wait for ever
                for _, written in group:
                    written.set_exception(error)
            else:
                for _, written in group:
                    written.set_result(outcome)

    def _write_all(self, letters: Sequence[Message]) -> Outcome:
        for message in letters:
            self.provider.send(message, lambda: True)
        self.provider.settle()
        return Outcome(state=AttemptState.ACCEPTED, detail="in the outbox")


class BlockingSms:
    """The same for callers that wait: tests, one after the other."""

    idempotent = False
    rows_in_hand = 1
    holds_after_settle = False

    def __init__(self, *, seconds: float | None = None) -> None:
        """Nothing is connected yet."""
        self._seconds = seconds
        self._runner = asyncio.Runner()
        self._way: SmsWay | None = None

    def send(self, message: Message, before_content: Leave) -> Outcome | None:
        """Hand one message over and wait for its answer."""
        return self._runner.run(self._send(message, before_content))

    def settle(self) -> None:
        """The gateway answers for what it took."""

    def arrived(self, message: Message) -> bool | None:
        """Only a receipt can tell."""
        return None

    def close(self) -> None:
        """End connections."""
        if self._way is not None:
            self._runner.run(self._way.close())
        self._runner.close()

    async def _send(self, message: Message, leave: Leave) -> Outcome | None:
        if self._way is None:
            self._way = SmsWay(seconds=self._seconds)
        return await self._way.hand_over(message, leave)


async def _retire(line: Line) -> None:
    """Close a line that nothing more is given to, when its last answers are heard."""
    try:
        await asyncio.sleep(RETIRE_SECONDS)
    finally:
        await line.close()


def _fresh(work: Callable[[], Any]) -> Any:
    close_old_connections()
    return work()


def _end() -> None:
    connection.close()


def _remember(named: dict[int, list[Part]]) -> None:
    now = clocks.from_environment().system()
    for account_id, parts in named.items():
        inbox.remember(account_id, parts, now)


def _is_ours(answer: Answer) -> bool:
    """Whether the gateway refuses us, and not this message."""
    return answer.verdict is Verdict.DEFERRED and answer.pause > lines.SHORT_PAUSE


def text_of(content: bytes) -> str:
    """The text of a composed SMS: what follows its header."""
    return (
        content.partition(b"\r\n\r\n")[2]
        .decode("utf-8", "replace")
        .removesuffix("\r\n")
        .replace("\r\n", "\n")
    )


def _sms(message: Message, setup: Setup) -> Sms:
    """The message as its gateway gets it. Its mark in the call-back's address is its own, the same on every try."""
    sms = Sms(
        to=message.recipient,
        sender=setup.sender_for(quiet.country_of(message.recipient), message.sender),
        text=text_of(message.content),
        reference=f"{message.account_id}-{message.sending_id}-{message.attempt_id}",
    )
    if not message.sending_id:
        return sms
    mark = tokens.make(settings.SECRET_KEY, tokens.RECEIPT, message.sending_id, message.attempt_id)
    return replace(sms, receipt_url=f"{setup.callback_url}/receipt?m={mark}")
