"""Pieces with their places -> plain data of one part: MiniJinja source, numbered values, encoded chunks."""

import html as html_words
import re
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

from tandem.messenger.projects import quoted
from tandem.messenger.projects.compiled import CASE, SLOT, Expression
from tandem.messenger.projects.handlebars import CASES, Piece, Tag

Place = Literal["text", "link", "link start"]
Placed = str | tuple[Tag, Place]
_SHORT = 40
_MARKUP = re.compile(r"(<[^>]*>|&[#\w]+;)")
_TAIL = re.compile(r"https?://\S*\Z", re.IGNORECASE)
_PRIVATE = re.compile("[\ue000-\uf8ff\ud800-\udfff]")


@dataclass
class Emitter:
    """Builds one part. html: values are escaped for HTML; chunked: the part is sent in quoted-printable."""

    html: bool
    chunked: bool
    expressions: list[Expression] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    chunks: list[bytes] = field(default_factory=list)
    out: list[str] = field(default_factory=list)
    run: list[str] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)

    def emit(self, items: list[Placed]) -> dict[str, Any]:
        """The part as plain data."""
        for item in items:
            if isinstance(item, str):
                self.run.append(self._fold(item))
            else:
                self._tag(*item)
        self._flush()
        return {
            "template": "".join(self.out),
            "expressions": [[e.name, list(e.cases), e.encoding] for e in self.expressions],
            "names": self.names,
            "chunks": [chunk.decode("latin-1") for chunk in self.chunks],
        }

    def _tag(self, tag: Tag, place: Place) -> None:
        if tag.kind == "unsubscribe":
            self.run.append(SLOT.decode())
        elif tag.kind == "value":
            self._code(f"{{{{ {self._value(tag, place)} }}}}")
        elif tag.kind == "fallback":
            self._if(tag, place)
            self.run.append(self._fold(self._literal(tag.fallback, place)))
            self._code("{% endif %}")
        elif tag.kind == "open":
            if tag.helper == "print":
                self._if(tag, place)
            self.blocks.append(tag.helper)
        else:
            self.blocks.pop()
            if tag.helper == "print":
                self._code("{% endif %}")

    def _if(self, tag: Tag, place: Place) -> None:
        test = f"t{self._number(self.names, tag.name)}"
        self._code(f"{{% if {test} %}}{{{{ {self._value(tag, place)} }}}}{{% else %}}")

    def _value(self, tag: Tag, place: Place) -> str:
        self._number(self.names, tag.name)
        own = (tag.helper,) if tag.kind == "value" and tag.helper in CASES else ()
        cases = own + tuple(block for block in reversed(self.blocks) if block in CASES)
        wanted = Expression(name=tag.name, cases=cases, encoding=self._encoding(tag, place))
        return f"e{self._number(self.expressions, wanted)}"

    def _encoding(self, tag: Tag, place: Place) -> str:
        helper = tag.helper if tag.kind == "value" else ""
        if helper == "urlencode" or (place != "text" and helper != "noencode"):
            return "url"
        if place == "link start":
            return "html link" if self.html else "link"
        return "html" if self.html else "raw"

    def _literal(self, text: str, place: Place) -> str:
        if place != "text":
            return quote(text, safe="")
        return html_words.escape(text) if self.html else text

    def _fold(self, text: str) -> str:
        cases = [block for block in reversed(self.blocks) if block in CASES]
        if not cases:
            return text
        pieces = _MARKUP.split(text) if self.html else [text]
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
        elif (
            len(text) < _SHORT and "{" not in text and SLOT.decode() not in text and not _PRIVATE.search(text)
        ):
            self.out.append(text)
        else:
            pieces = re.split(f"({SLOT.decode()})", text)
            encoded = [SLOT if i & 1 else quoted.encode(piece) for i, piece in enumerate(pieces)]
            self.chunks.append(quoted.SOFT.join(filter(None, encoded)))
            self.out.append(f"\ue000{len(self.chunks) - 1}\ue001")

    def _number(self, known: list[Any], wanted: Any) -> int:
        if wanted not in known:
            known.append(wanted)
        return known.index(wanted)


def place_plain(pieces: list[Piece]) -> list[Placed]:
    """Places in plain text: a tag that touches an address before it is inside a link."""
    items: list[Placed] = []
    before = ""
    for piece in pieces:
        if isinstance(piece, str):
            before += piece
            items.append(piece)
            continue
        items.append((piece, "link" if _TAIL.search(before[-2000:]) else "text"))
        before += "" if piece.is_block else "x"
    return items
