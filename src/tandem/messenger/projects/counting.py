"""What every message has of its own, put into encoded parts: its counting links and its picture.

A link without values is a slot and its number in the version's table. A link with values is known in the message only:
its rendered address goes into the counting one, with a signature, so that nobody else's address can stand there.
"""

import re
from binascii import a2b_qp
from collections.abc import Callable, Mapping
from html import escape, unescape
from typing import Any
from urllib.parse import quote

from tandem.messenger.projects import quoted
from tandem.messenger.projects.slots import CLOSE, OPEN

#: (number, address) -> signature
Sign = Callable[[int, str], str]
_MARKED = re.compile(re.escape(OPEN) + rb"([^" + re.escape(CLOSE) + rb"]*)" + re.escape(CLOSE))
_WEB = re.compile(r"https?://\S+", re.IGNORECASE)
_BEFORE, _AFTER = (quoted.encode(words) for words in ('<img src="', '" alt="" width="1" height="1">'))


def picture(address: str) -> bytes:
    """The picture whose fetching is an opening, encoded."""
    before, after = picture_around()
    return before + quoted.encode(escape(address)) + after if address else b""


def picture_around() -> tuple[bytes, bytes]:
    """What stands before the picture's encoded address and what after it."""
    return _BEFORE + quoted.SOFT, quoted.SOFT + _AFTER


def filled(part: bytes, prefix: str, sign: Sign, *, is_html: bool) -> bytes:
    """An encoded part with every marked address in a counting one. prefix: of this message's links."""

    def counting(found: re.Match[bytes]) -> bytes:
        number, _, shown = a2b_qp(found[1]).decode().partition(" ")
        address = unescape(shown) if is_html else shown
        if _WEB.fullmatch(address):
            made = f"{prefix}d?k={number}&u={quote(address, safe='')}&s={sign(int(number), address)}"
            shown = escape(made) if is_html else made
        return quoted.encode(shown)

    return _MARKED.sub(counting, part)


def unsigned(number: int, address: str) -> str:
    """Of messages whose clicks are not counted: there is nothing to sign."""
    return ""


def without(slot: bytes, part: Mapping[str, Any]) -> dict[str, Any]:
    """A part's data with nothing where a slot stands alone between soft breaks."""
    mark, soft = slot.decode("latin-1"), quoted.SOFT.decode()
    chunks = [
        chunk.replace(soft + mark, "").replace(mark + soft, "").replace(mark, "")
        for chunk in part.get("chunks", ())
    ]
    return {**part, "chunks": chunks}
