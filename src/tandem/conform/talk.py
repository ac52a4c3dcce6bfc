"""Talking to a foreign planner: slowly, with what was learnt of it so far."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import orjson

from tandem.clients.profile import PLAIN, Profile
from tandem.contract.planner_api import KEY_HEADER, TOKEN_HEADER
from tandem.kit.http import Answer, Http
from tandem.kit.problems import OtherSideFailed, Problem

WINDOW = 10.0
LIMIT = 64 * 1024 * 1024


class NotAPlanner(OtherSideFailed):
    """Nothing at the address answers as the contract has it."""

    title = "The address is not a planner's API"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """An answer. document: the JSON, unwrapped; trouble: why there is none; raw: before unwrapping."""

    status: int
    document: Any = None
    raw: Any = None
    trouble: str = ""
    has_length: bool = True
    text: str = ""


class Pace:
    """At most `most` calls in ten seconds."""

    def __init__(
        self,
        most: int,
        *,
        timer: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._most, self._timer, self._sleep = most, timer, sleep
        self._calls: deque[float] = deque()

    def wait(self) -> None:
        """Return when the next call may go."""
        now = self._timer()
        while self._calls and self._calls[0] <= now - WINDOW:
            self._calls.popleft()
        if len(self._calls) >= self._most:
            self._sleep(self._calls.popleft() + WINDOW - now)
        self._calls.append(self._timer())


class Talk:
    """One credential at one server. `profile` grows with what is learnt."""

    def __init__(
        self, url: str, *, user: str = "", password: str = "", api_key: str = "", http: Http, pace: Pace
    ) -> None:
        self._base = url.rstrip("/")
        self.user, self.password, self.key = user, password, api_key
        self._http, self._pace = http, pace
        self.token = ""
        self.profile: Profile = PLAIN
        self.calls = 0

    def learn(self, **found: Any) -> None:
        """Keep something for the profile."""
        self.profile = replace(self.profile, **found)

    def ask(self, method: str, path: str, query: dict[str, Any] | None = None, body: Any = None) -> Seen:
        """Call a function, signed in."""
        return self.call(method, self.profile.path(path), query, body, self.signed())

    def signed(self) -> dict[str, str]:
        """The header of the credential."""
        if self.key:
            return {KEY_HEADER: self.key}
        return {self.profile.token_header or TOKEN_HEADER: self.profile.token_prefix + self.token}

    def call(
        self, method: str, path: str, query: dict[str, Any] | None, body: Any, headers: dict[str, str]
    ) -> Seen:
        """One request, whatever the answer; once more after a pause where we are told to wait."""
        seen = self._once(method, path, query, body, headers)
        if seen.status == 429:
            self._pace_down()
            seen = self._once(method, path, query, body, headers)
        return seen

    def _pace_down(self) -> None:
        self._pace._sleep(1.2 if not self.token and not self.key else WINDOW)

    def _once(
        self, method: str, path: str, query: dict[str, Any] | None, body: Any, headers: dict[str, str]
    ) -> Seen:
        self._pace.wait()
        self.calls += 1
        try:
            answer = self._http.request(
                method,
                f"{self._base}/{path}",
                headers={"Accept": "application/json", "Content-Type": "application/json", **headers},
                content=None if body is None else orjson.dumps(body),
                params={key: str(value) for key, value in (query or {}).items()} or None,
                timeout=60,
                limit=LIMIT,
            )
        except Problem as problem:
            return Seen(status=0, trouble=f"{problem.title}: {problem.detail}")
        return self._seen(answer)

    def _seen(self, answer: Answer) -> Seen:
        has_length = "content-length" in answer.headers
        text = answer.text[:200]
        if answer.is_html:
            return Seen(status=answer.status, trouble="a web page", has_length=has_length, text=text)
        if not answer.body.strip():
            return Seen(status=answer.status, trouble="an empty body", has_length=has_length)
        try:
            raw = answer.json()
        except ValueError:
            return Seen(status=answer.status, trouble="no JSON", has_length=has_length, text=text)
        document = self.profile.unwrapped(raw)
        return Seen(status=answer.status, document=document, raw=raw, has_length=has_length, text=text)
