"""Whether blocks stand in each other as they must: in a source, and again after HTML tools had it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tandem.messenger.projects.tags import Piece, Tag

DEEPEST = 12


@dataclass
class _Open:
    tag: Tag
    cases: int = 0
    has_default: bool = False


@dataclass
class Structure:
    """Walks pieces in order; `wrong` is the first breach: the tag, and what to do."""

    wrong: tuple[Tag, str] | None = None
    _open: list[_Open] = field(default_factory=list)

    def walk(self, pieces: Iterable[Piece]) -> "Structure":
        """Look at all of it."""
        for piece in pieces:
            if self.wrong is None:
                self._text(piece) if isinstance(piece, str) else self._tag(piece)
        if self.wrong is None and self._open:
            tag = self._open[-1].tag
            self._say(tag, f"{{{{#{tag.helper}}}}} is not closed. Add {{{{/{tag.helper}}}}}.")
        return self

    def _say(self, tag: Tag, words: str) -> None:
        self.wrong = self.wrong or (tag, words)

    def _inside(self) -> str:
        return self._open[-1].tag.helper if self._open else ""

    def _text(self, text: str) -> None:
        if self._inside() == "switch" and text.strip():
            self._say(
                self._open[-1].tag,
                "Everything inside {{#switch}} stands in a {{#compare}} or in {{#default}}. "
                f"Move {text.strip()[:30]!r} into one of them.",
            )

    def _tag(self, tag: Tag) -> None:
        if tag.kind == "open":
            self._opened(tag)
        elif tag.kind == "close":
            self._closed(tag)
        elif self._inside() == "switch":
            self._say(tag, "A value inside {{#switch}} stands in a {{#compare}} or in {{#default}}.")

    def _opened(self, tag: Tag) -> None:
        inside = self._inside()
        is_case = tag.helper in ("compare", "default")
        if is_case and inside != "switch":
            self._say(tag, f"{{{{#{tag.helper}}}}} stands directly inside {{{{#switch contact.name}}}}.")
        elif inside == "switch":
            self._in_switch(tag, self._open[-1])
        if len(self._open) >= DEEPEST:
            self._say(tag, f"Blocks stand more than {DEEPEST} deep in each other. Write it flatter.")
        self._open.append(_Open(tag))

    def _in_switch(self, tag: Tag, switch: _Open) -> None:
        if tag.helper not in ("compare", "default"):
            self._say(tag, "A block inside {{#switch}} stands in a {{#compare}} or in {{#default}}.")
        elif switch.has_default:
            self._say(tag, "{{#default}} is the last one of a {{#switch}}. Move it to the end.")
        switch.has_default = switch.has_default or tag.helper == "default"
        switch.cases += tag.helper == "compare"

    def _closed(self, tag: Tag) -> None:
        if self._inside() != tag.helper:
            self._say(tag, f"{{{{/{tag.helper}}}}} closes a block that is not open here.")
            return
        closed = self._open.pop()
        if tag.helper == "switch" and not closed.cases:
            self._say(closed.tag, 'A {{#switch}} needs a {{#compare ">" 100}} ... {{/compare}}.')
