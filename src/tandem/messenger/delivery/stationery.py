"""What the emails of one template of a sending have in common, checked and encoded once: a message adds its tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache, partial

from tandem.messenger.contacts.domain import Counted
from tandem.messenger.delivery import tokens
from tandem.messenger.projects import quoted
from tandem.messenger.projects.addresses import TOKEN, Address
from tandem.messenger.projects.compiled import CompiledEmail, shared_lines, unsafe, unsubscribe_header
from tandem.messenger.projects.counting import unsigned
from tandem.messenger.projects.parts import NOTHING_COUNTED, Counting

_SAMPLE = b"x" * TOKEN
_SAMPLE_MAIL = "u+" + "x" * 45


@dataclass(frozen=True, kw_only=True)
class Names:
    """Whose tokens are made, under which key, and where they lead. bounce_domain: '' = there is none."""

    key: str
    sending_id: int
    version_id: int
    tracking_url: str
    bounce_domain: str


class Stationery:
    """Makes the pieces that `CompiledEmail.put_together` takes. RenderError for a sender or address that is none."""

    def __init__(self, version: CompiledEmail, names: Names, headers: Sequence[tuple[str, str]]) -> None:
        self._names, self._headers = names, tuple(headers)
        make = partial(tokens.maker, names.key)
        self._message_id = make(tokens.MESSAGE_ID, names.sending_id)
        self.unsubscribe_token = make(tokens.UNSUBSCRIBE, names.sending_id)
        self._track_token = make(tokens.TRACK, names.version_id)
        self.page = Address(f"{names.tracking_url}/u/")
        self._links, opening = (
            Address(f"{names.tracking_url}/c/", "/"),
            Address(f"{names.tracking_url}/o/", ".gif"),
        )
        self._picture = opening.picture
        self._signs = version.signs_links
        self._begin, self._middle = self._fixed_lines(version)
        self._made_at: datetime | None = None
        self._end = b""

    def _fixed_lines(self, version: CompiledEmail) -> tuple[bytes, bytes]:
        """What stands before the token of the Message-ID, and between it and that of the link."""
        domain = version.sender.rpartition("@")[2] or "sms.invalid"
        mail = f"{_SAMPLE_MAIL}@{self._names.bounce_domain}" if self._names.bounce_domain else ""
        try:
            quoted.address(f"{_SAMPLE.decode()}@{domain}")
            unsubscribe_header(self.page.with_token(_SAMPLE), mail)
        except ValueError as wrong:
            raise unsafe(wrong) from wrong
        return b"Message-ID: <", f"@{domain}>\r\nList-Unsubscribe: <{self.page.begin}".encode("ascii")

    def lines(self, attempt_id: int, token: bytes, now: datetime) -> tuple[bytes, ...]:
        """The header's lines from Message-ID on. token: of the unsubscribe page."""
        if now is not self._made_at:
            self._made_at, self._end = now, self._last_lines(now.replace(microsecond=0))
        mail = self.own_address("u", tokens.UNSUBSCRIBE_MAIL, attempt_id)
        way = f">, <mailto:{mail}?subject=unsubscribe>\r\n".encode("ascii") if mail else b">\r\n"
        return self._begin, self._message_id(attempt_id), self._middle, token, way, self._end

    def _last_lines(self, second: datetime) -> bytes:
        try:
            return shared_lines(_dated(second), self._headers).encode("ascii")
        except ValueError as wrong:
            raise unsafe(wrong) from wrong

    def slots(self, token: bytes) -> tuple[bytes, bytes]:
        """The address of the unsubscribe page, as text and as HTML show it."""
        (before, after), (html_before, html_after) = self.page.text, self.page.html
        return before + token + after, html_before + token + html_after

    def counting(self, attempt_id: int, counted: Counted) -> Counting:
        """The addresses under which one message's openings and clicks are counted, as far as they are."""
        if not (counted.opens or counted.clicks):
            return NOTHING_COUNTED
        token = self._track_token(attempt_id)
        before, after = self._links.text
        prefix = before + token + after if counted.clicks else b""
        before, after = self._picture
        picture = before + token + after if counted.opens else b""
        if not (self._signs and counted.clicks):
            return Counting.encoded("", unsigned, prefix, picture)
        sign = tokens.signer(self._names.key, token.decode())
        return Counting.encoded(self._links.with_token(token), sign, prefix, picture)

    def own_address(self, kind: str, purpose: bytes, attempt_id: int) -> str:
        """An address of the bounce domain that names this message alone; '' without such a domain."""
        names = self._names
        if not names.bounce_domain:
            return ""
        token = tokens.make_local(names.key, purpose, names.sending_id, attempt_id)
        return f"{kind}+{token}@{names.bounce_domain}"


@lru_cache(maxsize=16)
def _dated(second: datetime) -> str:
    return format_datetime(second)
