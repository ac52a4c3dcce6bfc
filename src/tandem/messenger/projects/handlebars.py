"""Reads the messenger's Handlebars dialect: source text -> texts and tags, or faults with line and column.

Known: look-ups of contact, trigger and message, `print`, `capitalize`, `lower`, `upper` (inline and block), `date`,
`switch` with `compare` and `default`, `noEncode`, `urlEncode`, `snippet`, `message.unsubscribeUrl` and the old tags
`!!First_Name!!`. Names and operators ignore case. All else is a fault.
"""

import bisect
import re
from dataclasses import dataclass, field, replace

from tandem.messenger.projects.blocks import Structure
from tandem.messenger.projects.domain import Fault
from tandem.messenger.projects.helpers import Grammar, Wrong, split
from tandem.messenger.projects.tags import Names, Piece, Spot, Tag, Text

LARGEST_SOURCE = 512 * 1024
MOST_TAGS = 2000
MOST_FAULTS = 40
DEEPEST_SNIPPET = 5
_OPEN = re.compile(r"\{\{|!!(?=[A-Za-z])")
_OLD = re.compile(r"!!([A-Za-z][A-Za-z0-9_]{0,99})!!")
_SNIPPET = re.compile(r"snippet(?=[\s\"'])", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass
class Budget:
    """What one part may still hold, snippets included."""

    tags: int = MOST_TAGS
    text: int = LARGEST_SOURCE


@dataclass
class Reader:
    """Reads one part (subject, html, text, sms) or snippet; faults and remarks gather."""

    part: str
    source: str
    names: Names
    faults: list[Fault] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    budget: Budget = field(default_factory=Budget)
    inside: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._lines = [0, *(match.end() for match in re.finditer("\n", self.source))]
        self._grammar = Grammar(self.names, self.remarks)

    def spot(self, at: int) -> Spot:
        """The place of an offset."""
        line = bisect.bisect_right(self._lines, at)
        return Spot(part=self.part, line=line, column=at - self._lines[line - 1] + 1)

    def fault(self, at: int, words: str) -> None:
        """Write down what is wrong at this offset."""
        self.faults.append(self.spot(at).fault(words))

    def read(self) -> list[Piece]:
        """The pieces in order, snippets put in; blocks are checked for balance."""
        self.budget.text -= len(self.source)
        if self.budget.text < 0:
            self.fault(0, f"The content is larger than {LARGEST_SOURCE // 1024} kB. Shorten it.")
            return []
        if found := _CONTROL.search(self.source):
            self.fault(found.start(), "There is a control character here. Delete it.")
        known = len(self.faults)
        pieces = self._pieces()
        if len(self.faults) == known and (wrong := Structure().walk(pieces).wrong):
            self.faults.append(wrong[0].spot.fault(wrong[1]))
        return pieces

    def _pieces(self) -> list[Piece]:
        pieces: list[Piece] = []
        start = position = 0
        while match := _OPEN.search(self.source, position):
            old = _OLD.match(self.source, match.start()) if match[0] == "!!" else None
            if match[0] == "!!" and old is None:
                position = match.start() + 2
                continue
            self._add(pieces, start, match.start())
            start = position = old.end() if old else self._end(match.start())
            pieces += self._tag(match.start(), old[1] if old else None, position)
            if len(self.faults) >= MOST_FAULTS or self.budget.tags < 0:
                return pieces
        self._add(pieces, start, len(self.source))
        return pieces

    def _add(self, pieces: list[Piece], start: int, end: int) -> None:
        if start < end:
            pieces.append(Text(self.source[start:end], self.spot(start)))

    def _end(self, start: int) -> int:
        closing = "}}}" if self.source.startswith("{{{", start) else "}}"
        end = self.source.find(closing, start)
        return end + len(closing) if end >= 0 else len(self.source)

    def _tag(self, start: int, old: str | None, end: int) -> list[Piece]:
        self.budget.tags -= 1
        if self.budget.tags == -1:
            self.fault(start, f"There are more than {MOST_TAGS} tags. Shorten it.")
        try:
            if old is not None:
                tag = self._grammar.look_up(f"contact.{old}", self.spot(start))
                return [replace(tag, source=self.source[start:end])]
            if self.source.startswith("{{{", start):
                raise Wrong(
                    "Three braces are not known. Write {{noEncode contact.name}} for a link from data."
                )
            if not self.source.endswith("}}", start + 2, end):
                raise Wrong("This tag is not closed. Add }}.")
            inside = self.source[start + 2 : end - 2].strip()
            if _SNIPPET.match(inside):
                return self._snippet(inside, start)
            return [replace(self._grammar.tag(inside, self.spot(start)), source=self.source[start:end])]
        except Wrong as wrong:
            self.fault(start, str(wrong))
            return []

    def _snippet(self, inside: str, start: int) -> list[Piece]:
        words = split(inside)
        if len(words) != 2 or not words[1].quoted:
            raise Wrong("Write {{snippet 'name'}}.")
        name = words[1].text.strip().lower()
        if name in self.inside:
            raise Wrong(f"The snippet {words[1].text!r} contains itself. Take it out of itself.")
        if len(self.inside) >= DEEPEST_SNIPPET:
            raise Wrong(f"Snippets stand more than {DEEPEST_SNIPPET} deep in each other. Write it flatter.")
        if name not in self.names.snippets:
            near = self.names.near_snippet(name)
            raise Wrong(
                f"There is no snippet {words[1].text[:60]!r}."
                + (f" Did you mean {near!r}?" if near else " Make it first.")
            )
        reader = Reader(
            f"Snippet {words[1].text!r}", self.names.snippets[name], self.names,
            self.faults, self.remarks, self.budget, (*self.inside, name),
        )  # fmt: skip
        return reader.read()


def tags_of(pieces: list[Piece]) -> list[Tag]:
    """Only the tags."""
    return [piece for piece in pieces if isinstance(piece, Tag)]
