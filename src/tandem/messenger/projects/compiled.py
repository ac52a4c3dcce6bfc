"""Compiled messages: parts and headers, put together per recipient. Knows no framework."""

import re
from binascii import a2b_qp
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from tandem.messenger.projects import counting, quoted, shortening
from tandem.messenger.projects.domain import Sender, SmsText, count_sms
from tandem.messenger.projects.errors import RenderError
from tandem.messenger.projects.parts import NOTHING_COUNTED, Counting, Part, cleaned, escape
from tandem.messenger.projects.printing import Printing
from tandem.messenger.projects.shortening import Short
from tandem.messenger.projects.slots import PIXEL, SLOT

FORMAT = 3
LONGEST_LINE = 950  # with a name before it still what SMTP takes
_PAGE = re.compile(r"https?://[!-;=?-~]{1,890}")
_BOUNDARY = b"=_tandem_alternative"  # "=_" never occurs in quoted-printable

_PART = b"--%b\r\nContent-Type: %b; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
_TEXT, _HTML = _PART % (_BOUNDARY, b"text/plain"), b"\r\n" + _PART % (_BOUNDARY, b"text/html")
_END = b"\r\n--%b--\r\n" % _BOUNDARY


class CompiledEmail:
    """An email version, ready to render."""

    kind = "email"

    def __init__(self, data: Mapping[str, Any], sender: Sender) -> None:
        self.subject, self.text = Part(data["subject"]), Part(data["text"])
        self.html = Part(counting.without(PIXEL, data["html"]))
        self.parts = (self.subject, self.html, self.text)
        self.names = tuple(sorted({*self.subject.names, *self.html.names, *self.text.names}))
        self._printing = Printing(self.names)
        self.html.print_by(self._printing)
        self.text.print_by(self._printing)
        self._data = data
        self._bodies = {(False, False): (self.html, self.text)}
        self.sender = sender.address
        self.sender_shown = f"{sender.name} <{sender.address}>" if sender.name else sender.address
        self.from_header = quoted.mailbox(sender.name, sender.address)
        self._fixed = f"From: {self.from_header}\r\n"
        if sender.reply_to:
            self._fixed += f"Reply-To: {quoted.address(sender.reply_to)}\r\n"
        self._fixed += "To: "

    def subject_of(self, values: Mapping[str, str]) -> str:
        """The subject of one message, line breaks of values turned to blanks."""
        return " ".join(self.subject.render(values).split())

    def readable(self, values: Mapping[str, str], unsubscribe_url: str) -> tuple[str, str]:
        """HTML and text as a reader sees them, for previews."""
        clean = cleaned(self.names, values)
        html = self.html.encoded(clean, quoted.encode(escape(unsubscribe_url)))
        text = self.text.encoded(clean, quoted.encode(unsubscribe_url))
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
        counts: Counting = NOTHING_COUNTED,
        mark: str = "",
        unsubscribe_mail: str = "",
        page_url: str = "",
    ) -> bytes:
        """The complete message with CRLF lines, not dot-stuffed; `mark` before its subject. RenderError if unsafe.

        page_url: where the link in the text leads, if not to unsubscribe_url; the header always names the latter.
        """
        when = date if isinstance(date, str) else _dated(date)
        try:
            lines = (
                f"Message-ID: <{quoted.address(message_id)}>\r\n"
                f"List-Unsubscribe: {unsubscribe_header(unsubscribe_url, unsubscribe_mail)}\r\n"
                f"{shared_lines(when, tuple(headers))}"
            )
        except ValueError as wrong:
            raise unsafe(wrong) from wrong
        page = page_url or unsubscribe_url
        return self.put_together(
            values,
            to=to,
            lines=(lines.encode("ascii"),),
            slots=(quoted.encode(page), quoted.encode(escape(page))),
            counts=counts,
            mark=mark,
        )

    def put_together(
        self,
        values: Mapping[str, str],
        *,
        to: str,
        lines: Sequence[bytes],
        slots: tuple[bytes, bytes],
        counts: Counting,
        mark: str = "",
    ) -> bytes:
        """The message from pieces that are checked and encoded. RenderError if recipient or subject are unsafe.

        lines: the header's end, from Message-ID on; slots: the unsubscribe address as text and as HTML show it.
        """
        clean = cleaned(self.names, values)
        try:
            subject = quoted.header_text(mark + self.subject_of(clean))
            head = f"{self._fixed}{quoted.address(to)}\r\nSubject: {subject}\r\n"
        except ValueError as wrong:
            raise unsafe(wrong) from wrong
        html, text = self._body(bool(counts.prefix), bool(counts.picture))
        return b"".join(
            (
                head.encode("ascii"), *lines,
                _TEXT, text.counted(clean, slots[0], counts, is_html=False),
                _HTML, html.counted(clean, slots[1], counts, is_html=True), _END,
            )
        )  # fmt: skip

    @property
    def signs_links(self) -> bool:
        """Whether a counted link of it needs a signature: its host is a value."""
        return any(part.has_open for part in self._body(True, True))

    def _body(self, clicks: bool, opens: bool) -> tuple[Part, Part]:
        """HTML and text for a message whose clicks, openings are counted or not; made when first asked for."""
        made = self._bodies.get((clicks, opens))
        if made is None:
            data = self._data.get("counting") if clicks else None
            data = data or self._data  # versions of an earlier format have no counting links
            html = Part(data["html"] if opens else counting.without(PIXEL, data["html"]))
            made = html, Part(data["text"]) if data is not self._data else self.text
            for part in made:
                part.print_by(self._printing)
            self._bodies[clicks, opens] = made
        return made


def unsafe(wrong: ValueError) -> RenderError:
    """What a message cannot be made for."""
    return RenderError(f"A header cannot be written safely: {wrong}.")


def unsubscribe_header(url: str, mail: str) -> str:
    """The link, then the address if there is one; one line, because signatures of a folded one were seen to break."""
    if not _PAGE.fullmatch(url):
        raise ValueError("unsubscribe address")
    line = f"<{url}>, <mailto:{quoted.address(mail)}?subject=unsubscribe>" if mail else f"<{url}>"
    if len(line) > LONGEST_LINE:
        raise ValueError("unsubscribe addresses")
    return line


def _dated(date: datetime) -> str:
    from email.utils import format_datetime  # a trial in a child does without

    return format_datetime(date)


def _decoded(part: bytes) -> str:
    return a2b_qp(part).decode().replace("\r\n", "\n")


@lru_cache(maxsize=256)
def shared_lines(date: str, headers: tuple[tuple[str, str], ...]) -> str:
    """The end of a head: the same for the messages of a sending within a second, so it is checked and made once."""
    more = "".join(f"{_header_name(name)}: {quoted.header_token(value)}\r\n" for name, value in headers)
    return (
        f"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nDate: {quoted.header_token(date)}\r\n{more}"
        f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{_BOUNDARY.decode()}"\r\n\r\n'
    )


def _header_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,60}", name):
        raise ValueError("header name")
    return name


class CompiledSms:
    """An SMS version, ready to render."""

    kind = "sms"

    def __init__(self, data: Mapping[str, Any], sender: Sender) -> None:
        self.text = Part(data["text"])
        counting = data.get("counting")
        self._counting = Part(counting["text"]) if counting and counting["targets"] else None
        self.parts = (self.text,)
        self.names = self.text.names
        self.sender = sender.sms

    @property
    def counts_links(self) -> bool:
        """Whether messages have short links of their own."""
        return self._counting is not None

    def render(
        self, values: Mapping[str, str], *, unsubscribe_url: str = "", short: Short | None = None
    ) -> SmsText:
        """Text, encoding and parts of one message; with `short` links are counted. RenderError when nothing is left."""
        part = self._counting if short else None
        text = (part or self.text).render(values).replace(SLOT.decode(), unsubscribe_url).strip()
        text = shortening.filled(text, short) if part and short else text
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
