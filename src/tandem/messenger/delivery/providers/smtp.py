"""A way out over SMTP: one plain connection of one process, one message at a time (RFC 5321).

4xx = deferred, 5xx = rejected; an answer that never came after the final dot = uncertain. Trouble before the content
left is nobody's outcome: OutboundStopped, and the row is free again.
"""

import re
import smtplib
import ssl
from dataclasses import dataclass

from tandem.kit.failpoints import failpoint
from tandem.messenger.delivery.domain import SUB_BLOCK_ROWS, AttemptState, Message, Outcome
from tandem.messenger.delivery.errors import OutboundStopped
from tandem.messenger.delivery.providers.base import BeforeContent

_FINAL_DOT_SECONDS = 600.0
_COMMAND_SECONDS = 300.0
_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+")


@dataclass(frozen=True, kw_only=True)
class Relay:
    """Where mail is handed over."""

    host: str
    port: int
    user: str = ""
    password: str = ""
    starttls: bool = True
    command_seconds: float = _COMMAND_SECONDS
    final_seconds: float = _FINAL_DOT_SECONDS


class SmtpProvider:
    """One connection, made when it is needed, kept between messages."""

    idempotent = False
    rows_in_hand = SUB_BLOCK_ROWS
    holds_after_settle = False

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._connection: smtplib.SMTP | None = None

    def send(self, message: Message, before_content: BeforeContent) -> Outcome | None:
        """MAIL, RCPT, DATA, content, dot, answer."""
        try:
            refused = self._envelope(message)
            if refused:
                return refused
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise OutboundStopped(
                f"The relay {self._relay.host}:{self._relay.port} does not answer: {_words(error)}.",
                "Check host, port, user and password of the relay.",
            ) from error
        if not before_content():
            self.close()  # after 354 only a closed connection sends nothing
            return None
        return self._content(message)

    def settle(self) -> None:
        """The relay answers for what it accepted."""

    def arrived(self, message: Message) -> bool | None:
        """SMTP cannot tell (RFC 1047)."""
        return None

    def close(self) -> None:
        """Drop the connection; a relay that does not answer is not waited for."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _envelope(self, message: Message) -> Outcome | None:
        failpoint("m11")
        smtp = self._connected()
        failpoint("m12")
        for command in (lambda: smtp.mail(message.sender), lambda: smtp.rcpt(message.recipient), self._data):
            code, words = command()
            if code == 421:
                raise smtplib.SMTPResponseException(code, words)
            if code >= 400 or (command == self._data and code != 354):
                return self._refused(smtp, code, words)
        return None

    def _data(self) -> tuple[int, bytes]:
        assert self._connection is not None  # noqa: S101
        return self._connection.docmd("DATA")

    def _refused(self, smtp: smtplib.SMTP, code: int, words: bytes) -> Outcome:
        outcome = outcome_of(code, words)
        if smtp.rset()[0] != 250:
            self.close()
        return outcome

    def _content(self, message: Message) -> Outcome:
        smtp = self._connection
        assert smtp is not None and smtp.sock is not None  # noqa: S101
        try:
            failpoint("m13")
            smtp.sock.settimeout(self._relay.final_seconds)
            smtp.send(stuffed(message.content))
            failpoint("m14")
            code, words = smtp.getreply()
            smtp.sock.settimeout(self._relay.command_seconds) if smtp.sock else None
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            return Outcome(
                state=AttemptState.UNCERTAIN, detail=f"No answer after the content: {_words(error)}"
            )
        if code == 421:
            self.close()
        return outcome_of(code, words)

    def _connected(self) -> smtplib.SMTP:
        if self._connection is not None:
            return self._connection
        relay = self._relay
        smtp = smtplib.SMTP(relay.host, relay.port, timeout=relay.command_seconds)
        self._connection = smtp
        smtp.ehlo_or_helo_if_needed()
        if relay.starttls:
            smtp.starttls(context=ssl.create_default_context())
            smtp.ehlo()
        if relay.user:
            smtp.login(relay.user, relay.password)
        return smtp


def outcome_of(code: int, words: bytes) -> Outcome:
    """The outcome an SMTP answer stands for. Relays name the recipient; journal and ledger do not keep that."""
    said = _ADDRESS.sub("(address)", words.decode("utf-8", "replace"))
    detail = f"{code} {said}".strip()[:200]
    if 200 <= code < 300:
        return Outcome(state=AttemptState.ACCEPTED, detail=detail)
    if 400 <= code < 500:
        return Outcome(state=AttemptState.DEFERRED, detail=detail)
    if 500 <= code < 600:
        return Outcome(state=AttemptState.REJECTED, detail=detail)
    return Outcome(state=AttemptState.UNCERTAIN, detail=detail)


def stuffed(content: bytes) -> bytes:
    """CRLF lines, dots doubled, final dot (RFC 5321, 4.5.2)."""
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    lines = lines.replace(b"\r\n.", b"\r\n..")
    if lines.startswith(b"."):
        lines = b"." + lines
    return lines + (b"" if lines.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _words(error: Exception) -> str:
    return str(error)[:150] or type(error).__name__
