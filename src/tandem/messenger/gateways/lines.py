"""A line to one account's gateway: one message at a time per call, several calls side by side, at most once.

`leave` is asked right before the bytes go out. GatewayDown = no byte of this message has left. After them, whatever is
not a clear answer is uncertain.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import smpp34
from django.conf import settings

from tandem.kit.failpoints import failpoint
from tandem.kit.http import AddressRefused, AnswerTooLarge, Http, Unreachable
from tandem.kit.http import Answer as HttpAnswer
from tandem.kit.smpp import Command
from tandem.messenger.gateways.domain import Answer, HttpCall, Profile, Setup, Sms, Verdict
from tandem.messenger.gateways.errors import GatewayDown
from tandem.messenger.gateways.profiles import PROFILES
from tandem.messenger.gateways.smpp import options as smpp_options
from tandem.messenger.gateways.smpp.messages import answer_of, submits
from tandem.messenger.gateways.smpp.session import Hear, Session, Unanswered

Leave = Callable[[], bool]
HTTP_AT_ONCE = 16
HTTP_SECONDS = 30.0
MOST_ANSWER = 64 * 1024
#: a pause that is waited out here; longer ones send the message back to wait in the ledger
SHORT_PAUSE = 2.0
BIND_AGAIN = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_PART_TRIES = 5


class Line(Protocol):
    """One account's way to its gateway."""

    in_flight: int

    async def hand_over(self, sms: Sms, leave: Leave) -> Answer | None:
        """The gateway's answer; None if `leave` said no. Raises GatewayDown."""

    async def close(self) -> None:
        """End connections."""


class Pause:
    """What a gateway asked for: nothing for a while."""

    def __init__(self) -> None:
        """None."""
        self._until = 0.0

    def note(self, answer: Answer) -> Answer:
        """Keep what the answer asks for."""
        self._until = max(self._until, time.monotonic() + answer.pause) if answer.pause else self._until
        return answer

    async def over(self) -> Answer | None:
        """Wait a short one out; a longer one is the message's answer."""
        left = self._until - time.monotonic()
        if left > SHORT_PAUSE:
            return Answer(
                verdict=Verdict.DEFERRED, detail="The gateway asked for a pause; nothing was sent to it."
            )
        if left > 0:
            await asyncio.sleep(left)
        return None


class HttpLine:
    """A gateway over HTTP. Its calls wait in threads; name, address and port are checked where they connect."""

    in_flight = HTTP_AT_ONCE

    def __init__(self, setup: Setup, *, seconds: float = HTTP_SECONDS) -> None:
        """Nothing is connected yet."""
        self._setup, self._profile = setup, PROFILES[setup.profile]
        self._http = Http(
            allow_private=tuple(settings.TANDEM_ALLOW_PRIVATE), timeout=seconds, limit=MOST_ANSWER
        )
        self._threads = ThreadPoolExecutor(HTTP_AT_ONCE, thread_name_prefix="sms-gateway")
        self._room = asyncio.Semaphore(HTTP_AT_ONCE)
        self._pause = Pause()

    async def hand_over(self, sms: Sms, leave: Leave) -> Answer | None:
        """One request."""
        async with self._room:
            waiting = await self._pause.over()
            if waiting is not None:
                return waiting
            call = self._profile.build(self._setup, sms)
            if not leave():
                return None
            failpoint("m13")
            return await self._answered(call)

    async def _answered(self, call: HttpCall) -> Answer:
        try:
            said = await asyncio.get_running_loop().run_in_executor(self._threads, self._call, call)
        except AddressRefused as refused:
            raise GatewayDown(refused.detail, refused.advice) from refused
        except Unreachable as unreachable:
            if not unreachable.sent:
                raise GatewayDown(unreachable.detail, "Check its address.") from unreachable
            return Answer(verdict=Verdict.UNCERTAIN, detail=f"No answer: {unreachable.title.lower()}.")
        except AnswerTooLarge:
            return Answer(verdict=Verdict.UNCERTAIN, detail="An answer too large to be one.")
        failpoint("m14")
        return self._pause.note(self._profile.read_answer(self._setup, said.status, said.headers, said.body))

    async def close(self) -> None:
        """Close its connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._http.close()

    def _call(self, call: HttpCall) -> HttpAnswer:
        return self._http.request(
            call.method, call.url, headers=call.headers, content=call.body, auth=call.auth
        )


class SmppLine:
    """A session with an SMSC, bound when it is first needed and again after it ended, more and more slowly."""

    def __init__(self, setup: Setup, hear: Hear, *, command: Command = Command.BIND_TRANSCEIVER) -> None:
        """Not bound yet."""
        self._setup, self._hear, self._command = setup, hear, command
        self._options = smpp_options.of(setup)
        self.in_flight = self._options.window
        self._window = asyncio.Semaphore(self._options.window)
        self._binding = asyncio.Lock()
        self._session: Session | None = None
        self._failures, self._again_at = 0, 0.0
        self._pause = Pause()

    async def hand_over(self, sms: Sms, leave: Leave) -> Answer | None:
        """Each part of the message; the next one when the last was taken."""
        try:
            parts = submits(sms, self._options.long)
        except ValueError as wrong:
            return Answer(verdict=Verdict.REJECTED, detail=str(wrong))
        session = await self.session()
        async with self._window:
            waiting = await self._pause.over()
            if waiting is not None:
                return waiting
            if session.closed.is_set():
                raise GatewayDown("The SMSC has ended the session.", "It is bound again.")
            if not leave():
                return None
            failpoint("m13")
            return await self._submit_all(session, parts)

    async def session(self) -> Session:
        """The bound session. Raises GatewayDown, at once while it is too early to bind again."""
        async with self._binding:
            if self._session is not None and not self._session.closed.is_set():
                return self._session
            if time.monotonic() < self._again_at:
                raise GatewayDown("The SMSC cannot be reached now.", "It is bound again in a while.")
            try:
                self._session = await Session.bound(
                    self._options,
                    system_id=self._setup.user,
                    password=self._setup.secret,
                    command=self._command,
                    hear=self._hear,
                )
            except GatewayDown:
                self._again_at = time.monotonic() + BIND_AGAIN[min(self._failures, len(BIND_AGAIN) - 1)]
                self._failures += 1
                raise
            self._failures = 0
            return self._session

    async def close(self) -> None:
        """Unbind."""
        if self._session is not None:
            await self._session.close()

    async def _submit_all(self, session: Session, parts: tuple[smpp34.SubmitSm, ...]) -> Answer:
        ids: list[str] = []
        for number, part in enumerate(parts, 1):
            answer = await self._submit(session, part, tries=1 if number == 1 else _PART_TRIES)
            if answer.verdict is not Verdict.ACCEPTED:
                return answer if number == 1 else _broken_off(answer, number, len(parts), ids)
            ids += answer.ids
        failpoint("m14")
        return Answer(verdict=Verdict.ACCEPTED, detail=", ".join(ids)[:200] or "accepted", ids=tuple(ids))

    async def _submit(self, session: Session, part: smpp34.SubmitSm, *, tries: int) -> Answer:
        """A later part is tried again while the SMSC says that it took nothing; the first waits in the ledger."""
        while True:
            tries -= 1
            try:
                answer = self._pause.note(answer_of(*await session.submit(part)))
            except (Unanswered, GatewayDown) as error:
                return Answer(verdict=Verdict.UNCERTAIN, detail=f"No answer: {error}"[:200])
            if answer.verdict is not Verdict.DEFERRED or not tries:
                return answer
            await asyncio.sleep(answer.pause)


def _broken_off(answer: Answer, number: int, of: int, ids: list[str]) -> Answer:
    """Some parts are there and one is not: neither sent nor unsent, and not to be sent again."""
    return Answer(
        verdict=Verdict.UNCERTAIN, detail=f"part {number} of {of}: {answer.detail}"[:200], ids=tuple(ids)
    )


def line_to(setup: Setup, hear: Hear, *, seconds: float | None = None) -> Line:
    """The line of a gateway; seconds: how long somebody waits for one answer over HTTP."""
    if setup.profile is Profile.SMPP:
        return SmppLine(setup, hear)
    return HttpLine(setup, seconds=seconds or HTTP_SECONDS)
