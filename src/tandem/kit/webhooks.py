"""Signatures of outgoing calls: Standard Webhooks 1.0.0 (webhook-id, webhook-timestamp, webhook-signature)."""

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
import secrets as randomness
import tempfile
from datetime import datetime
from pathlib import Path

TOLERANCE = 300


def new_secret() -> str:
    """`whsec_` and 32 random bytes in base64."""
    return "whsec_" + base64.b64encode(randomness.token_bytes(32)).decode()


def make_secret_file(path: Path) -> None:
    """Write a new secret, readable by its owner only, whole or not at all; what another process wrote first stays."""
    handle, name = tempfile.mkstemp(prefix=".secret-", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(new_secret() + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        os.unlink(name)


def signed_headers(*secrets: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of one attempt; `message_id` stays the same over retries, `at` does not.

    Several secrets: while one replaces another, both sign.
    """
    stamp = str(int(at.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(f"v1,{_signature(one, message_id, stamp, body)}" for one in secrets),
    }


def verify(secret: str, *, message_id: str, stamp: str, signatures: str, body: bytes, now: datetime) -> bool:
    """Whether one of the space-separated signatures is right and the time near; never raises on bad input."""
    if not stamp.isascii() or not stamp.isdigit() or abs(int(stamp[:12]) - now.timestamp()) > TOLERANCE:
        return False
    try:
        wanted = f"v1,{_signature(secret, message_id, stamp, body)}".encode()
    except (ValueError, binascii.Error):
        return False
    return any(
        hmac.compare_digest(wanted, given.encode("utf-8", "replace")) for given in signatures.split(" ")
    )


def _signature(secret: str, message_id: str, stamp: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    content = f"{message_id}.{stamp}.".encode() + body
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
