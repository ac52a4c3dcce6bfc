"""How a messenger is called: credentials, patience where it asks to wait, the profile of what it does differently."""

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import orjson

from tandem.clients import messenger_problems as problems
from tandem.clients.profile import MESSENGER, Profile
from tandem.contract import messenger_api as wire
from tandem.kit.http import Answer, Http, Unreachable
from tandem.kit.problems import Refused

T = TypeVar("T")
TIMEOUT = 10.0
UPLOAD_TIMEOUT = 120.0
PAGE_LIMIT = 64 * 1024 * 1024


class MessengerCalls:
    """One customer at one messenger.

    api_url ends in /rest. A token decides alone when it is given; without one, user name and password do.
    patience: seconds that may be spent in all on waiting where the messenger asks to (429).
    """

    def __init__(
        self,
        api_url: str,
        customer_id: str,
        user: str,
        password: str,
        token: str,
        http: Http,
        *,
        profile: Profile = MESSENGER,
        patience: float = 0,
        timeout: float = TIMEOUT,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base = f"{checked_url(api_url)}/{quote(customer_id, safe='')}"
        self._http, self._profile, self._timeout = http, profile, timeout
        self._patience, self._sleep = patience, sleep
        self._headers = {"Accept": "application/json"}
        self._auth: tuple[str, str] | None = (user, password) if user and not token else None
        if token:
            self._headers[profile.token_header or wire.TOKEN_HEADER] = profile.token_prefix + token

    def _array(
        self,
        path: str,
        parse: Callable[[Any], T],
        what: str,
        params: Mapping[str, str] | None = None,
        **places: str | int,
    ) -> tuple[T, ...]:
        rows = self._rows(path, what, params, **places)
        return shaped(lambda found: tuple(parse(one) for one in found), rows)

    def _rows(
        self, path: str, what: str, params: Mapping[str, str] | None = None, **places: str | int
    ) -> list[Any]:
        """A top-level array as it came. A status that the profile says means an empty list is one."""
        answer = self._call("GET", path, places, params=params)
        if answer.status in self._profile.empty_status:
            return []
        return shaped(lambda found: wire.parse_array(found, what), self._document(answer))

    def _get(self, path: str, params: Mapping[str, str] | None = None, **places: str | int) -> Any:
        return self._document(self._call("GET", path, places, params=params))

    def _post(self, path: str, document: Any, **places: str | int) -> Any:
        """POST a document, or bytes that are one already."""
        body = document if isinstance(document, bytes) else orjson.dumps(self._profile.outgoing(document))
        return self._document(self._call("POST", path, places, body=body))

    def _upload(self, path: str, body: bytes, **places: str | int) -> Any:
        kind = "text/csv"
        return self._document(self._call("POST", path, places, body=body, kind=kind, timeout=UPLOAD_TIMEOUT))

    def _call(
        self,
        method: str,
        path: str,
        places: Mapping[str, str | int],
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        kind: str = "application/json",
        timeout: float | None = None,
    ) -> Answer:
        asked = {self._profile.asked.get(key, key): value for key, value in (params or {}).items()}
        headers = {**self._headers, "Content-Type": kind}
        while True:
            answer = self._once(
                method, self._url(path, places), headers, body, asked, timeout or self._timeout
            )
            try:
                self._check(answer, is_list=method == "GET")
            except problems.MessengerBusy as busy:
                if busy.seconds > self._patience:
                    raise
                self._patience -= busy.seconds
                self._sleep(busy.seconds)
                continue
            return answer

    def _once(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | None,
        params: dict[str, str],
        timeout: float,
    ) -> Answer:
        try:
            return self._http.request(
                method, url, headers=headers, content=body, auth=self._auth, params=params or None,
                timeout=timeout, limit=PAGE_LIMIT,
            )  # fmt: skip
        except Unreachable as error:
            gone = problems.MessengerUnreachable(
                f"Nothing answered as the messenger. {error.detail}", "Check the API URL.", field="api_url"
            )
            gone.sent = error.sent
            raise gone from error

    def _url(self, path: str, places: Mapping[str, str | int]) -> str:
        theirs = self._profile.path(path.lstrip("/"))
        for name, value in places.items():
            theirs = theirs.replace(f"{{{name}}}", quote(str(value), safe=""))
        return f"{self._base}/{theirs}"

    def _check(self, answer: Answer, *, is_list: bool) -> None:
        if answer.status in self._profile.written or (
            is_list and answer.status in self._profile.empty_status
        ):
            return
        if answer.is_html and answer.status < 300:
            raise problems.html()
        problems.explain(answer)

    def _document(self, answer: Answer) -> Any:
        if answer.status in self._profile.empty_status and answer.status not in self._profile.written:
            problems.explain(answer)  # only a list may be empty
        if answer.status == 204:
            return None
        if answer.is_html:
            raise problems.html()
        try:
            raw = orjson.loads(answer.body)
            if isinstance(raw, dict) and [str(key).lower() for key in raw] == ["error"]:
                problems.explain(answer)  # a refusal, whatever the status says
            return self._profile.mended(raw)
        except (ValueError, OverflowError, OSError) as error:
            raise problems.odd(
                "it is not whole JSON, or a time in it is not in the profile's form"
            ) from error


def checked_url(api_url: str) -> str:
    """The API URL without its final slash. Raises Refused if it is no http(s) address that ends in /rest."""
    url = api_url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for a port that is no number
    except ValueError:
        parts = urlsplit("")
    bad = parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query
    if bad or any(mark.isspace() for mark in url):
        raise Refused(
            "The API URL is not a web address.",
            "It looks like https://host/rest, without user name.",
            field="api_url",
        )
    if not parts.path.endswith("/rest"):
        raise Refused("The API URL does not end in /rest.", "Take it as Symplify gave it.", field="api_url")
    return url


def shaped(parse: Callable[[Any], T], document: Any) -> T:
    """What `parse` makes of the document. Raises MessengerBroken where it is not the contract's."""
    try:
        return parse(document)
    except wire.ShapeError as error:
        raise problems.odd(str(error)) from error
