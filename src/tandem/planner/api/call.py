"""One call of the vendor's API: who, which version, which parameters; and the answers that are not 200."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tandem.contract.planner_api import PAGE
from tandem.contract.reading import ContractBroken, folded, whole_number
from tandem.kit.clock import Clock
from tandem.planner.accounts.domain import Caller


class ApiError(Exception):
    """An answer that is not 200: a status and a JSON string."""

    def __init__(self, status: int, words: object, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(words)
        self.status, self.words, self.headers = status, words, dict(headers or {})


class Expired(Exception):
    """The token is too old: the one answer that is plain text."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call whose caller is known. query: keys in lower case; body: the JSON document or None."""

    caller: Caller | None
    version: str
    query: Mapping[str, str]
    body: Any
    clock: Clock

    @property
    def account_id(self) -> int:
        """The caller's account."""
        if self.caller is None:
            raise ApiError(401, "Unauthorized")
        return self.caller.account_id

    @property
    def is_current(self) -> bool:
        """Whether the newest wire form is wanted: `current`, or no version at all."""
        return not self.version.startswith("v")

    @property
    def actor(self) -> str:
        """The caller's name in the record of who did what."""
        return f"api {self.caller.user_name}" if self.caller else "api"

    def fields(self) -> dict[str, Any]:
        """The body as an object with lower-case keys."""
        if self.body is None:
            raise ContractBroken("Missing body")
        return folded(self.body, "body")

    def number(self, name: str) -> int:
        """A required whole number of the query."""
        text = self.query.get(name.lower(), "").strip()
        if not text:
            raise ContractBroken(f"Missing {name}")
        try:
            return whole_number(text, name)
        except ContractBroken as error:
            raise ContractBroken(f"Invalid {name}") from error

    def optional_number(self, name: str) -> int | None:
        """The same, None if it is not given."""
        return self.number(name) if self.query.get(name.lower(), "").strip() else None

    def page(self, most: int = PAGE) -> tuple[int, int]:
        """`$skip` and `$top`; rubbish is ignored, `$top` is cut to `most`."""
        return _count(self.query.get("$skip"), 0), min(_count(self.query.get("$top"), most), most)


@dataclass(frozen=True, kw_only=True)
class Function:
    """One function of the API. answer None = known, but not offered here.

    third_party: whether a third party's credential may call it; open: whether it needs no credential.
    """

    group: str
    name: str
    answer: Callable[[Call], Any] | None = None
    method: str = "GET"
    also: str = ""
    third_party: bool = False
    open: bool = False
    spellings: tuple[str, ...] = field(default=())

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods it takes."""
        return (self.method, self.also) if self.also else (self.method,)


def _count(text: str | None, default: int) -> int:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else default
