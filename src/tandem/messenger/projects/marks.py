"""Where links stand whose clicks are counted: in the layout, and in a text that its author wrote.

A link without values is `Linked`; one with values stands between two `Edge`s, because only the message knows it.
"""

import re
from collections.abc import Callable, Sequence
from html import unescape

from tandem.messenger.projects.emit import Edge, Linked, Markup, Placed

_ANCHOR = re.compile(r"<(?:a|area)\s", re.IGNORECASE)
_HREF = re.compile(r"""(\shref\s*=\s*)("[^"]*"|'[^']*')""", re.IGNORECASE)
_OPEN_HREF = re.compile(r"\shref\s*=\s*\Z", re.IGNORECASE)
_PAGE = re.compile(r"https?://|\{\{", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_TAIL = ".,;:!?)]'"


def is_counted(target: str) -> bool:
    """Whether clicks on a link are counted: a page of the web, and not the way out of the list."""
    return bool(_PAGE.match(target)) and "unsubscribeurl" not in target.lower()


def in_markup(items: list[Placed]) -> list[Placed]:
    """One HTML tag with its values, the address of a link marked."""
    first = items[0]
    if not isinstance(first, str) or not _ANCHOR.match(first):
        return items
    if len(items) == 1:
        return _fixed(first)
    return _with_values(items)


def _fixed(markup: str) -> list[Placed]:
    found = _HREF.search(markup)
    target = unescape(found[2][1:-1]).strip() if found else ""
    if found is None or not is_counted(target):
        return [Markup(markup)]
    start, end = found.start(2) + 1, found.end(2) - 1
    return [Markup(markup[:start]), Linked(markup[start:end], target), Markup(markup[end:])]


def _with_values(items: list[Placed]) -> list[Placed]:
    start = next(
        (i for i, item in enumerate(items) if isinstance(item, str) and _OPEN_HREF.search(item)), None
    )
    if start is None:  # the values stand in other attributes
        return [piece for item in items for piece in (_fixed(item) if isinstance(item, str) else [item])]
    start += 1
    sign = str(items[start])[0]
    end = next(
        i for i in range(start + 1, len(items)) if isinstance(items[i], str) and str(items[i]).endswith(sign)
    )
    inside: list[Placed] = [
        Markup(str(items[start])[1:]),
        *items[start + 1 : end],
        Markup(str(items[end])[:-1]),
    ]
    target = source_of(inside, unescape)
    if not is_counted(target):
        return items
    edges = (Edge(target, opens=True), Edge(target, opens=False))
    return [*items[:start], Markup(sign), edges[0], *inside, edges[1], Markup(sign), *items[end + 1 :]]


def source_of(items: Sequence[Placed], decoded: Callable[[str], str] = str) -> str:
    """The address as its author wrote it."""
    return "".join(decoded(item) if isinstance(item, str) else item[0].source for item in items).strip()


def in_text(items: Sequence[Placed]) -> list[Placed]:
    """Plain text that its author wrote, the addresses in it marked."""
    out: list[Placed] = []
    inside: list[Placed] | None = None
    for number, item in enumerate(items):
        if inside is not None and isinstance(item, str) and not isinstance(item, Markup):
            out, inside = [*out, *_closed(inside)], None
        if inside is not None:
            inside.append(item)
        elif isinstance(item, str):
            follows = number + 1 < len(items) and not isinstance(items[number + 1], str)
            pieces, rest = _addresses(item, open_end=follows and items[number + 1][1] == "link")
            out += pieces
            inside = [Markup(rest)] if rest else None
        else:
            out.append(item)
    return [*out, *(_closed(inside) if inside is not None else ())]


def _addresses(text: str, *, open_end: bool) -> tuple[list[Placed], str]:
    out: list[Placed] = []
    at = 0
    for found in _ADDRESS.finditer(text):
        if open_end and found.end() == len(text):
            return [*out, text[at : found.start()]], found[0]
        address = found[0].rstrip(_TAIL)
        out += [text[at : found.start()], Linked(address, address)]
        at = found.start() + len(address)
    return [*out, text[at:]], ""


def _closed(inside: list[Placed]) -> list[Placed]:
    target = source_of(inside)
    return [Edge(target, opens=True), *inside, Edge(target, opens=False)]


def joined(items: Sequence[Placed]) -> list[Placed]:
    """The same items; edges with nothing but words between them become one link."""
    out: list[Placed] = []
    for item in items:
        ends = isinstance(item, Edge) and not item.opens and len(out) > 1
        before = out[-2] if ends else None
        if isinstance(item, Edge) and isinstance(before, Edge) and before.opens and isinstance(out[-1], str):
            out[-2:] = [Linked(out[-1], item.target)]
        else:
            out.append(item)
    return out
