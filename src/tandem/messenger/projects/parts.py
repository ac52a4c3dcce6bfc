"""One compiled part of a message: plain data made once per version, rendered per recipient. Knows no framework.

MiniJinja gets only what the compiler emitted: numbered values, tests and short plain runs. Longer runs are
already quoted-printable and come in as numbered chunks between two private-use characters.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from minijinja import Environment, TemplateError

from tandem.messenger.projects import counting, dates, quoted, segments
from tandem.messenger.projects.conditions import HAS, condition
from tandem.messenger.projects.errors import RenderError
from tandem.messenger.projects.printing import Change, Printing
from tandem.messenger.projects.printing import escape as escape
from tandem.messenger.projects.slots import FILLED, LINK, OPEN, PIXEL

FUEL = 10_000
LONGEST_VALUE = 4_000
LARGEST_PART = 2 << 20
_MARK = re.compile("\ue000([0-9]+)\ue001")
_UNSAFE = re.compile("[\ue000-\uf8ff\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SCHEME = re.compile(r"(?:https?://|mailto:|tel:)[^\s]+", re.IGNORECASE)


def _capitalize(text: str) -> str:
    return re.sub(r"(^|\s)(\S)", lambda found: found[1] + found[2].upper(), text)


CASE: dict[str, Callable[[str], str]] = {"capitalize": _capitalize, "lower": str.lower, "upper": str.upper}


_PERCENT = {code: f"%{code:02X}" for code in range(128) if quote(chr(code), safe="") != chr(code)}


def _url(text: str) -> str:
    return text.translate(_PERCENT) if text.isascii() else quote(text, safe="")


def _link(text: str) -> str:
    """A whole link from data: known schemes only."""
    text = text.strip()
    return text if _SCHEME.fullmatch(text) else "#"


#: what a value goes through after its case, by the place it stands in
ENCODE: dict[str, Callable[[str], str]] = {
    "html": escape,
    "raw": lambda text: text,
    "url": _url,
    "link": _link,
    "html link": lambda text: escape(_link(text)),
}


@dataclass(frozen=True, kw_only=True)
class Expression:
    """One value as it is printed: attribute, the changes in order (cases, `date:pattern`), its place's encoding."""

    name: str
    cases: tuple[str, ...] = ()
    encoding: str = "raw"

    def printer(self) -> Change:
        """What makes the printed form of a value."""
        steps = [_change(case) for case in self.cases]
        encode = ENCODE[self.encoding]
        if not steps:
            return encode
        if len(steps) == 1:
            return lambda text, only=steps[0]: encode(only(text))  # type: ignore[misc]

        def printed(text: str) -> str:
            for step in steps:
                text = step(text)
            return encode(text)

        return printed


def _change(case: str) -> Change:
    if not case.startswith("date:"):
        return CASE[case]
    pattern = case.removeprefix("date:")
    return lambda text: dates.shown(pattern, text)


@dataclass(frozen=True, kw_only=True)
class Test:
    """One question about a value: has it any, or how does it compare."""

    name: str
    operator: str = HAS
    operand: str = ""


class Part:
    """One template of a message: subject, html, text or SMS."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.names = tuple(data["names"])
        self._printers = [
            (name, Expression(name=name, cases=tuple(cases), encoding=encoding).printer())
            for name, cases, encoding in data["expressions"]
        ]
        self.source: str = data["template"]
        tests = data.get("tests", [[name, HAS, ""] for name in self.names])  # without: format 1
        self._tests = [(name, condition(operator, operand)) for name, operator, operand in tests]
        self.asked = tuple((name, operator) for name, operator, _ in tests)
        #: stored ones may have been encoded when lines could still begin with a dot
        self.chunks = [quoted.undotted(chunk.encode("latin-1")) for chunk in data.get("chunks", ())]
        #: whether a link of it is known in the message only
        self.has_open = any(OPEN in chunk for chunk in self.chunks)
        self._environment = Environment(
            keep_trailing_newline=True, debug=False, undefined_behavior="strict", fuel=FUEL, pycompat=False
        )
        self._environment.auto_escape_callback = _never
        self._environment.add_template("part", data["template"])
        is_fixed = not self._printers and not self._tests
        self._plain = self._environment.render_template("part") if is_fixed else None
        nodes = segments.course(data["template"])
        self._nodes, self._expressions = nodes, data["expressions"]
        places = range(len(self._printers))
        is_text = nodes is not None and not self.chunks
        self._words = segments.Course(nodes or [], (), places, str.encode, b"", ()) if is_text else None
        self.print_by(Printing(self.names))

    def render(self, values: Mapping[str, str]) -> str:
        """MiniJinja's output; chunk numbers are still in it."""
        return self._rendered(self._cleaned(values))

    def _cleaned(self, values: Mapping[str, str]) -> "Clean":
        return values if isinstance(values, Clean) else cleaned(self._printing.names, values)

    def _rendered(self, clean: Mapping[str, str]) -> str:
        if self._plain is not None:
            return self._plain
        if self._words is not None:
            printed = [printer(clean[name]).encode() for name, printer in self._printers]
            return self._words.run(self._answers(clean), (), printed).decode()
        context: dict[str, Any] = {
            f"e{i}": printer(clean[name]) for i, (name, printer) in enumerate(self._printers)
        }
        context.update({f"t{i}": holds(clean[name]) for i, (name, holds) in enumerate(self._tests)})
        try:
            return self._environment.render_template("part", **context)
        except TemplateError as error:
            raise RenderError(f"The template failed for this recipient: {error.message}.") from error

    @property
    def printed(self) -> tuple[str, ...]:
        """The names of its expressions, by their numbers."""
        return tuple(name for name, _ in self._printers)

    def print_by(self, printing: Printing) -> None:
        """Take the encoded values from there; several parts may."""
        self._printing = printing
        places = [
            printing.place(name, tuple(cases), encoding, printer)
            for (name, cases, encoding), (_, printer) in zip(self._expressions, self._printers, strict=True)
        ]
        self._course = None if self._nodes is None else segments.Course(self._nodes, self.chunks, places)

    def _answers(self, clean: Mapping[str, str]) -> tuple[bool, ...]:
        return tuple([holds(clean[name]) for name, holds in self._tests])

    def encoded(self, values: Mapping[str, str], slot: bytes) -> bytes:
        """The part in quoted-printable. values: cleaned or not. RenderError when it grows too large."""
        return self._made(self._cleaned(values), (slot, PIXEL, LINK))

    def counted(self, values: Mapping[str, str], slot: bytes, links: "Counting", *, is_html: bool) -> bytes:
        """The same with counting links and the picture of the message in their places."""
        made = self._made(self._cleaned(values), (slot, links.picture, links.prefix))
        return counting.filled(made, links.url, links.sign, is_html=is_html) if self.has_open else made

    def _made(self, clean: "Clean", own: Sequence[bytes]) -> bytes:
        """own: what stands in the slots, in the order of slots.FILLED."""
        if self._course is None:
            pieces = _MARK.split(self._rendered(clean))
            out = [self.chunks[int(x)] if i & 1 else quoted.encode(x) for i, x in enumerate(pieces)]
            made = quoted.SOFT.join(filter(None, out))
            for slot, filling in zip(FILLED, own, strict=True):
                made = made.replace(slot, filling)
        else:
            made = self._course.run(self._answers(clean), own, clean.table(self._printing))
        if len(made) > LARGEST_PART:
            raise RenderError("The message is too large for this recipient.", "Print long attributes once.")
        return made


class Counting:
    """The addresses under which one message's openings and clicks are counted; '' = not. sign: of links with values."""

    __slots__ = ("picture", "prefix", "sign", "url")

    def __init__(self, url: str = "", pixel_url: str = "", sign: counting.Sign = counting.unsigned) -> None:
        self.url, self.sign = url, sign
        #: how its links begin, and its picture, encoded
        self.prefix = quoted.encode(url) if url else b""
        self.picture = counting.picture(pixel_url) if pixel_url else b""

    @classmethod
    def encoded(cls, url: str, sign: counting.Sign, prefix: bytes, picture: bytes) -> "Counting":
        """The same of what is encoded already."""
        made = cls.__new__(cls)
        made.url, made.sign, made.prefix, made.picture = url, sign, prefix, picture
        return made


NOTHING_COUNTED = Counting()


class Clean(dict[str, str]):
    """Values of a message without what no message may hold, and encoded as soon as they are asked for."""

    __slots__ = ("_printing", "_table")
    _printing: Printing
    _table: list[bytes]

    def table(self, printing: Printing) -> list[bytes]:
        """See Printing.table; the parts of a message share one."""
        if getattr(self, "_printing", None) is not printing:
            self._printing, self._table = printing, printing.table(self)
        return self._table


def cleaned(names: Sequence[str], values: Mapping[str, str]) -> Clean:
    """The values of these names; none is an empty one."""
    texts = [values.get(name) or "" for name in names]
    whole = "".join(texts)
    if whole.isprintable() and len(whole) <= LONGEST_VALUE:
        return Clean(zip(names, texts, strict=True))  # nearly always
    return Clean((name, _clean(values.get(name))) for name in names)


def _never(_name: str) -> bool:
    return False


def _clean(value: str | None) -> str:
    if not value:
        return ""
    text = str(value)[:LONGEST_VALUE]
    if text.isprintable():
        return text
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", _UNSAFE.sub("", text))
