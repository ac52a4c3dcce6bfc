"""The plain course through a part: what is always the same is joined once, per message only values are put in.

Understands what the compiler emits for values and choices; anything more is MiniJinja's to render.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tandem.messenger.projects import quoted

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


class Course:
    """A part with its fixed runs encoded; one prepared form for each set of answers to its tests."""

    def __init__(
        self,
        nodes: Sequence[Node],
        chunks: Sequence[bytes],
        encode: Callable[[str], bytes] = quoted.encode,
        soft: bytes = quoted.SOFT,
    ) -> None:
        self._encode = encode
        self._soft = soft
        self._nodes = nodes
        self._chunks = chunks
        self._runs: dict[str, bytes] = {}
        self._forms: dict[tuple[bool, ...], tuple[list[bytes], list[tuple[int, int]]]] = {}

    def run(self, known: tuple[bool, ...], printed: Sequence[bytes]) -> list[bytes]:
        """The encoded pieces in order. known: what each test says; printed: encoded values."""
        form = self._forms.get(known)
        if form is None:
            form = self._prepared(known)
        pieces = form[0].copy()
        for at, number in form[1]:
            pieces[at] = printed[number]
        return pieces

    def _prepared(self, known: tuple[bool, ...]) -> tuple[list[bytes], list[tuple[int, int]]]:
        pieces: list[bytes] = []
        slots: list[tuple[int, int]] = []
        self._lay(self._nodes, known, pieces, slots)
        if len(self._forms) >= VARIANTS_KEPT:
            self._forms.clear()
        self._forms[known] = pieces, slots
        return pieces, slots

    def _lay(
        self,
        nodes: Sequence[Node],
        known: tuple[bool, ...],
        pieces: list[bytes],
        slots: list[tuple[int, int]],
    ) -> None:
        for node in nodes:
            if isinstance(node, Value):
                slots.append((len(pieces), node.number))
                pieces.append(b"")
            elif isinstance(node, Choice):
                self._lay(node.then if known[node.test] else node.other, known, pieces, slots)
            else:
                run = self._run(node) if isinstance(node, str) else self._chunks[node.number]
                if pieces and pieces[-1]:
                    pieces[-1] = self._soft.join((pieces[-1], run))
                else:
                    pieces.append(run)

    def _run(self, text: str) -> bytes:
        if text not in self._runs:
            self._runs[text] = self._encode(text)
        return self._runs[text]
