"""Pieces with their places -> plain data of one part: MiniJinja source, numbered values and tests, encoded chunks."""

import html as html_words
import re
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

from tandem.messenger.projects import quoted
from tandem.messenger.projects.conditions import HAS
from tandem.messenger.projects.parts import CASE, Expression, Test
from tandem.messenger.projects.slots import ALL, SLOT
from tandem.messenger.projects.tags import CASES, Piece, Tag

Place = Literal["text", "attribute", "link", "link start"]
Placed = str | tuple[Tag, Place]
_SHORT = 40
_ENTITY = re.compile(r"(<[^>]*>|&[#\w]+;)")
_ADDRESS = re.compile(r"(https?://\S+)", re.IGNORECASE)
_TAIL = re.compile(r"https?://\S*\Z", re.IGNORECASE)
_PRIVATE = re.compile("[\ue000-\uf8ff\ud800-\udfff]")
_SLOTS = re.compile(f"([{b''.join(ALL).decode()}])")


class Markup(str):
    """Literal text inside an HTML tag or an address: no case block changes it."""


class Linked(Markup):
    """The address of a link as it is written, whose clicks may be counted. target: as its author wrote it."""

    target: str

    def __new__(cls, words: str, target: str) -> "Linked":
        """The address and what it is known by."""
        made = super().__new__(cls, words)
        made.target = target
        return made


class Edge(Markup):
    """Nothing, where a link with values begins or ends."""

    target: str
    opens: bool

    def __new__(cls, target: str, *, opens: bool) -> "Edge":
        """One of the two edges of a link."""
        made = super().__new__(cls, "")
        made.target, made.opens = target, opens
        return made


@dataclass
class Emitter:
    """Builds one part. html: values are escaped for HTML; chunked: the part is sent in quoted-printable."""

    html: bool
    chunked: bool
    expressions: dict[Expression, int] = field(default_factory=dict)
    tests: dict[Test, int] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)
    out: list[str] = field(default_factory=list)
    run: list[str] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)
    switches: list[list[Any]] = field(default_factory=list)

    def emit(self, items: list[Placed]) -> dict[str, Any]:
        """The part as plain data."""
        for item in items:
            if not isinstance(item, str):
                self._tag(*item)
            elif not self.blocks:
                self.run.append(item)
            elif self.blocks[-1] != "switch":
                self.run.append(item if isinstance(item, Markup) else self._fold(item))
        self._flush()
        return {
            "template": "".join(self.out),
            "expressions": [[e.name, list(e.cases), e.encoding] for e in self.expressions],
            "tests": [[test.name, test.operator, test.operand] for test in self.tests],
            "names": list(self.names),
            "chunks": [chunk.decode("latin-1") for chunk in self.chunks],
        }

    def _tag(self, tag: Tag, place: Place) -> None:
        if tag.kind == "unsubscribe":
            self.run.append(SLOT.decode())
        elif tag.kind == "value":
            self._code(f"{{{{ {self._value(tag, place)} }}}}")
        elif tag.kind == "fallback":
            self._if(tag, place)
            self.run.append(self._fold(self._literal(tag.text, place)))
            self._code("{% endif %}")
        elif tag.kind == "open":
            self._open(tag, place)
        else:
            self._close()

    def _open(self, tag: Tag, place: Place) -> None:
        if tag.helper == "print":
            self._if(tag, place)
        elif tag.helper == "switch":
            self.switches.append([tag.name, "if"])
        elif tag.helper == "compare":
            switch = self.switches[-1]
            test = self._test(switch[0], tag.operator, tag.text)
            self._code(f"{{% {switch[1]} {test} %}}")
            switch[1] = "elif"
        elif tag.helper == "default":
            self._code("{% else %}")
        self.blocks.append(tag.helper)

    def _close(self) -> None:
        helper = self.blocks.pop()
        if helper == "switch":
            self.switches.pop()
        if helper in ("print", "switch"):
            self._code("{% endif %}")
        elif helper in ("compare", "default"):
            self._flush()

    def _if(self, tag: Tag, place: Place) -> None:
        test = self._test(tag.name, HAS, "")
        self._code(f"{{% if {test} %}}{{{{ {self._value(tag, place)} }}}}{{% else %}}")

    def _test(self, name: str, operator: str, operand: str) -> str:
        self._number(self.names, name)
        return f"t{self._number(self.tests, Test(name=name, operator=operator, operand=operand))}"

    def _value(self, tag: Tag, place: Place) -> str:
        self._number(self.names, tag.name)
        cases: list[str] = []
        if tag.kind == "value" and tag.helper == "date":
            cases.append(f"date:{tag.text}")
        elif tag.kind == "value" and tag.helper in CASES:
            cases.append(tag.helper)
        if place == "text":
            cases += [block for block in reversed(self.blocks) if block in CASES]
        wanted = Expression(name=tag.name, cases=tuple(cases), encoding=self._encoding(tag, place))
        return f"e{self._number(self.expressions, wanted)}"

    def _encoding(self, tag: Tag, place: Place) -> str:
        helper = tag.helper if tag.kind == "value" else ""
        in_link = place in ("link", "link start")
        if helper == "urlencode" or (in_link and helper != "noencode"):
            return "url"
        if place == "link start":
            return "html link" if self.html else "link"
        return "html" if self.html else "raw"

    def _literal(self, text: str, place: Place) -> str:
        if place in ("link", "link start"):
            return quote(text, safe="")
        return html_words.escape(text) if self.html else text

    def _fold(self, text: str) -> str:
        cases = [block for block in reversed(self.blocks) if block in CASES]
        if not cases:
            return text
        pieces = (_ENTITY if self.html else _ADDRESS).split(text)
        for case in cases:
            pieces = [piece if i & 1 else CASE[case](piece) for i, piece in enumerate(pieces)]
        return "".join(pieces)

    def _code(self, source: str) -> None:
        self._flush()
        self.out.append(source)

    def _flush(self) -> None:
        text = "".join(self.run)
        self.run.clear()
        if not text:
            return
        if not self.chunked:
            self.out.append(_PRIVATE.sub("", text).replace("{", '{{ "{" }}'))
        elif len(text) < _SHORT and not re.search(f"[{{]|{_SLOTS.pattern}|{_PRIVATE.pattern}", text):
            self.out.append(text)
        else:
            pieces = _SLOTS.split(text)
            encoded = [piece.encode() if i & 1 else quoted.encode(piece) for i, piece in enumerate(pieces)]
            self.chunks.append(quoted.SOFT.join(filter(None, encoded)))
            self.out.append(f"\ue000{len(self.chunks) - 1}\ue001")

    def _number(self, known: dict[Any, int], wanted: Any) -> int:
        return known.setdefault(wanted, len(known))


def place_plain(pieces: list[Piece]) -> list[Placed]:
    """Places in plain text: a tag that touches an address before it is inside a link."""
    items: list[Placed] = []
    before, in_link = "", False
    for piece in pieces:
        if isinstance(piece, str):
            items += after_link(piece) if in_link else [piece]
            before, in_link = before[-2000:] + piece, False
            continue
        in_link = bool(_TAIL.search(before[-2000:]))
        items.append((piece, "link" if in_link else "text"))
        before += "" if piece.is_block else "x"
    return items


def after_link(text: str) -> list[Placed]:
    """The rest of an address keeps its case."""
    end = re.match(r"\S*", text)
    at = end.end() if end else 0
    return [Markup(text[:at]), text[at:]]
