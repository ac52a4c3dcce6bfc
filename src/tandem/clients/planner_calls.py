"""How a planner is called: token or key, renewal, paging, and the profile of what this planner does differently."""

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import orjson

from tandem.clients import planner_problems as problems
from tandem.clients.profile import PLAIN, Profile
from tandem.contract import planner_api as wire
from tandem.contract.reading import ContractBroken, items
from tandem.kit.http import Answer, DeadlinePassed, Http, Unreachable

T = TypeVar("T")

PAGE_LIMIT = 256 * 1024 * 1024
PAGE_TIMEOUT = 120.0
#: seconds after its last use at which a token is given up; the planner gives it up after 1,200
TOKEN_LIFE = 1190.0
MOST_PAGES = 10_000
#: rows of a list asked for at once: a page is a few megabytes, and a list of any length is no more in memory
ROWS_AT_ONCE = 25_000


class PlannerCalls:
    """One account at one planner. With an API key no login is made; else a token is fetched and kept."""

    def __init__(
        self,
        base_url: str,
        *,
        user: str = "",
        password: str = "",
        api_key: str = "",
        http: Http | None = None,
        page: int = ROWS_AT_ONCE,
        profile: Profile = PLAIN,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._user, self._password, self._key = user, password, api_key
        self._http = http or Http()
        self._profile = profile
        self._page = profile.size or page
        self._timer = timer
        self._token, self._used = "", 0.0
        #: whether an answer so far said that a write with the same key counts once
        self.counts_once = False

    def _login(self) -> None:
        body = orjson.dumps({"Username": self._user, "Password": self._password})
        answer = self._send("POST", "general/login", {}, body, {})
        if answer.status == 429:  # a second login within a second: the token is needed, so wait and ask again
            time.sleep(1.1)
            answer = self._send("POST", "general/login", {}, body, {})
        if answer.status in (401, 403):
            raise problems.PlannerRefusedLogin(
                f"The planner refused the user name or the password ({answer.status}).",
                "Check the user name and the password of the API credential.",
                field="password",
            )
        document = self._token_in(self._document(answer))
        if not isinstance(document, str) or not document:
            raise problems.wrong("The answer to the login is not a token.")
        self._token, self._used = document, self._timer()

    def _token_in(self, document: Any) -> Any:
        wanted = self._profile.token_key.lower()
        document = self._profile.unwrapped(document)
        if wanted and isinstance(document, dict):
            return next((value for key, value in document.items() if str(key).lower() == wanted), None)
        return document

    def _all(self, function: str, read: Callable[[Any], T], **query: Any) -> list[T]:
        """Every row of a list, page by page, until an empty page or the same one again."""
        found: list[T] = []
        for rows in self._pages(function, query):
            found += shaped(lambda page: [read(row) for row in page], rows)
        return found

    def _pages(self, function: str, query: dict[str, Any]) -> Iterator[list[Any]]:
        skip, last, size = 0, None, self._profile.size or wire.PAGE
        for _ in range(MOST_PAGES):
            document = self._get(function, is_page=True, **query, **self._profile.page(skip, size))
            rows = shaped(lambda found: items(found, "list"), document)
            if not rows or rows == last:  # a server that does not page sends the whole list each time
                return
            yield rows
            last, skip = rows, skip + len(rows)
        raise problems.wrong("The planner's list does not end.")

    def _get(self, function: str, *, is_page: bool = False, **query: Any) -> Any:
        asked = {self._profile.asked.get(key, key): str(value) for key, value in query.items()}
        answer = self._authorised("GET", function, asked, None)
        if is_page and answer.status in self._profile.empty_status:
            return []
        document = self._document(answer)
        return [] if is_page and document is None and self._profile.empty_status else document

    def _write(self, function: str, document: object, key: str = "") -> None:
        body = orjson.dumps(self._profile.outgoing(document))
        answer = self._authorised("POST", function, {}, body, {wire.ONCE_HEADER: key} if key else None)
        if answer.status not in self._profile.written:
            self._explain(answer)
        if answer.is_html:
            raise problems.html(answer.address)

    def _authorised(
        self,
        method: str,
        function: str,
        query: dict[str, str],
        body: bytes | None,
        more: dict[str, str] | None = None,
    ) -> Answer:
        more = more or {}
        if self._key:
            return self._send(method, function, query, body, {wire.KEY_HEADER: self._key, **more})
        if not self._token or self._timer() - self._used > TOKEN_LIFE:
            self._login()
        answer = self._send(method, function, query, body, self._token_header() | more)
        if answer.status == 401 or (answer.status == 403 and "expired" in answer.text[:200].lower()):
            self._token = ""
            self._login()
            answer = self._send(method, function, query, body, self._token_header() | more)
        self._used = self._timer()
        return answer

    def _token_header(self) -> dict[str, str]:
        return {self._profile.token_header or wire.TOKEN_HEADER: self._profile.token_prefix + self._token}

    def _send(
        self, method: str, function: str, query: dict[str, str], body: bytes | None, headers: dict[str, str]
    ) -> Answer:
        headers = {"Accept": "application/json", "Content-Type": "application/json", **headers}
        try:
            answer = self._http.request(
                method,
                f"{self._base}/{self._profile.path(function)}",
                headers=headers,
                content=body,
                params=query or None,
                timeout=PAGE_TIMEOUT if self._profile.top in query else None,
                limit=PAGE_LIMIT,
            )
        except Unreachable as error:
            late = isinstance(error, DeadlinePassed)
            advice = (
                "We try again by schedule."
                if late
                else "Check the planner's address, and that it is running."
            )
            raise problems.PlannerUnreachable(error.detail, advice, sent=error.sent) from error
        self.counts_once |= wire.ONCE_OFFERED.lower() in {name.lower() for name in answer.headers}
        return answer

    def _document(self, answer: Answer) -> Any:
        if answer.status != 200:
            self._explain(answer)
        try:
            document = answer.json()
        except ValueError as error:
            if answer.is_html:
                raise problems.html(answer.address) from error
            raise problems.PlannerAnswerCut(
                "The planner's answer is cut off or is not JSON.",
                "Nothing was changed. It is read again by schedule.",
            ) from error
        try:
            return self._profile.mended(document)
        except (ValueError, OverflowError, OSError) as error:
            raise problems.wrong("a date or time is not in the profile's form.") from error

    def _explain(self, answer: Answer) -> None:
        if answer.status in (401, 403):
            self._explain_refusal(answer)
        raise problems.by_status(answer.status, answer.text.strip().strip('"')[:200], html=answer.is_html)

    def _explain_refusal(self, answer: Answer) -> None:
        if answer.status == 401:
            raise problems.PlannerRefusedLogin(
                "The planner refused the login (401).", "Check the user name and password, or the API key."
            )
        raise problems.PlannerForbidden(
            "The planner does not let this credential call that function (403).",
            "Ask for a credential with more rights.",
        )


def shaped(read: Callable[[Any], T], document: Any) -> T:
    """What `read` makes of the document. Raises PlannerAnswerWrong where it is not the contract's."""
    try:
        return read(document)
    except ContractBroken as error:
        raise problems.wrong(str(error)) from error
