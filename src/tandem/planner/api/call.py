"""One call of the vendor's API: who, which version, which parameters; and the answers that are not 200."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
    """A call that has been read as its function declares it.

    args: declared parameters by lower-case name, None where not given; bodies: the objects of the body (one, unless
    the body is an array); query: the whole query, keys in lower case; skip, top: the page, rows; address: the
    caller's on the network; once: their key under which a write counts once.
    """

    caller: Caller | None
    version: str
    query: Mapping[str, str]
    args: Mapping[str, Any]
    bodies: tuple[Mapping[str, Any], ...]
    skip: int
    top: int
    clock: Clock
    address: str = ""
    once: str = ""

    def __getitem__(self, name: str) -> Any:
        """A declared parameter, or a field of an object body."""
        name = name.lower()
        return self.args[name] if name in self.args else self.bodies[0][name]

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


def page(query: Mapping[str, str], most: int) -> tuple[int, int]:
    """`$skip` and `$top`; rubbish is ignored, `$top` is cut to `most`."""
    return _count(query.get("$skip"), 0), min(_count(query.get("$top"), most), most)


def _count(text: str | None, default: int) -> int:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else default
