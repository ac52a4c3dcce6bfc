"""Opaque tokens of one message: base64url of sending, attempt and 12 bytes of HMAC-SHA256; one key per purpose."""

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Callable
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from django.conf import settings

from tandem.messenger.delivery.errors import BadToken

if TYPE_CHECKING:
    from hashlib import _Hash

UNSUBSCRIBE = b"u"
MESSAGE_ID = b"m"
VIEW = b"v"
LIST = b"l"
BOUNCE = b"b"
UNSUBSCRIBE_MAIL = b"n"
#: openings and clicks; names the version in the place of the sending, so that links lead on when a ledger is gone
TRACK = b"t"
_LINK = b"k"
RECEIPT = b"r"
#: a link of an SMS: as few signs as will do, because they cost
SHORT = b"s"
_SHAPE = struct.Struct(">IQ")
_MAC_BYTES = 12
_IN_LINKS = bytes.maketrans(b"+/", b"-_")
#: and back; what is not of links becomes what is no base64
_OF_LINKS = bytes.maketrans(b"-_+/", b"+/!!")


def make(key: str, purpose: bytes, sending_id: int, attempt_id: int) -> str:
    """The token, 32 characters; the same every time."""
    return maker(key, purpose, sending_id)(attempt_id).decode()


def maker(key: str, purpose: bytes, sending_id: int) -> Callable[[int], bytes]:
    """What makes the tokens of a sending: (attempt) -> 32 characters."""
    inner, outer = _begun(key, purpose)
    inner_copy, outer_copy, pack, in_base64 = inner.copy, outer.copy, _SHAPE.pack, binascii.b2a_base64

    def made(attempt_id: int) -> bytes:
        body = pack(sending_id, attempt_id)
        inside, outside = inner_copy(), outer_copy()
        inside.update(body)
        outside.update(inside.digest())
        return in_base64(body + outside.digest()[:_MAC_BYTES], newline=False).translate(_IN_LINKS)

    return made


def read(key: str, purpose: bytes, token: str) -> tuple[int, int]:
    """(sending, attempt) of a token made with this key or an earlier one. Raises BadToken."""
    for one in (key, *settings.TANDEM_OLD_LINK_KEYS):
        if (found := find(one, purpose, token)) is not None:
            return found
    raise BadToken("This link is incomplete or was changed.", "Open the link from the message itself.")


def find(key: str, purpose: bytes, token: str) -> tuple[int, int] | None:
    """(sending, attempt) of a token made with this very key, or None."""
    try:
        raw = binascii.a2b_base64(token.encode("ascii").translate(_OF_LINKS), strict_mode=True)
    except (ValueError, binascii.Error):
        return None
    body, mac = raw[: _SHAPE.size], raw[_SHAPE.size :]
    if len(raw) != _SHAPE.size + _MAC_BYTES or not hmac.compare_digest(mac, _mac(key, purpose, body)):
        return None
    sending_id, attempt_id = _SHAPE.unpack(body)
    return sending_id, attempt_id


def make_local(key: str, purpose: bytes, sending_id: int, attempt_id: int) -> str:
    """The token as the local part of a mail address can carry it: 45 characters whose case does not matter."""
    raw = base64.urlsafe_b64decode(make(key, purpose, sending_id, attempt_id))
    return base64.b32encode(raw).decode().rstrip("=").lower()


def read_local(key: str, purpose: bytes, token: str) -> tuple[int, int]:
    """(sending, attempt) of a token out of a mail address, in whatever case it came back. Raises BadToken."""
    try:
        raw = base64.b32decode(token.upper().encode("ascii") + b"=" * (-len(token) % 8))
    except (ValueError, binascii.Error):
        raw = b""
    return read(key, purpose, base64.urlsafe_b64encode(raw).decode())


def make_short(key: str, version_id: int, attempt_id: int, number: str) -> str:
    """What a short link ends with, 17 signs; the same every time. '' for ids that have no room."""
    if version_id >= 1 << 24 or attempt_id >= 1 << 40:
        return ""
    body = version_id.to_bytes(3) + attempt_id.to_bytes(5)
    return base64.urlsafe_b64encode(body + _short_mac(key, body, number)).decode() + number


def find_short(key: str, said: str) -> tuple[int, int, str] | None:
    """(version, attempt, sign of the link) of what a short link ends with, if this very key made it."""
    try:
        raw = base64.b64decode(said[:16].encode("ascii"), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    body, mac, number = raw[:8], raw[8:], said[16:]
    if len(raw) != 12 or len(number) != 1 or not hmac.compare_digest(mac, _short_mac(key, body, number)):
        return None
    return int.from_bytes(body[:3]), int.from_bytes(body[3:]), number


def signer(key: str, token: str) -> Callable[[int, str], str]:
    """Signs links with values of the message with this token: (number, address) -> 16 characters."""
    return partial(_signature, key, token)


def _signature(key: str, token: str, number: int, address: str) -> str:
    mac = _mac(key, _LINK, f"{token} {number} {address}".encode())
    return base64.urlsafe_b64encode(mac).decode()


def is_signed(key: str, token: str, number: int, address: str, signature: str) -> bool:
    """Whether `signer` made this signature for this address."""
    right = signer(key, token)(number, address)
    return hmac.compare_digest(right.encode(), signature.encode(errors="replace"))


def _short_mac(key: str, body: bytes, number: str) -> bytes:
    """Four bytes: who guesses one in four billion has counted a click, and goes where the link leads."""
    words = b"tandem token " + SHORT + b" " + body + number.encode(errors="replace")
    return hmac.digest(key.encode(), words, hashlib.sha256)[:4]


def _mac(key: str, purpose: bytes, body: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104) in the two steps that are left when key and purpose are taken in already."""
    inner, outer = _begun(key, purpose)
    inner, outer = inner.copy(), outer.copy()
    inner.update(body)
    outer.update(inner.digest())
    return outer.digest()[:_MAC_BYTES]


@lru_cache(maxsize=64)
def _begun(key: str, purpose: bytes) -> tuple["_Hash", "_Hash"]:
    secret = key.encode()
    block = (hashlib.sha256(secret).digest() if len(secret) > 64 else secret).ljust(64, b"\0")
    begin = b"tandem token " + purpose + b" "
    inner = hashlib.sha256(bytes(octet ^ 0x36 for octet in block) + begin)
    return inner, hashlib.sha256(bytes(octet ^ 0x5C for octet in block))
