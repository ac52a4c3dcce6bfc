"""Just enough MIME for mail that nobody trusts: every size, depth and number is bounded, nothing raises.

The standard library's parser reads whatever it is given, however deep and long (and trips over some of it). What is
wanted of a report is a few headers and small parts that stand before the returned message, so reading ends there.
"""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_BYTES = 2**20
MOST_HEAD = 2**16
MOST_LINES = 400
MOST_PARTS = 12
MOST_DEPTH = 3
MOST_VALUE = 2000
_END = re.compile(rb"\r?\n[ \t]*\r?\n")
_BOUNDARY = re.compile(r"boundary\s{0,9}=\s{0,9}(?:\"([^\"]{1,100})\"|([^\s;\"]{1,100}))", re.IGNORECASE)
_NAME = re.compile(r"[!-9;-~]{1,80}")


@dataclass(frozen=True, kw_only=True)
class Part:
    """A leaf of a mail, or a message in it: its type, its headers, its content as it stands."""

    type: str
    head: dict[str, str]
    body: bytes

    def decoded(self, most: int = MOST_HEAD) -> bytes:
        """Its content, its transfer encoding undone as far as it can be."""
        encoding = self.head.get("content-transfer-encoding", "").strip().lower()
        raw = self.body[: most * 2]
        try:
            if encoding == "base64":
                raw = base64.b64decode(b"".join(raw.split())[: len(raw) // 4 * 4], validate=False)
            elif encoding == "quoted-printable":
                raw = quopri.decodestring(raw)
        except (ValueError, binascii.Error):
            pass  # shown as it is
        return raw[:most]


def split(raw: bytes) -> tuple[bytes, bytes]:
    """Head and body, the head at most 64 KiB."""
    if raw[:1] == b"\n" or raw[:2] == b"\r\n":
        return b"", raw.lstrip(b"\r\n")
    end = _END.search(raw, 0, MOST_HEAD)
    return (raw[: end.start()], raw[end.end() :]) if end else (raw[:MOST_HEAD], raw[MOST_HEAD:])


def headers(head: bytes) -> dict[str, str]:
    """Lower-case name -> its first value on one line; what is no header is passed over."""
    found: dict[str, str] = {}
    name = ""
    for line in head.split(b"\n", MOST_LINES)[:MOST_LINES]:
        text = line[:MOST_VALUE].decode("latin-1").rstrip("\r")
        if text[:1] in (" ", "\t"):
            if name and len(found[name]) < MOST_VALUE:
                found[name] += " " + text.strip()
            continue
        before, colon, value = text.partition(":")
        name = before.strip().lower()
        if not colon or not _NAME.fullmatch(name) or name in found:
            name = ""
            continue
        found[name] = value.strip()
    return {name: value[:MOST_VALUE].replace("\0", " ") for name, value in found.items()}


def main_type(head: dict[str, str]) -> str:
    """The content type without its parameters; text/plain if there is none."""
    return head.get("content-type", "text/plain").partition(";")[0].strip().lower() or "text/plain"


def leaves(raw: bytes) -> Iterator[Part]:
    """The parts in order, at most so many and so deep; messages inside are parts, not opened."""
    head, body = split(raw[:MOST_BYTES])
    budget = [MOST_PARTS]
    yield from _leaves(headers(head), body, 0, budget)


def _leaves(head: dict[str, str], body: bytes, depth: int, budget: list[int]) -> Iterator[Part]:
    kind = main_type(head)
    boundary = _BOUNDARY.search(head.get("content-type", "")) if kind.startswith("multipart/") else None
    if boundary is None or depth >= MOST_DEPTH:
        budget[0] -= 1
        yield Part(type=kind, head=head, body=body)
        return
    mark = (boundary[1] or boundary[2]).encode("latin-1", "replace")
    for piece in _pieces(body, b"--" + mark):
        if budget[0] <= 0:
            return
        inner_head, inner = split(piece)
        yield from _leaves(headers(inner_head), inner, depth + 1, budget)


def _pieces(body: bytes, mark: bytes) -> Iterator[bytes]:
    """What stands between lines that begin with the mark; a last part that nothing closes counts too."""
    starts: list[int] = []
    at = 0 if body.startswith(mark) else body.find(b"\n" + mark)
    while at >= 0 and len(starts) <= MOST_PARTS:
        starts.append(at)
        at = body.find(b"\n" + mark, at + len(mark))
    for number, start in enumerate(starts):
        line_end = body.find(b"\n", start + 1)
        if line_end < 0 or body[start:line_end].strip().startswith(mark + b"--"):
            return
        end = starts[number + 1] if number + 1 < len(starts) else len(body)
        yield body[line_end + 1 : max(end, line_end + 1)]
