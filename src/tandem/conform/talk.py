"""Talking to a foreign server: slowly, with what was learnt of it so far."""

import base64
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import orjson

from tandem.clients.messenger_calls import checked_url
from tandem.clients.profile import MESSENGER, PLAIN, Profile
from tandem.contract import messenger_api
from tandem.contract.planner_api import KEY_HEADER, TOKEN_HEADER
from tandem.kit.http import Answer, Http
from tandem.kit.problems import OtherSideFailed, Problem

WINDOW = 10.0
LIMIT = 64 * 1024 * 1024
MOST_WAIT = 90.0


class NotAMessenger(OtherSideFailed):
    """Nothing at the address answers as the contract has it."""

    title = "The address is not a messenger's API"


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
    wait: float = 0.0


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

    def pause(self, seconds: float) -> None:
        """Wait, because we were told to or something is not done yet."""
        self._sleep(seconds)

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

    def __init__(self, url: str, *, http: Http, pace: Pace, profile: Profile) -> None:
        self._base = url.rstrip("/")
        self._http, self.pace = http, pace
        self.profile = profile
        self.calls = 0

    def learn(self, **found: Any) -> None:
        """Keep something for the profile."""
        self.profile = replace(self.profile, **found)

    def ask(self, method: str, path: str, query: dict[str, Any] | None = None, body: Any = None) -> Seen:
        """Call a function, signed in."""
        return self.call(method, self.profile.path(path), query, body, self.signed())

    def signed(self) -> dict[str, str]:
        """The header of the credential."""
        raise NotImplementedError

    def seconds_after(self, seen: Seen) -> float:
        """How long to wait after a 429."""
        return min(max(seen.wait, WINDOW), MOST_WAIT)

    def call(
        self, method: str, path: str, query: dict[str, Any] | None, body: Any, headers: dict[str, str]
    ) -> Seen:
        """One request, whatever the answer; once more after a pause where we are told to wait."""
        seen = self._once(method, path, query, body, headers)
        if seen.status == 429:
            self.pace.pause(self.seconds_after(seen))
            seen = self._once(method, path, query, body, headers)
        return seen

    def _once(
        self, method: str, path: str, query: dict[str, Any] | None, body: Any, headers: dict[str, str]
    ) -> Seen:
        self.pace.wait()
        self.calls += 1
        is_file = isinstance(body, bytes)
        kind = "text/csv" if is_file else "application/json"
        try:
            answer = self._http.request(
                method,
                f"{self._base}/{path}",
                headers={"Accept": "application/json", "Content-Type": kind, **headers},
                content=body if body is None or is_file else orjson.dumps(body),
                params={key: str(value) for key, value in (query or {}).items()} or None,
                timeout=60,
                limit=LIMIT,
            )
        except Problem as problem:
            return Seen(status=0, trouble=f"{problem.title}: {problem.detail}")
        return self._seen(answer)

    def _seen(self, answer: Answer) -> Seen:
        has_length = "content-length" in answer.headers
        told = answer.headers.get("retry-after", "")
        wait = float(told) if told.isascii() and told.isdigit() else 0.0
        text = answer.text[:200]
        if answer.is_html:
            return Seen(status=answer.status, trouble="a web page", has_length=has_length, text=text)
        if not answer.body.strip():
            return Seen(status=answer.status, trouble="an empty body", has_length=has_length, wait=wait)
        try:
            raw = answer.json()
        except ValueError:
            return Seen(status=answer.status, trouble="no JSON", has_length=has_length, text=text, wait=wait)
        document = self.profile.unwrapped(raw)
        return Seen(
            status=answer.status, document=document, raw=raw, has_length=has_length, text=text, wait=wait
        )


class PlannerTalk(Talk):
    """At a planner: by an API key, or by user name and password and then a token."""

    def __init__(
        self, url: str, *, user: str = "", password: str = "", api_key: str = "", http: Http, pace: Pace
    ) -> None:
        super().__init__(url, http=http, pace=pace, profile=PLAIN)
        self.user, self.password, self.key = user, password, api_key
        self.token = ""

    def signed(self) -> dict[str, str]:
        """The header of the key or the token."""
        if self.key:
            return {KEY_HEADER: self.key}
        return {self.profile.token_header or TOKEN_HEADER: self.profile.token_prefix + self.token}

    def seconds_after(self, seen: Seen) -> float:
        """A second login within a second is refused; else the window's length."""
        return WINDOW if self.token or self.key else 1.2


class MessengerTalk(Talk):
    """At a messenger: by a token, or by user name and password. Raises Refused if the URL cannot be one."""

    def __init__(
        self,
        url: str,
        customer_id: str,
        *,
        user: str = "",
        password: str = "",
        token: str = "",
        http: Http,
        pace: Pace,
    ) -> None:
        base = f"{checked_url(url)}/{quote(customer_id, safe='')}"
        super().__init__(base, http=http, pace=pace, profile=MESSENGER)
        self.token = token
        self._basic = base64.b64encode(f"{user}:{password}".encode()).decode()

    def signed(self) -> dict[str, str]:
        """The header of the token, or of Basic authentication."""
        if not self.token:
            return {"Authorization": f"Basic {self._basic}"}
        name = self.profile.token_header or messenger_api.TOKEN_HEADER
        return {name: self.profile.token_prefix + self.token}

    def at(
        self, method: str, path: str, places: Mapping[str, Any], query: dict[str, Any], body: Any = None
    ) -> Seen:
        """Make a call of the contract; places: what stands for the names in its path."""
        theirs = self.profile.path(path)
        for name, value in places.items():
            theirs = theirs.replace(f"{{{name}}}", quote(str(value), safe=""))
        return self.call(method, theirs, query, body, self.signed())
