"""Quoted-printable by chunks, and header words (RFC 2045, 2047).

Each encoded chunk can stand between soft breaks: its last line is at most 75 characters, the others 76. No line of it
begins with a dot, so that nothing has to be doubled on the wire.
"""

import re
from binascii import b2a_base64, b2a_qp

SOFT = b"=\r\n"
#: characters of a line, and of the last line of a chunk
_LIMIT, LAST = 76, 75
_SAFE = bytes(sorted(set(range(0x20, 0x7F)) - {0x3D}))
_WORD_BYTES = 39  # base64 of 39 bytes in an encoded word after "Subject: " stays within 76 characters
_PLAIN_HEADER = re.compile(r"[\x20-\x7e]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0080-\u009f\u2028\u2029]")
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?"
)


def encode(text: str) -> bytes:
    """One chunk; a soft break or the end of the part follows it."""
    raw = text.encode()
    if len(raw) <= LAST and not raw.translate(None, _SAFE) and raw[-1:] != b" " and raw[:1] != b".":
        return raw  # nothing to encode, as in most values
    encoded = b2a_qp(text.replace("\n", "\r\n").encode(), istext=True)
    if b"\n" not in encoded and len(encoded) <= LAST and encoded[:1] != b".":
        return encoded
    if b"\r\n" not in encoded:
        encoded = encoded.replace(b"\n", b"\r\n")  # b2a_qp breaks with LF when it has seen no CRLF
    return undotted(encoded)


def undotted(encoded: bytes) -> bytes:
    """The same text with no dot at the beginning of a line, and no line too long."""
    lines = encoded.split(b"\r\n")
    last = len(lines) - 1
    return b"\r\n".join(_cut(line, LAST if i == last else _LIMIT) for i, line in enumerate(lines))


def _cut(line: bytes, limit: int) -> bytes:
    if line[:1] == b".":
        line = b"=2E" + line[1:]
    if len(line) <= limit:
        return line
    at = 70
    if line[at - 1] == 0x3D:
        at -= 1
    elif line[at - 2] == 0x3D:
        at -= 2
    return line[:at] + SOFT + _cut(line[at:], limit)


def header_text(text: str) -> str:
    """Free text for a header, as it is or in encoded words, folded. ValueError for control characters."""
    if not text.isprintable() and _CONTROL.search(text):
        raise ValueError("control character in a header")
    if text.isascii() and len(text) <= 65 and "=?" not in text and text == text.strip():
        return text
    octets, words, at = text.encode(), [], 0
    while at < len(octets):
        end = at + _WORD_BYTES
        while end < len(octets) and octets[end] & 0xC0 == 0x80:  # never cut inside a character
            end -= 1
        words.append(octets[at:end])
        at = end
    return "\r\n ".join([f"=?utf-8?b?{b2a_base64(word, newline=False).decode()}?=" for word in words])


def header_token(text: str) -> str:
    """A machine's header value on one line. ValueError for what could start another header."""
    if not _PLAIN_HEADER.fullmatch(text) or len(text) > 900:
        raise ValueError("header value")
    return text


def address(text: str) -> str:
    """A bare address. ValueError for anything that is none, or could carry more than one."""
    if len(text) > 254 or not _ADDRESS.fullmatch(text) or ".." in text:
        raise ValueError("address")
    return text


def mailbox(name: str, bare: str) -> str:
    """`Name <address>` for a header."""
    if not name:
        return address(bare)
    shown = header_text(name)
    if shown == name and not re.fullmatch(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]*", name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        shown = f'"{escaped}"'
    return f"{shown} <{address(bare)}>"
