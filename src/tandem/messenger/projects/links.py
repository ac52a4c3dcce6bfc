"""The links of a version by their numbers, and items with slots in the place of counted links.

Of a link with values that begins with a fixed page the message carries what follows the fixed part, as it is printed:
it costs nothing to make and leads to no other host. Only a link whose host is a value needs a signature.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import unescape

from tandem.messenger.projects.alternative import LONGEST_NAME, LONGEST_TARGET, MOST_LINKS, Link
from tandem.messenger.projects.emit import Edge, Linked, Markup, Placed
from tandem.messenger.projects.slots import CLOSE, LINK, OPEN

_FIXED = re.compile(r"https?://[^/?#\s]+[/?#]\S*", re.IGNORECASE)
_HIDDEN = '<a href="{}0" style="display:none" tabindex="-1" aria-hidden="true"></a>'


@dataclass
class Table:
    """The links of a version: those that the layout's reader found, and what else has an address."""

    links: list[Link]
    fixed: dict[int, str] = field(default_factory=dict)

    @property
    def targets(self) -> list[list[str | bool]]:
        """By number, from 1 on: what every message's address begins with, and whether the message knows more of it."""
        return [[self.fixed.get(link.number, link.target), link.number in self.fixed] for link in self.links]

    def counted(self, items: Sequence[Placed], *, is_html: bool) -> list[Placed]:
        """The same items with slots in the place of marks. Links to the same page have their numbers in order."""
        numbers: dict[str, list[int]] = {}
        for link in self.links:
            numbers.setdefault(link.target, []).append(link.number)
        out: list[Placed] = []
        begins = False
        last = 0
        for item in items:
            if isinstance(item, Linked):
                last = self._number(item.target, numbers)
                out.append(Markup(f"{LINK.decode()}{last}") if last else item)
            elif isinstance(item, Edge):
                last = self._number(item.target, numbers) if item.opens else last
                begins = item.opens and last > 0
                out += [Markup(CLOSE.decode())] if last and not item.opens and last not in self.fixed else []
            else:
                out += self._first(last, item, is_html=is_html) if begins else [item]
                begins = False
        return out

    def _first(self, number: int, item: Placed, *, is_html: bool) -> list[Placed]:
        """What a link with values begins with: its fixed part goes into the table, if it holds the host."""
        words = (unescape(item) if is_html else str(item)) if isinstance(item, str) else ""
        if _FIXED.fullmatch(words):
            self.fixed[number] = words
            return [Markup(f"{LINK.decode()}{number}?")]
        return [Markup(f"{OPEN.decode()}{number} "), item]

    def _number(self, target: str, numbers: dict[str, list[int]]) -> int:
        mine = numbers.setdefault(target, [])
        if not mine and len(target) <= LONGEST_TARGET and len(self.links) < MOST_LINKS:
            host = target.split("//", 1)[-1].split("/", 1)[0].split("?", 1)[0]
            self.links.append(
                Link(number=len(self.links) + 1, name=host[:LONGEST_NAME], target=target, tags=())
            )
            mine.append(len(self.links))
        if not mine or len(target) > LONGEST_TARGET:
            return 0
        return mine.pop(0) if len(mine) > 1 else mine[0]


def with_end(items: list[Placed], more: str) -> list[Placed]:
    """The layout with something before its body's end."""
    for at in range(len(items) - 1, -1, -1):
        item = items[at]
        if isinstance(item, str) and item.lower().startswith("</body"):
            return [*items[:at], Markup(more), *items[at:]]
    return [*items, Markup(more)]


def hidden_link() -> str:
    """A link for machines: no reader sees it."""
    return _HIDDEN.format(LINK.decode())
