"""How the simulated messenger's calls are declared: by the contract's paths, each with what it answers."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tandem.simulators.messenger_world import World
from tandem.simulators.server import Request

#: values in paths that are texts; all others are whole numbers
_TEXTS = frozenset({"originalId", "importId"})


class Unknown(Exception):
    """404."""


class NotOffered(Exception):
    """501."""


class AlreadyDone(Exception):
    """409."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request with what its path holds. takes_twice: whether a job takes its recipients a second time."""

    world: World
    customer: str
    places: Mapping[str, str]
    request: Request
    takes_twice: bool = False

    def number(self, name: str) -> int:
        """A whole number of the path."""
        return int(self.places[name])

    def asked(self, name: str, default: str = "") -> str:
        """A parameter of the query."""
        return self.request.query.get(name, default)

    @property
    def host(self) -> str:
        """Where it was called."""
        return f"http://{self.request.headers.get('host', '127.0.0.1')}"


Handler = Callable[[Call], Any]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One call: the contract's method and path, what answers it."""

    method: str
    path: str
    pattern: re.Pattern[str]
    handler: Handler

    @property
    def name(self) -> str:
        """As the contract's table names it."""
        return f"{self.method} /{self.path}"


#: in the order in which addresses are tried
ROUTES: list[Route] = []


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Declare what answers a call."""
    parts = [_part(part) for part in path.split("/")]

    def keep(handler: Handler) -> Handler:
        pattern = re.compile(f"^/{'/'.join(parts)}$")
        ROUTES.append(Route(method=method, path=path, pattern=pattern, handler=handler))
        return handler

    return keep


def _part(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    name = part[1:-1]
    return f"(?P<{name}>{'[^/]+' if name in _TEXTS else '[0-9]+'})"
