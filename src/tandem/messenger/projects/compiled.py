"""Compiled messages: plain data made once per version, rendered per recipient. Knows no framework.

MiniJinja gets only what the compiler emitted: numbered values, tests and short plain runs. Longer runs are
already quoted-printable and come in as numbered chunks between two private-use characters.
"""

import html as html_words
import re
from binascii import a2b_qp
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from minijinja import Environment, TemplateError

from tandem.messenger.projects import dates, quoted, segments
from tandem.messenger.projects.conditions import HAS, condition
from tandem.messenger.projects.domain import Sender, SmsText, count_sms
from tandem.messenger.projects.errors import RenderError

FORMAT = 2
FUEL = 10_000
LONGEST_VALUE = 4_000
LARGEST_PART = 2 << 20
VALUES_KEPT = 2_000
SHORT_VALUE = 100
_MARK = re.compile("\ue000([0-9]+)\ue001")
_UNSAFE = re.compile("[\ue000-\uf8ff\ud800-\udfff]")
_SIGNS = re.compile("[&<>\"']")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SCHEME = re.compile(r"(?:https?://|mailto:|tel:)[^\s]+", re.IGNORECASE)
_BOUNDARY = b"=_tandem_alternative"  # "=_" never occurs in quoted-printable
SLOT = b"\x01"
PIXEL = b"\x02"


def _capitalize(text: str) -> str:
    return re.sub(r"(^|\s)(\S)", lambda found: found[1] + found[2].upper(), text)


CASE: dict[str, Callable[[str], str]] = {"capitalize": _capitalize, "lower": str.lower, "upper": str.upper}


def _url(text: str) -> str:
    return quote(text, safe="")


def _link(text: str) -> str:
    """A whole link from data: known schemes only."""
    text = text.strip()
    return text if _SCHEME.fullmatch(text) else "#"


def _escape(text: str) -> str:
    return html_words.escape(text, quote=True) if _SIGNS.search(text) else text


#: what a value goes through after its case, by the place it stands in
ENCODE: dict[str, Callable[[str], str]] = {
    "html": _escape,
    "raw": lambda text: text,
    "url": _url,
    "link": _link,
    "html link": lambda text: _escape(_link(text)),
}


Change = Callable[[str], str]


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
        self.chunks: list[bytes] = [chunk.encode("latin-1") for chunk in data.get("chunks", ())]
        self._has_pixel = any(PIXEL in chunk for chunk in self.chunks)
        self._environment = Environment(
            keep_trailing_newline=True, debug=False, undefined_behavior="strict", fuel=FUEL, pycompat=False
        )
        self._environment.auto_escape_callback = _never
        self._environment.add_template("part", data["template"])
        is_fixed = not self._printers and not self._tests
        self._plain = self._environment.render_template("part") if is_fixed else None
        nodes = segments.course(data["template"])
        self._course = None if nodes is None else segments.Course(nodes, self.chunks)
        is_text = nodes is not None and not self.chunks
        self._words = segments.Course(nodes or [], (), str.encode, b"") if is_text else None
        self._encoded = _Encoded()

    def render(self, values: Mapping[str, str]) -> str:
        """MiniJinja's output; chunk numbers are still in it."""
        return self._rendered(self._cleaned(values))

    def _cleaned(self, values: Mapping[str, str]) -> "Clean":
        return values if isinstance(values, Clean) else cleaned(self.names, values)

    def _rendered(self, clean: Mapping[str, str]) -> str:
        if self._plain is not None:
            return self._plain
        if self._words is not None:
            printed = [printer(clean[name]).encode() for name, printer in self._printers]
            return b"".join(self._words.run(self._answers(clean), printed)).decode()
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

    def share(self, other: "Part") -> None:
        """Use the encoded values of another part."""
        self._encoded = other._encoded

    def _answers(self, clean: Mapping[str, str]) -> tuple[bool, ...]:
        return tuple([holds(clean[name]) for name, holds in self._tests])

    def encoded(self, values: Mapping[str, str], slot: bytes, pixel: bytes = b"") -> bytes:
        """The part in quoted-printable, slots filled. values: cleaned or not. RenderError when it grows too large."""
        clean = self._cleaned(values)
        if self._course is None:
            pieces = _MARK.split(self._rendered(clean))
            out = [self.chunks[int(x)] if i & 1 else quoted.encode(x) for i, x in enumerate(pieces)]
        else:
            encode = self._encoded.ready()
            printed = [encode[printer(clean[name])] for name, printer in self._printers]
            out = self._course.run(self._answers(clean), printed)
        made = quoted.SOFT.join(filter(None, out)).replace(SLOT, slot)
        if len(made) > LARGEST_PART:
            raise RenderError("The message is too large for this recipient.", "Print long attributes once.")
        return made.replace(PIXEL, pixel) if self._has_pixel else made


class _Encoded(dict[str, bytes]):
    """Values in quoted-printable; short ones are kept a while, they come again in the next part and message."""

    def ready(self) -> "_Encoded":
        if len(self) > VALUES_KEPT:
            self.clear()
        return self

    def __missing__(self, text: str) -> bytes:
        made = quoted.encode(text)
        if len(text) < SHORT_VALUE:
            self[text] = made
        return made


class Clean(dict[str, str]):
    """Values of a message without what no message may hold."""


def cleaned(names: Sequence[str], values: Mapping[str, str]) -> Clean:
    """The values of these names; none is an empty one."""
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


class CompiledEmail:
    """An email version, ready to render."""

    kind = "email"

    def __init__(self, data: Mapping[str, Any], sender: Sender) -> None:
        self.subject, self.html, self.text = (Part(data[part]) for part in ("subject", "html", "text"))
        self.text.share(self.html)
        self.parts = (self.subject, self.html, self.text)
        self.names = tuple(sorted({*self.subject.names, *self.html.names, *self.text.names}))
        self.has_pixel = bool(data.get("pixel"))
        self.sender = sender.address
        self.sender_shown = f"{sender.name} <{sender.address}>" if sender.name else sender.address
        self.from_header = quoted.mailbox(sender.name, sender.address)
        self._fixed = f"From: {self.from_header}\r\n"
        if sender.reply_to:
            self._fixed += f"Reply-To: {quoted.address(sender.reply_to)}\r\n"

    def subject_of(self, values: Mapping[str, str]) -> str:
        """The subject of one message, line breaks of values turned to blanks."""
        return " ".join(self.subject.render(values).split())

    def readable(self, values: Mapping[str, str], unsubscribe_url: str) -> tuple[str, str]:
        """HTML and text as a reader sees them, for previews."""
        html = self.html.encoded(values, quoted.encode(_escape(unsubscribe_url)))
        text = self.text.encoded(values, quoted.encode(unsubscribe_url))
        return _decoded(html), _decoded(text)

    def render(
        self,
        values: Mapping[str, str],
        *,
        to: str,
        message_id: str,
        unsubscribe_url: str,
        date: datetime | str,
        headers: Sequence[tuple[str, str]] = (),
        pixel_url: str = "",
        mark: str = "",
        unsubscribe_mail: str = "",
    ) -> bytes:
        """The complete message with CRLF lines, not dot-stuffed; `mark` before its subject. RenderError if unsafe."""
        clean = cleaned(self.names, values)
        try:
            link = _unsubscribe_header(unsubscribe_url, unsubscribe_mail)
            head = self._head(clean, to, message_id, link, date, headers, mark)
        except ValueError as wrong:
            raise RenderError(f"A header cannot be written safely: {wrong}.") from wrong
        pixel = quoted.encode(_escape(pixel_url)) if self.has_pixel else b""
        return b"".join(
            (
                head.encode("ascii"),
                b"--", _BOUNDARY, b"\r\nContent-Type: text/plain; charset=utf-8\r\n", _QP,
                self.text.encoded(clean, quoted.encode(unsubscribe_url)),
                b"\r\n--", _BOUNDARY, b"\r\nContent-Type: text/html; charset=utf-8\r\n", _QP,
                self.html.encoded(clean, quoted.encode(_escape(unsubscribe_url)), pixel),
                b"\r\n--", _BOUNDARY, b"--\r\n",
            )
        )  # fmt: skip

    def _head(
        self,
        values: Mapping[str, str],
        to: str,
        message_id: str,
        unsubscribe: str,
        date: datetime | str,
        headers: Sequence[tuple[str, str]],
        mark: str,
    ) -> str:
        when = date if isinstance(date, str) else _dated(date)
        extra = "".join(f"{_header_name(name)}: {quoted.header_token(value)}\r\n" for name, value in headers)
        return (
            f"{self._fixed}To: {quoted.address(to)}\r\n"
            f"Subject: {quoted.header_text(mark + self.subject_of(values))}\r\n"
            f"Date: {quoted.header_token(when)}\r\nMessage-ID: <{quoted.address(message_id)}>\r\n"
            f"List-Unsubscribe: {unsubscribe}\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
            f"{extra}MIME-Version: 1.0\r\n"
            f'Content-Type: multipart/alternative; boundary="{_BOUNDARY.decode()}"\r\n\r\n'
        )


def _unsubscribe_header(url: str, mail: str) -> str:
    """The link, then the address if there is one; one line, because signatures of a folded one were seen to break."""
    link = quoted.header_token(url)
    if not link.startswith(("https://", "http://")) or set(link) & set("<> "):
        raise ValueError("unsubscribe address")
    return f"<{link}>, <mailto:{quoted.address(mail)}?subject=unsubscribe>" if mail else f"<{link}>"


def _dated(date: datetime) -> str:
    from email.utils import format_datetime  # a trial in a child does without

    return format_datetime(date)


def _decoded(part: bytes) -> str:
    return a2b_qp(part).decode().replace("\r\n", "\n")


_QP = b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"


def _header_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,60}", name):
        raise ValueError("header name")
    return name


class CompiledSms:
    """An SMS version, ready to render."""

    kind = "sms"

    def __init__(self, data: Mapping[str, Any], sender: Sender) -> None:
        self.text = Part(data["text"])
        self.parts = (self.text,)
        self.names = self.text.names
        self.sender = sender.sms

    def render(self, values: Mapping[str, str], *, unsubscribe_url: str = "") -> SmsText:
        """Text, encoding and parts of one message. RenderError when nothing is left to send."""
        text = self.text.render(values).replace(SLOT.decode(), unsubscribe_url).strip()
        if not text:
            raise RenderError(
                "The message is empty for this recipient.", "Give the attribute a text to print instead."
            )
        return count_sms(text)


Compiled = CompiledEmail | CompiledSms


def load(data: Mapping[str, Any]) -> Compiled:
    """The compiled form of stored data."""
    sender = Sender(**data["sender"])
    return CompiledSms(data, sender) if data["kind"] == "sms" else CompiledEmail(data, sender)
