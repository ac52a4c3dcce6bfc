"""Bounces of servers that write no report: forms known to flufl.bounce, and a reply somewhere in the text."""

import logging
import re
from email import message_from_bytes, policy

from flufl.bounce import all_failures

from tandem.messenger.bounces.domain import Failure

logging.getLogger("flufl.bounce").setLevel(
    logging.CRITICAL
)  # it tells of every detector, and of strangers' errors
MOST_TEXT = 2**13
MOST_LINES = 200
MOST_PARTS = 8
LONGEST_LINE = 400
_REPLY = re.compile(r"(?<![\d.])(?:SMTP;\s?)?([45]\d\d)[ -](?:#?([45]\.\d{1,3}\.\d{1,3}))?[^\n]{0,300}")
_STILL_TRYING = re.compile(
    r"\bdelay(?:ed)?\b|warning message|will (?:continue to be|be) retr|still trying|not yet been delivered",
    re.IGNORECASE,
)
_STATUS = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.])[^\n]{0,300}")


def failures_without_report(raw: bytes) -> tuple[Failure, ...]:
    """A failure per recipient that the text of a bounce names; () when no known form is seen."""
    text = b"\n".join(
        line[:LONGEST_LINE] for line in raw[:MOST_TEXT].replace(b"\0", b" ").splitlines()[:MOST_LINES]
    )
    temporary, permanent = _named(text)
    said = _reply(text.decode("latin-1"))
    if not temporary and not permanent:
        return _unnamed(text.decode("latin-1"), said)
    found = [("delayed", one) for one in sorted(temporary)] + [("failed", one) for one in sorted(permanent)]
    return tuple(
        Failure(action=action, diagnosis=said, recipient=address.decode("latin-1")[:254])
        for action, address in found[:50]
    )


def _named(text: bytes) -> tuple[frozenset[bytes], frozenset[bytes]]:
    if text.lower().count(b"boundary=") > MOST_PARTS:
        return (
            frozenset(),
            frozenset(),
        )  # none of these forms has so many parts, and the library opens every one
    try:
        return all_failures(message_from_bytes(text, policy=policy.compat32))
    except Exception:  # noqa: BLE001 - forms of thirty years, read by patterns; what trips one is just not known
        return frozenset(), frozenset()


def _unnamed(text: str, said: str) -> tuple[Failure, ...]:
    """No known form, but a server's reply is quoted: whom it is about, the address that it came to says."""
    if not (_REPLY.search(said) or _STATUS.search(said)):
        return ()
    return (Failure(action="delayed" if _STILL_TRYING.search(text[:4000]) else "failed", diagnosis=said),)


def _reply(text: str) -> str:
    """The first line that holds a server's reply, else a status, else how the text begins."""
    body = text.partition("\n\n")[2]
    found = _REPLY.search(body) or _STATUS.search(body)
    return found[0].strip() if found else " ".join(body.split()[:60])[:300]
