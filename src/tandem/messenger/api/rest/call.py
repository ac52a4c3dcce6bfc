"""One REST call: who, what path, which parameters, the body."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import orjson
from django.http import HttpRequest, UnreadablePostError

from tandem.kit.clock import Clock
from tandem.messenger.api.rest.wire import BadRequest

PREFIX = "/rest/"
LARGEST_BODY = 4 * 1024 * 1024
BLOCK = 1 << 20


class TooLarge(BadRequest):
    """The body is more than is read into memory."""

    status = 413


class NoLength(BadRequest):
    """How long the body is has not been said, so its end cannot be told from a cut."""

    status = 411


@dataclass(frozen=True)
class Call:
    """What a handler gets."""

    request: HttpRequest
    account_id: int
    user_name: str
    path: Mapping[str, str]
    clock: Clock

    def number(self, name: str) -> int:
        """A path parameter that is an id."""
        return int(self.path[name])

    @property
    def original_id(self) -> str:
        """The shop's own id of a contact, as the path has it."""
        return self.path["originalId"]

    def text(self, name: str, default: str = "") -> str:
        """A query parameter. Raises BadRequest."""
        said = self.request.GET.get(name, default)
        if "\0" in said:
            raise BadRequest(f"The parameter {name} has a NUL character in it.")
        return said

    def integer(self, name: str, default: int) -> int:
        """A whole-number query parameter. Raises BadRequest."""
        said = self.request.GET.get(name, "")
        if not said:
            return default
        try:
            return int(said)
        except ValueError:
            raise BadRequest(f"The parameter {name} must be a whole number.") from None

    def flag(self, name: str, *, default: bool) -> bool:
        """A query parameter that is the word true or false."""
        said = self.request.GET.get(name, "").lower()
        return default if said not in ("true", "false") else said == "true"

    def json(self) -> Any:
        """The body as JSON, whatever its content type says. Raises BadRequest, TooLarge."""
        self._check_length()
        said = self.request.read(LARGEST_BODY + 1)
        if len(said) > LARGEST_BODY:
            raise TooLarge(f"The body is larger than {LARGEST_BODY >> 20} MB.", "Send it in parts.")
        try:
            found = orjson.loads(said)
        except orjson.JSONDecodeError:
            raise BadRequest("The body is not JSON.", "Send one JSON document in UTF-8.") from None
        if b"\\u0000" in said and _has_nul(found):
            raise BadRequest("A text of the body has a NUL character in it.")
        return found

    def blocks(self) -> Iterator[bytes]:
        """The body in blocks. Raises BadRequest after the last one if its end is missing."""
        self._check_length()
        missing = int(self.request.META.get("CONTENT_LENGTH") or 0)
        try:
            while block := self.request.read(BLOCK):
                missing -= len(block)
                yield block
        except (UnreadablePostError, OSError):
            missing = 1
        if missing > 0:
            raise BadRequest("The body ended before its end.", "Send it again, whole.")

    def _check_length(self) -> None:
        if "Transfer-Encoding" in self.request.headers:
            raise NoLength("The body came in chunks of unknown number.", "Send it with a Content-Length.")

    @property
    def charset(self) -> str:
        """The encoding of a body that is text, as its content type says; UTF-8 if it says nothing."""
        return (self.request.content_params or {}).get("charset", "").strip('"') or "UTF8"


def _has_nul(found: Any) -> bool:
    if isinstance(found, str):
        return "\0" in found
    if isinstance(found, dict):
        return any(map(_has_nul, found)) or any(map(_has_nul, found.values()))
    return isinstance(found, list) and any(map(_has_nul, found))


def segments_of(request: HttpRequest) -> tuple[str, ...]:
    """Path segments after /rest/, decoded one by one, so that %2F does not split; empty ones stay."""
    raw = request.META.get("RAW_URI") or request.META.get("REQUEST_URI") or ""
    path = raw.split("?", 1)[0]
    if path.startswith(PREFIX):
        return tuple(unquote(segment) for segment in path[len(PREFIX) :].split("/"))
    return _joined(request.path_info[len(PREFIX) :].split("/"))


#: what may follow an originalId in a path
AFTER_ID = frozenset({"update", "bouncestatus", "subscriptionstatus", "messages", "lastbounce", "counting"})


def _joined(parts: list[str]) -> tuple[str, ...]:
    """Where the server gives the path only decoded: an originalId with a slash in it is put together again."""
    if len(parts) <= 5 or parts[1] != "lists" or parts[3] != "contacts":
        return tuple(parts)
    head, tail = parts[:4], parts[4:]
    if len(tail) >= 3 and tail[-2] == "messagecount":
        return (*head, "/".join(tail[:-2]), *tail[-2:])
    if tail[-1] in AFTER_ID:
        return (*head, "/".join(tail[:-1]), tail[-1])
    return (*head, "/".join(tail))
