"""The reference page of the messenger's REST API, made from its table of calls."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tandem.messenger.api.rest.endpoint import Endpoint, Param

HEAD = """# Symplify's REST API, as the messenger speaks it

Made from the table in `src/tandem/messenger/api/rest`; do not edit it here, run `python -m tools.checks --write`.

Every call is at `/rest/{customerId}/...` and carries the header `X-Carma-Authentication-Token`, or Basic with an API
user's name and password; where both are sent the token decides. Answers are JSON always, never an empty body, never
204: a list is an array, one thing an object, an error `{"error": "..."}` with 400, 401, 403 (another customer id), 404,
405, 429 or 501 (known by name only). Times are whole milliseconds since 1970; what a contact has is text. Paths are
decoded part by part, so `%2F` in an originalId does not split it; a client that writes a blank as `+` is understood.

**How sure** says where the shape is known from: sent or enforced by a public client, documented by the vendor, known
by name alone (the shape is our choice), or our addition. None of it was tried on a real account of the vendor's.
"""
TITLES = {
    "apiurl": "The account",
    "projects": "Projects",
    "triggers": "Triggers: templates and their versions, and messages of theirs",
    "lists": "Lists, contacts, imports",
    "batches": "Batches: how far imports and exports are",
    "properties": "Attributes of contacts",
    "jobs": "Generation jobs",
}
ROOM = {"ping": "apiurl"}


def text() -> str:
    """The page as it should be; the messenger's half must be set up."""
    from tandem.messenger.api.rest.table import ENDPOINTS

    rooms: dict[str, list[Endpoint]] = {}
    for one in ENDPOINTS:
        first = one.parts[0]
        rooms.setdefault(ROOM.get(first, first), []).append(one)
    parts = [HEAD]
    for room, mine in rooms.items():
        parts.append(f"## {TITLES.get(room, room)}\n\n{_overview(mine)}")
        parts += ["\n".join(_endpoint(one)) for one in mine if one.answer]
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _overview(endpoints: "list[Endpoint]") -> str:
    named = [f"`{one.method} /{one.path}`" for one in endpoints if not one.answer]
    return f"Known by name only, answered 501: {', '.join(named)}.\n" if named else ""


def _endpoint(one: "Endpoint") -> Iterator[str]:
    yield f"### {one.method} /{one.path}\n"
    if one.meaning:
        yield f"{one.meaning}\n"
    yield from _table("Parameters of the query", one.query)
    yield from _table("Body: an object with", one.body)
    if one.takes:
        yield f"Body: `{one.takes}`.\n"
    if one.example:
        yield f"```json\n{one.example}\n```\n"
    yield f"- How sure: {one.sure.value}."
    if one.differs:
        yield f"- Clients: {one.differs}"
    yield ""


def _table(title: str, params: "tuple[Param, ...]") -> Iterator[str]:
    if not params:
        return
    yield f"{title}\n"
    yield "| name | holds | without it | meaning |\n|---|---|---|---|"
    for param in params:
        without = "refused" if param.required else param.default
        yield f"| `{param.name}` | {param.kind.value} | {without} | {param.meaning} |"
    yield ""
