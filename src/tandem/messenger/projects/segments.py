"""The plain course through a part: what is always the same is joined once, per message only values are put in.

Understands what the compiler emits for values and choices; anything more is MiniJinja's to render.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import cast

from tandem.messenger.projects import quoted
from tandem.messenger.projects.slots import FILLED

VARIANTS_KEPT = 64
_TOKEN = re.compile(
    r"\{\{ e(?P<value>[0-9]+) \}\}|\{% if t(?P<test>[0-9]+) %\}|\{% elif t(?P<next>[0-9]+) %\}"
    r"|(?P<other>\{% else %\})|(?P<end>\{% endif %\})"
    r'|(?P<brace>\{\{ "\{" \}\})|\ue000(?P<chunk>[0-9]+)\ue001'
)


@dataclass(frozen=True)
class Chunk:
    """A run that is already encoded."""

    number: int


@dataclass(frozen=True)
class Value:
    """A value that is printed."""

    number: int


@dataclass(frozen=True)
class Choice:
    """One of two courses, by what a test says."""

    test: int
    then: list["Node"] = field(default_factory=list)
    other: list["Node"] = field(default_factory=list)


Node = str | Chunk | Value | Choice


def course(template: str) -> list[Node] | None:
    """The nodes of an emitted template in order; None if it holds more than values, choices and fixed runs."""
    top: list[Node] = []
    here = top
    opened: list[tuple[Choice, list[Node], bool]] = []  # choice, what follows it, whether it came by `elif`
    at = 0
    for token in _TOKEN.finditer(template):
        _add_text(here, template[at : token.start()])
        at = token.end()
        kind, text = token.lastgroup, token[token.lastgroup or 0]
        if kind in ("test", "next"):
            if kind == "next":
                here = opened[-1][0].other
            opened.append((Choice(int(text)), here, kind == "next"))
            here.append(opened[-1][0])
            here = opened[-1][0].then
        elif kind == "other":
            here = opened[-1][0].other
        elif kind == "end":
            here = _ended(opened)
        else:
            _add(here, kind, text)
    _add_text(here, template[at:])
    return top if not opened and not _has_code(top) else None


def _ended(opened: list[tuple[Choice, list[Node], bool]]) -> list[Node]:
    while opened[-1][2]:
        opened.pop()
    return opened.pop()[1]


def _add(here: list[Node], kind: str | None, text: str) -> None:
    if kind == "value":
        here.append(Value(int(text)))
    elif kind == "chunk":
        here.append(Chunk(int(text)))
    else:
        here.append("{")


def _add_text(here: list[Node], text: str) -> None:
    if text:
        here.append(text)


def _has_code(nodes: Sequence[Node]) -> bool:
    for node in nodes:
        if isinstance(node, Choice):
            if _has_code(node.then) or _has_code(node.other):
                return True
        elif isinstance(node, str) and ("{{" in node or "{%" in node or "{#" in node):
            return True
    return False


#: pieces and places of one form: see Course
Form = tuple[list[bytes], Callable[[Sequence[bytes]], tuple[bytes, ...]], bool]


class Course:
    """A part with its fixed runs encoded; one prepared form for each set of answers to its tests.

    A form is a row of fixed pieces and the order in which they, a message's slots and its values follow each other.
    Every piece brings the soft break after it along, so putting a message together is one join.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        chunks: Sequence[bytes],
        places: Sequence[int],
        encode: Callable[[str], bytes] = quoted.encode,
        soft: bytes = quoted.SOFT,
        slots: Sequence[bytes] = FILLED,
    ) -> None:
        self._places = places
        self._encode = encode
        self._soft = soft
        self._slots = slots
        self._nodes = nodes
        self._chunks = chunks
        self._forms: dict[tuple[bool, ...], Form] = {}

    def run(self, known: tuple[bool, ...], own: Sequence[bytes], printed: Sequence[bytes]) -> bytes:
        """The part.

        known: what each test says; own: what stands in the slots; printed: values and a soft break, in their places.
        """
        pieces, order, is_open = self._forms.get(known) or self._prepared(known)
        made = b"".join(order([*pieces, *own, *printed]))
        return made.removesuffix(self._soft) if is_open else made

    def _prepared(self, known: tuple[bool, ...]) -> Form:
        laid = list(self._laid(self._nodes, known))
        is_open = bool(laid) and isinstance(laid[-1], int)
        if laid and isinstance(laid[-1], bytes):
            laid[-1] = laid[-1].removesuffix(self._soft)
        pieces, order = [b""], [0, 0]
        for is_fixed, run in groupby(laid, lambda one: isinstance(one, bytes)):
            if is_fixed:
                pieces.append(b"".join(cast("Iterator[bytes]", run)))
                order.append(len(pieces) - 1)
            else:
                order += [-1 - cast("int", place) for place in run]
        order = [place if place >= 0 else len(pieces) - 1 - place for place in order]
        if len(self._forms) >= VARIANTS_KEPT:
            self._forms.clear()
        form = self._forms[known] = pieces, itemgetter(*order), is_open
        return form

    def _laid(self, nodes: Sequence[Node], known: tuple[bool, ...]) -> Iterator[bytes | int]:
        """Fixed runs, and the places of what a message puts in: its slots, then its values."""
        for node in nodes:
            if isinstance(node, Value):
                yield len(self._slots) + self._places[node.number]
            elif isinstance(node, Choice):
                yield from self._laid(node.then if known[node.test] else node.other, known)
            else:
                run = self._encode(node) if isinstance(node, str) else self._chunks[node.number]
                yield from self._split(run + self._soft if run else run)

    def _split(self, run: bytes) -> Iterator[bytes | int]:
        if not self._slots:
            return (yield run)
        for piece in re.split(b"([" + b"".join(self._slots) + b"])", run):
            yield self._slots.index(piece) if piece in self._slots else piece
