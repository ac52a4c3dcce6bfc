"""How a call of the vendor's REST API is declared: once, for routing, reading and the reference page."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tandem.messenger.api.rest.call import Call

#: path parameters that are texts; all others are whole numbers
TEXTS = frozenset({"originalId", "importId"})
#: path parameters that are one of a few words
CHOICES = {"mode": ("all", "bounced", "unsubscribed"), "channel": ("email", "sms")}


class Kind(StrEnum):
    """What a parameter or field holds."""

    NUMBER = "whole number"
    TEXT = "text"
    FLAG = "true or false"
    MOMENT = "milliseconds since 1970"
    TEXTS = "object of texts"
    ANY = "JSON"


class Sure(StrEnum):
    """How well a call's shape is known."""

    LIVE = "sent or enforced by a public client"
    DOCUMENTED = "documented by the vendor"
    NAMED = "known by name; the shape is our choice"
    OURS = "our addition"


@dataclass(frozen=True, kw_only=True)
class Param:
    """A parameter of the query, or a field of the body. default: what holds without it, in words."""

    name: str
    kind: Kind = Kind.NUMBER
    required: bool = False
    default: str = ""
    meaning: str = ""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One call. answer None = its name is known, its shape is not: 501.

    path: after the customer id, `{name}` stands for a parameter. body: fields of the JSON object it takes.
    takes: the content type of a body that is not JSON. example: an answer; differs: what clients do differently.
    """

    method: str
    path: str
    answer: "Callable[[Call], Any] | None" = None
    query: tuple[Param, ...] = ()
    body: tuple[Param, ...] = ()
    takes: str = ""
    sure: Sure = Sure.LIVE
    example: str = ""
    differs: str = ""
    meaning: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """Its path's segments."""
        return tuple(self.path.split("/"))

    def read(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """The path parameters if these decoded segments are of this call, else None."""
        if len(segments) != len(self.parts):
            return None
        found = {}
        for wanted, said in zip(self.parts, segments, strict=True):
            name = wanted.strip("{}") if wanted.startswith("{") else ""
            if not (_fits(name, said) if name else wanted == said):
                return None
            if name:
                found[name] = said
        return found


def get(path: str, answer: "Callable[[Call], Any]", *query: Param, **more: Any) -> Endpoint:
    """A call that reads."""
    return Endpoint(method="GET", path=path, answer=answer, query=query, **more)


def post(path: str, answer: "Callable[[Call], Any]", *body: Param, **more: Any) -> Endpoint:
    """A call that takes a JSON object, or a file."""
    return Endpoint(method="POST", path=path, answer=answer, body=body, **more)


def known_by_name(method: str, path: str, meaning: str) -> Endpoint:
    """A call whose shape nobody has published."""
    return Endpoint(method=method, path=path, meaning=meaning, sure=Sure.NAMED)


def _fits(name: str, said: str) -> bool:
    if name in CHOICES:
        return said in CHOICES[name]
    if name in TEXTS:
        return bool(said)
    return said.isascii() and said.isdigit() and len(said) < 18
