"""Client of the Symplify contract: any server that speaks it, ours or the vendor's."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import orjson

from tandem.contract import messenger_api as wire
from tandem.kit.http import Answer, Http, Unreachable
from tandem.kit.problems import NotFound, OtherSideFailed, Refused

T = TypeVar("T")
TIMEOUT = 10.0
PAGE = 1000
PAGE_LIMIT = 64 * 1024 * 1024
UPLOAD_TIMEOUT = 120.0


class MessengerUnreachable(OtherSideFailed):
    """Nothing answered at the address."""

    title = "The messenger did not answer"


class MessengerRefusedPassword(OtherSideFailed):
    """401: user name, password or token."""

    title = "The messenger refused the password"


class MessengerRefusedCustomer(OtherSideFailed):
    """403: these credentials belong to another customer."""

    title = "The messenger refused the customer ID"


class MessengerAnsweredHtml(OtherSideFailed):
    """A web page instead of the API."""

    title = "The address is not Symplify's API"


class MessengerBroken(OtherSideFailed):
    """A 5xx, or an answer that is cut or of another shape."""

    title = "The messenger's answer could not be used"


class MessengerBusy(OtherSideFailed):
    """429."""

    title = "The messenger asks us to wait"


class MessengerRefused(OtherSideFailed):
    """Another 4xx: the messenger would not do this."""

    title = "The messenger refused this"


class MessengerHasNot(NotFound):
    """404: the messenger does not know the thing."""

    title = "The messenger does not know this"


class NoPreview(OtherSideFailed):
    """The server has no preview."""

    title = "This messenger offers no preview"


class MessengerClient:
    """One customer at one messenger.

    api_url ends in /rest. A token decides alone when it is given; without one, user name and password do.
    """

    def __init__(
        self, api_url: str, customer_id: str, user: str, password: str, token: str, http: Http
    ) -> None:
        self._base = f"{checked_url(api_url)}/{quote(customer_id, safe='')}"
        self._http = http
        self._headers = {"Accept": "application/json"}
        self._auth: tuple[str, str] | None = (user, password) if user and not token else None
        if token:
            self._headers["X-Carma-Authentication-Token"] = token

    def apiurl(self) -> dict[str, Any]:
        """The vendor's own connection test."""
        found = self._get("/apiurl")
        if not isinstance(found, dict):
            raise _odd("apiurl is not an object")
        return found

    def ping(self) -> None:
        """Whether the API answers these credentials."""
        self._get("/ping")

    def projects(self) -> tuple[wire.Project, ...]:
        """All projects; from the triggers' projectId where the server has no list of projects."""
        try:
            return self._array("/projects", wire.parse_project, "projects")
        except (MessengerHasNot, MessengerRefused):
            numbers = sorted({trigger.project_id for trigger in self.triggers()})
            return tuple(wire.Project(id=number, name=f"Project {number}") for number in numbers)

    def triggers(self, project_id: int | None = None) -> tuple[wire.Trigger, ...]:
        """All triggers, or those of one project (filtered here too: a server may ignore the parameter)."""
        asked = {} if project_id is None else {"projectId": str(project_id)}
        found = self._array("/triggers", wire.parse_trigger, "triggers", {**asked, "basic": "true"})
        return tuple(trigger for trigger in found if project_id in (None, trigger.project_id))

    def trigger(self, trigger_id: int) -> wire.Trigger:
        """One trigger. Raises MessengerHasNot."""
        return _shaped(wire.parse_trigger, self._get(f"/triggers/{trigger_id}"))

    def preview(self, trigger_id: int, campaign_id: int, original_id: str) -> wire.Preview:
        """The template rendered for one contact. Raises NoPreview where the server has none."""
        path = f"/triggers/{trigger_id}/campaigns/{campaign_id}/preview"
        try:
            return _shaped(wire.parse_preview, self._get(path, {"originalId": original_id}))
        except MessengerRefused as error:
            raise NoPreview(
                "This messenger cannot show a message before it is sent.",
                "Look at the template in the messenger.",
            ) from error

    def lists(self) -> tuple[wire.ContactListInfo, ...]:
        """The normal lists."""
        return self._array("/lists", wire.parse_list, "lists")

    def contacts(self, list_id: int, mode: str = "all", *, page: int = PAGE) -> Iterator[wire.Contact]:
        """Every contact of a mode (all, bounced, unsubscribed), paged by internal id.

        Raises MessengerBroken if a page does not go forward: a repeated page would be read for ever.
        """
        last = -1
        while True:
            asked = {
                "pageSize": str(page),
                "lastId": str(last),
                "channel": "MIXED",
                "includeProperties": "false",
            }
            rows = self._array(f"/lists/{list_id}/contacts/{mode}", wire.parse_contact, "contacts", asked)
            if any(row.id <= last for row in rows):
                raise _odd("a page of contacts came twice")
            yield from rows
            if len(rows) < page:
                return
            last = max(row.id for row in rows)

    def start_import(self, list_id: int, *, delimiter: str = "\t", kind: str = "ADD") -> str:
        """A new list import; answers its id."""
        body = {
            "delimiter": str(ord(delimiter)),
            "encoding": "UTF8",
            "type": kind,
            "identityColumn": "originalId",
        }
        return _shaped(wire.parse_import_id, self._post(f"/lists/{list_id}/imports", orjson.dumps(body)))

    def upload(self, list_id: int, import_id: str, body: bytes) -> str:
        """The file of an import; answers the batch to poll."""
        path = f"/lists/{list_id}/recipients/{quote(import_id, safe='')}"
        return _shaped(wire.parse_batch_id, self._post(path, body, kind="text/csv"))

    def batch(self, batch_id: str) -> wire.Batch:
        """How far an import is."""
        return _shaped(wire.parse_batch, self._get(f"/batches/{quote(batch_id, safe='')}"))

    def _array(
        self, path: str, parse: Callable[[Any], T], what: str, params: dict[str, str] | None = None
    ) -> tuple[T, ...]:
        document = self._get(path, params)

        def read(found: Any) -> tuple[T, ...]:
            return tuple(parse(one) for one in wire.parse_array(found, what))

        return _shaped(read, document)

    def _get(self, path: str, params: dict[str, str] | None = None) -> Any:
        return self._call("GET", path, params=params)

    def _post(self, path: str, body: bytes, *, kind: str = "application/json") -> Any:
        return self._call("POST", path, body=body, kind=kind, timeout=UPLOAD_TIMEOUT)

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        body: bytes | None = None,
        kind: str = "application/json",
        timeout: float = TIMEOUT,
    ) -> Any:
        try:
            answer = self._http.request(
                method,
                self._base + path,
                headers={**self._headers, "Content-Type": kind},
                content=body,
                auth=self._auth,
                params=params,
                timeout=timeout,
                limit=PAGE_LIMIT,
            )
        except Unreachable as error:
            raise MessengerUnreachable(
                f"Nothing answered as the messenger. {error.detail}", "Check the API URL.", field="api_url"
            ) from error
        _check_status(answer)
        try:
            return orjson.loads(answer.body)
        except ValueError as error:
            raise _odd("it is not whole JSON") from error


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


def upload_rows(rows: Iterable[dict[str, str]], columns: tuple[str, ...], *, delimiter: str = "\t") -> bytes:
    """The unquoted file that imports take; delimiters and line breaks inside values become spaces."""
    swap = {ord(mark): " " for mark in (delimiter, "\r", "\n", "\x00")}
    lines = [delimiter.join(columns)]
    lines += [delimiter.join((row.get(name) or "").translate(swap) for name in columns) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def _check_status(answer: Answer) -> None:
    if answer.is_html:
        raise MessengerAnsweredHtml(
            "The address answered, but not as Symplify's API does (HTML page).",
            "Check the API URL; it usually ends in /rest.",
            field="api_url",
        )
    if answer.status in (200, 201, 202):
        return
    said = _error_text(answer)
    if answer.status == 401:
        raise MessengerRefusedPassword(
            "The messenger refused the password (401).",
            "Check the user name and password, or ask Symplify for a new token.",
            field="password",
        )
    if answer.status == 403:
        raise MessengerRefusedCustomer(
            "The messenger knows the credentials, but not for this customer ID (403).",
            "Check the Symplify customer ID.",
            field="customer_id",
        )
    if answer.status == 404:
        raise MessengerHasNot(f"The messenger does not know this (404{said}).", "Read the templates again.")
    if answer.status == 429:
        raise MessengerBusy("The messenger asks us to wait (429).", "Try again in a minute.")
    if answer.status >= 500 and answer.status != 501:
        raise MessengerBroken(f"The messenger failed ({answer.status}{said}).", "Try again in a few minutes.")
    raise MessengerRefused(
        f"The messenger refused this ({answer.status}{said}).", "Check what was asked for."
    )


def _error_text(answer: Answer) -> str:
    try:
        said = orjson.loads(answer.body).get("error")
    except (ValueError, AttributeError):
        return ""
    return f": {str(said)[:200]}" if said else ""


def _shaped(parse: Callable[[Any], T], document: Any) -> T:
    try:
        return parse(document)
    except wire.ShapeError as error:
        raise _odd(str(error)) from error


def _odd(what: str) -> MessengerBroken:
    return MessengerBroken(
        f"The messenger's answer could not be read: {what}.",
        "Nothing was changed. Try again, or check the API URL.",
    )
