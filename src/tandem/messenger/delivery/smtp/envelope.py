"""A message as it goes over the wire: its envelope's commands and its content, or why there is none."""

import re
from dataclasses import dataclass
from functools import lru_cache

from tandem.kit import domains
from tandem.messenger.delivery.domain import AttemptState, Message, Outcome

LONGEST_CONTENT_LINE = 998
#: no blanks, brackets, quotes or control characters: nothing that could end the path or begin another command
_LOCAL = re.compile(r"[^\s<>@\"(),:;\[\\\]\x00-\x20\x7f-\xa0]{1,64}")
_DOMAIN = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What the relay offered in its answer to EHLO. size: the largest content in bytes, 0 = not said."""

    pipelining: bool = False
    starttls: bool = False
    smtputf8: bool = False
    eightbit: bool = False
    size: int = 0
    auth: frozenset[str] = frozenset()


class Unfit(ValueError):
    """The message cannot be handed over as it is; in words that name no address."""


def commands(message: Message, offer: Offer) -> tuple[bytes, bytes]:
    """MAIL and RCPT. Raises Unfit."""
    sender = _sender(message.sender) if message.sender else ""
    recipient = path(message.recipient, "recipient")
    more = ""
    if not (sender.isascii() and recipient.isascii()):
        if not offer.smtputf8:
            raise Unfit(
                "The address has characters outside ASCII, and the relay does not take those (SMTPUTF8)."
            )
        more = " SMTPUTF8"
    if offer.eightbit and not (message.is_quoted or message.content.isascii()):
        more += " BODY=8BITMIME"
    return f"MAIL FROM:<{sender}>{more}\r\n".encode(), f"RCPT TO:<{recipient}>\r\n".encode()


@lru_cache(maxsize=256)
def _sender(address: str) -> str:
    return path(address, "sender")


def path(address: str, whose: str) -> str:
    """The address with its domain in ASCII. Raises Unfit."""
    local, at, domain = address.rpartition("@")
    if (
        not at
        or len(address) > 254
        or ".." in address
        or not _LOCAL.fullmatch(local)
        or local[0] == "."
        or local[-1] == "."
    ):
        raise Unfit(f"The {whose}'s address cannot be used in an envelope.")
    shown = _domain(domain)
    if not shown:
        raise Unfit(f"The domain of the {whose}'s address is none.")
    return f"{local}@{shown}"


@lru_cache(maxsize=4096)
def _domain(domain: str) -> str:
    """The domain in ASCII, '' if it is none."""
    try:
        shown = domains.in_ascii(domain)
    except ValueError:
        return ""
    return shown if _DOMAIN.fullmatch(shown) else ""


def content(message: Message, offer: Offer) -> tuple[bytes, bytes]:
    """CRLF lines with their dots doubled, and the final dot (RFC 5321, 4.5.2). Raises Unfit."""
    lines = message.content
    if offer.size and len(lines) > offer.size:
        raise Unfit(f"The message has {len(lines)} bytes, the relay takes {offer.size}.")
    if not message.is_quoted:
        lines = _wired(lines, offer)
    return lines, (b".\r\n" if lines.endswith(b"\r\n") else b"\r\n.\r\n")


def _wired(lines: bytes, offer: Offer) -> bytes:
    """What somebody else made, as it may go over the wire."""
    if not (offer.eightbit or offer.smtputf8 or lines.isascii()):
        raise Unfit("The message has bytes outside ASCII, and the relay does not take those (8BITMIME).")
    lines = with_crlf(lines)
    if _has_long_line(lines):
        raise Unfit(f"The message has a line of more than {LONGEST_CONTENT_LINE} bytes.")
    lines = lines.replace(b"\r\n.", b"\r\n..")
    return b"." + lines if lines.startswith(b".") else lines


def with_crlf(lines: bytes) -> bytes:
    """Each line ended by CRLF, neither of them alone."""
    feeds = lines.count(b"\n")
    if feeds == lines.count(b"\r") and feeds == lines.count(b"\r\n"):
        return lines
    return lines.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def _has_long_line(lines: bytes) -> bool:
    """Leaps from the last line end within reach to the next: a few steps per 10 kB."""
    at, end, reach = 0, len(lines), LONGEST_CONTENT_LINE + 2
    while end - at > reach:
        at = lines.rfind(b"\n", at, at + reach) + 1
        if at == 0:
            return True
    return end - at > LONGEST_CONTENT_LINE and b"\n" not in lines[at:end]


def unfit(error: Unfit) -> Outcome:
    """What becomes of a message that cannot be handed over to anybody."""
    return Outcome(state=AttemptState.REJECTED, detail=f"Not handed over. {error}"[:200])
