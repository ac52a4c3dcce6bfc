"""Reads the messenger's Handlebars dialect: source text -> literals and tags, or faults with line and column.

Known: look-ups, `print`, `capitalize`, `lower`, `upper` (inline and block), `noEncode`, `urlEncode`,
`message.unsubscribeUrl` and the old tags `!!First_Name!!`. Names and operators ignore case. All else is a fault.
"""

import bisect
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tandem.messenger.projects.domain import Fault

CASES = ("capitalize", "lower", "upper")
UNSUBSCRIBE = "message.unsubscribeurl"
_LATER = ("date", "switch", "compare", "default", "snippet")
_OPEN = re.compile(r"\{\{|!!(?=[A-Za-z])")
_OLD = re.compile(r"!!([A-Za-z][A-Za-z0-9_]*)!!")
_WORD = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+))(?=\s|$)""")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, kw_only=True)
class Tag:
    """One tag. kind: value, fallback (an inline `print`), unsubscribe, open, close."""

    kind: Literal["value", "fallback", "unsubscribe", "open", "close"]
    name: str = ""
    helper: str = ""
    fallback: str = ""
    at: int = 0

    @property
    def is_block(self) -> bool:
        """Whether it opens or closes a block."""
        return self.kind in ("open", "close")


Piece = str | Tag


class Names:
    """The attributes a template may use: looked up without case, old tags also without underscores."""

    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        self._known = {name.lower(): label for name, label in (names or {}).items()}
        self._bare = {name.replace("_", "").replace(" ", ""): name for name in self._known}

    def find(self, said: str) -> str | None:
        """The lower-case attribute name meant, or None."""
        name = said.lower()
        return name if name in self._known else self._bare.get(name.replace("_", ""))

    def near(self, said: str) -> str:
        """The most similar attribute in the spelling people know, or nothing."""
        found = difflib.get_close_matches(said.lower(), self._known, n=1, cutoff=0.6)
        return self._known[found[0]] if found else ""


@dataclass
class Reader:
    """Reads one part (subject, html, text, sms); faults gather in `faults`."""

    part: str
    source: str
    names: Names
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lines = [0, *(match.end() for match in re.finditer("\n", self.source))]

    def fault(self, at: int, words: str) -> None:
        """Write down what is wrong at this offset."""
        line = bisect.bisect_right(self._lines, at)
        self.faults.append(
            Fault(part=self.part, line=line, column=at - self._lines[line - 1] + 1, words=words)
        )

    def read(self) -> list[Piece]:
        """The pieces in order; blocks are checked for balance."""
        if found := _CONTROL.search(self.source):
            self.fault(found.start(), "There is a control character here. Delete it.")
        pieces: list[Piece] = []
        position = 0
        while match := _OPEN.search(self.source, position):
            tag, end = self._tag(match.start())
            if tag is not None or end > match.end():
                pieces.append(self.source[position : match.start()])
                if tag is not None:
                    pieces.append(tag)
                position = end
            else:
                pieces.append(self.source[position:end])
                position = end
        pieces.append(self.source[position:])
        self._balance(pieces)
        return [piece for piece in pieces if piece != ""]

    def _tag(self, start: int) -> tuple[Tag | None, int]:
        if self.source.startswith("!!", start):
            old = _OLD.match(self.source, start)
            if old is None:
                return None, start + 2
            return self._look_up(f"contact.{old[1]}", start), old.end()
        if self.source.startswith("{{{", start):
            end = self.source.find("}}}", start)
            self.fault(
                start, "Three braces are not known. Write {{noEncode contact.name}} for a link from data."
            )
            return None, end + 3 if end >= 0 else len(self.source)
        end = self.source.find("}}", start)
        if end < 0:
            self.fault(start, "This tag is not closed. Add }}.")
            return None, len(self.source)
        return self._parse(self.source[start + 2 : end].strip(), start), end + 2

    def _parse(self, inside: str, at: int) -> Tag | None:
        if inside.startswith("/"):
            return self._close(inside[1:].strip(), at)
        block = inside.startswith("#")
        words = self._words(inside[block:], at)
        if words is None:
            return None
        if block:
            return self._open(words, at)
        if len(words) == 1 and not words[0][1]:
            return self._look_up(words[0][0], at)
        return self._helper(words, at)

    def _words(self, text: str, at: int) -> list[tuple[str, bool]] | None:
        words, position = [], 0
        while position < len(text.rstrip()):
            match = _WORD.match(text, position)
            if match is None:
                self.fault(at, "The quotes of this tag do not match.")
                return None
            quoted = match[1] if match[1] is not None else match[2]
            words.append((match[3] or "", False) if quoted is None else (quoted, True))
            position = match.end()
        if not words:
            self.fault(at, "This tag is empty. Write an attribute, such as {{contact.firstName}}.")
            return None
        return words

    def _close(self, name: str, at: int) -> Tag | None:
        helper = name.lower()
        if helper not in (*CASES, "print"):
            self.fault(at, f"{{{{/{name}}}}} closes nothing that is known.")
            return None
        return Tag(kind="close", helper=helper, at=at)

    def _open(self, words: list[tuple[str, bool]], at: int) -> Tag | None:
        helper = words[0][0].lower()
        if helper in CASES and len(words) == 1:
            return Tag(kind="open", helper=helper, at=at)
        if helper == "print" and len(words) == 2 and not words[1][1]:
            value = self._look_up(words[1][0], at)
            if value is None or value.kind != "value":
                return self._wrong(at, "Write {{#print contact.name}} ... {{/print}}.", value is not None)
            return Tag(kind="open", helper="print", name=value.name, at=at)
        self._unknown(words[0][0], at, block=True)
        return None

    def _helper(self, words: list[tuple[str, bool]], at: int) -> Tag | None:
        helper = words[0][0].lower()
        rest = words[1:]
        if words[0][1] or helper not in (*CASES, "print", "noencode", "urlencode"):
            self._unknown(words[0][0], at, block=False)
            return None
        if not rest or rest[0][1] or len(rest) > 1 + (helper == "print"):
            usage = ' "instead"' if helper == "print" else ""
            return self._wrong(at, f"Write {{{{{words[0][0]} contact.name{usage}}}}}.", True)
        value = self._look_up(rest[0][0], at)
        if value is None or value.kind != "value":
            return self._wrong(
                at, f"{words[0][0]} works on attributes of the contact only.", value is not None
            )
        if helper == "print":
            if len(rest) == 2 and not rest[1][1]:
                return self._wrong(at, "Put the words to print instead in quotes.", True)
            return Tag(kind="fallback", name=value.name, fallback=rest[1][0] if len(rest) == 2 else "", at=at)
        return Tag(kind="value", name=value.name, helper=helper, at=at)

    def _look_up(self, path: str, at: int) -> Tag | None:
        if path.lower() == UNSUBSCRIBE:
            return Tag(kind="unsubscribe", at=at)
        space, dot, said = path.partition(".")
        if space.lower() != "contact" or not dot or not re.fullmatch(r"[\w \-]+", said):
            self._unknown(path, at, block=False)
            return None
        name = self.names.find(said)
        if name is None:
            near = self.names.near(said)
            self.fault(
                at,
                f"There is no attribute {said!r}."
                + (f" Did you mean {near!r}?" if near else " Create it, or correct the name."),
            )
            return None
        return Tag(kind="value", name=name, at=at)

    def _unknown(self, name: str, at: int, *, block: bool) -> None:
        shown = ("#" if block else "") + name
        if name.lower() in _LATER:
            self.fault(at, f"{{{{{shown} ...}}}} is not supported yet.")
        else:
            self.fault(at, f"{{{{{shown}}}}} is not known. Attributes are written {{{{contact.firstName}}}}.")

    def _wrong(self, at: int, words: str, say: bool) -> Tag | None:
        if say:
            self.fault(at, words)
        return None

    def _balance(self, pieces: list[Piece]) -> None:
        stack: list[Tag] = []
        for tag in pieces:
            if not isinstance(tag, Tag) or not tag.is_block:
                continue
            if tag.kind == "open":
                stack.append(tag)
            elif not stack or stack[-1].helper != tag.helper:
                self.fault(tag.at, f"{{{{/{tag.helper}}}}} closes a block that is not open here.")
                return
            else:
                stack.pop()
        for tag in stack:
            self.fault(tag.at, f"{{{{#{tag.helper}}}}} is not closed. Add {{{{/{tag.helper}}}}}.")
