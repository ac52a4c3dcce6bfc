"""The reference page of the planner's API, made from its table of functions."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tandem.planner.api.function import Body, Function, Param

HEAD = """# Optimove's API, as the planner speaks it

Made from the table in `src/tandem/planner/api`; do not edit it here, run `python -m tools.checks --write`.

Every function is at `/{version}/{group}/{Function}`; the version is `current`, any `vN.N`, or left out. Path, query
keys and JSON keys are read without regard to case. A call carries the header `X-API-KEY`, or `Authorization-Token`
with the token that `general/login` gave. A list takes `$top` and `$skip`; read on until `[]`. A write answers an empty
200. Errors are JSON strings: 400 for a missing or wrong parameter, 401, 403, 404 for an unknown thing, 405, 429.

Where rows carry **customer attributes**, ask for them with `CustomerAttributes=Alias;Country`; `current` answers an
array in that order, `vN.N` one string joined by `CustomerAttributesDelimiter` (a comma unless given).

**How sure** says where the shape is known from: seen in production clients, documented by the vendor, inferred, or our
choice. **Third party** marks what a third party's credential may call.
"""
TITLES = {
    "general": "general: login, listeners, the day of the data",
    "model": "model: attributes, stages, micro-segments",
    "actions": "actions: campaigns and their channels",
    "groups": "groups: target groups",
    "customers": "customers: who gets what, and what is known of them",
    "segments": "segments: value segments",
    "integrations": "integrations: what a messenger tells",
    "transactionalmail": "transactionalmail: its templates",
}


def text() -> str:
    """The page as it should be; the planner's half must be set up."""
    from tandem.planner.api.table import FUNCTIONS

    groups = list(dict.fromkeys(function.group for function in FUNCTIONS))
    parts = [HEAD]
    for group in groups:
        mine = [function for function in FUNCTIONS if function.group == group]
        parts.append(f"## {TITLES.get(group, group)}\n\n{_overview(mine)}")
        parts += ["\n".join(_function(function)) for function in mine if function.answer]
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _overview(functions: "list[Function]") -> str:
    built = [f"[{one.name}](#{one.name.lower()})" for one in functions if one.answer]
    named = [one.name for one in functions if not one.answer]
    lines = [" · ".join(built)] if built else []
    if named:
        lines.append(f"Known by name only, answered 404: {', '.join(named)}.")
    return "\n\n".join(lines) + "\n"


def _function(one: "Function") -> Iterator[str]:
    yield f"### {one.name}\n"
    if one.meaning:
        yield f"{one.meaning}\n"
    yield f"`{' or '.join(one.methods)} /current/{one.group}/{getattr(one, 'path', '') or one.name}`\n"
    yield from _table("Parameters of the query", one.params)
    if one.body:
        yield from _body(one.body)
    if one.example:
        yield f"```json\n{one.example}\n```\n"
    yield f"- How sure: {one.sure.value}."
    yield f"- Third party: {'yes' if one.third_party else 'no'}."
    yield from _facts(one)
    yield ""


def _facts(one: "Function") -> Iterator[str]:
    if one.spellings:
        yield f"- Also spelt {', '.join(one.spellings)}."
    if one.page:
        yield f"- A list: at most {one.page:,} rows at once."
    if one.attributes:
        yield "- Rows carry customer attributes if they are asked for."
    if one.differs:
        yield f"- Versions: {one.differs}"


def _body(body: "Body") -> Iterator[str]:
    what = f"an array of at most {body.most:,} objects with" if body.is_array else "an object with"
    yield from _table(f"Body: {what}", body.fields)


def _table(title: str, params: "tuple[Param, ...]") -> Iterator[str]:
    if not params:
        return
    yield f"{title}\n"
    yield "| name | holds | required | meaning |\n|---|---|---|---|"
    for param in params:
        others = f" Also {', '.join(param.spellings)}." if param.spellings else ""
        required = "yes" if param.required else ""
        yield f"| `{param.name}` | {_holds(param)} | {required} | {param.meaning}{others} |"
    yield ""


def _holds(param: "Param") -> str:
    inner = getattr(param, "of", None)
    if inner is None:
        return str(param.kind.value)
    fields = ", ".join(f"`{field.name}`" for field in inner.fields)
    return f"{'array' if inner.is_array else 'object'} of {fields}"
