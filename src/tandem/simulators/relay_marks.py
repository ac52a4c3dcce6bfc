"""Whose content a message is: what a relay reads in it, to be compared with whom it was handed over for.

A letter that carries `~of:{{contact.originalId}}~` says it itself; the product's links and ids name its row.
"""

import base64
import re
from collections.abc import Mapping
from typing import Any

MARK = "~of:{{contact.originalId}}~"
_MARK = re.compile(rb"~of:([^~]*)~")
#: of a token's 32 characters, those that name the row, but for its highest bits
_KEY = rb"[\w-]{6}([\w-]{10})[\w-]{16}"
#: within an address: a signature's base64 has pieces like a link's path too
_LINK = re.compile(rb"://[^\s\"'<>]*?/[uco]/" + _KEY)
_ID = re.compile(rb"<" + _KEY)


def seen(message_id: str | None, content: bytes) -> dict[str, list[str]]:
    """`marks`: every different text between the marks; `keys`: every different row that ids and links name."""
    whole = b"".join(content.split(b"=\r\n"))  # faster than to replace
    keys = {*_LINK.findall(whole), *_ID.findall((message_id or "").encode())}
    return {"marks": _words({*_MARK.findall(whole)}), "keys": _words(keys)}


def row_of(key: str) -> int:
    """The number of the row that a key names."""
    return int.from_bytes(base64.urlsafe_b64decode(f"AA{key}")) & (1 << 60) - 1


def mistaken(
    fact: Mapping[str, Any], customer: str | None, rows: Mapping[int, str], *, is_marked: bool
) -> str:
    """Why a message is not wholly its recipient's, '' if it is. rows: whose row each is; is_marked: letters are."""
    if fact["addressed"] != fact["to"]:
        return "another address in its head"
    if not set(fact["marks"]) <= {customer} or (is_marked and not fact["marks"]):
        return "another customer's content"
    if [rows.get(row_of(key)) for key in fact["keys"]] != [customer]:
        return "links or an id of another row"
    return ""


def _words(found: set[bytes]) -> list[str]:
    return sorted(one.decode("utf-8", "replace") for one in found)
