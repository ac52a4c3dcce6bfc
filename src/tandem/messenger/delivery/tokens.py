"""Opaque tokens of one message: base64url of sending, attempt and 12 bytes of HMAC-SHA256; one key per purpose."""

import base64
import binascii
import hashlib
import hmac
import struct

from tandem.messenger.delivery.errors import BadToken

UNSUBSCRIBE = b"u"
MESSAGE_ID = b"m"
VIEW = b"v"
LIST = b"l"
_SHAPE = struct.Struct(">IQ")
_MAC_BYTES = 12


def make(key: str, purpose: bytes, sending_id: int, attempt_id: int) -> str:
    """The token, 32 characters; the same every time."""
    body = _SHAPE.pack(sending_id, attempt_id)
    return base64.urlsafe_b64encode(body + _mac(key, purpose, body)).decode()


def read(key: str, purpose: bytes, token: str) -> tuple[int, int]:
    """(sending, attempt) of a token. Raises BadToken."""
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    body, mac = raw[: _SHAPE.size], raw[_SHAPE.size :]
    if len(raw) != _SHAPE.size + _MAC_BYTES or not hmac.compare_digest(mac, _mac(key, purpose, body)):
        raise BadToken("This link is incomplete or was changed.", "Open the link from the message itself.")
    sending_id, attempt_id = _SHAPE.unpack(body)
    return sending_id, attempt_id


def _mac(key: str, purpose: bytes, body: bytes) -> bytes:
    return hmac.digest(key.encode(), b"tandem token " + purpose + b" " + body, hashlib.sha256)[:_MAC_BYTES]
