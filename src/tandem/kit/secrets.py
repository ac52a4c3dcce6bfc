"""Secrets at rest: AES-256-GCM with the key's id in the record; random tokens and their hashes."""

import base64
import contextlib
import hashlib
import os
import secrets
import tempfile
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tandem.kit.problems import Problem


class SecretUnreadable(Problem):
    """A stored secret cannot be opened with the keys at hand."""

    title = "A stored secret cannot be read"
    status = 500


def make_key(path: Path) -> None:
    """Write a new 256-bit key, readable by its owner only; an existing file is left alone.

    The file appears whole or not at all, also when several processes begin at once or one dies at it.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".key-", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(32)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        os.unlink(name)


class Vault:
    """Seals and opens secrets under one key; `where` (tenant + field) is bound to the record as AAD."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise SecretUnreadable("The key must be 32 bytes.", "Point TANDEM_KEY_FILE at the right file.")
        self._cipher = AESGCM(key)
        self.key_id = hashlib.sha256(b"tandem key id" + key).hexdigest()[:8]

    @classmethod
    def from_file(cls, path: Path) -> "Vault":
        """The vault of a key file (base64, one line)."""
        try:
            return cls(base64.b64decode(path.read_bytes().strip(), validate=True))
        except (OSError, ValueError) as error:
            raise SecretUnreadable(
                f"The key file {path} cannot be read.", "Run `tandem init`, or set TANDEM_KEY_FILE."
            ) from error

    def seal(self, secret: str, where: str) -> str:
        """`v1:<key id>:<base64 of nonce + ciphertext>`."""
        nonce = secrets.token_bytes(12)
        sealed = nonce + self._cipher.encrypt(nonce, secret.encode(), where.encode())
        return f"v1:{self.key_id}:{base64.b64encode(sealed).decode()}"

    def open(self, record: str, where: str) -> str:
        """The secret again. Raises SecretUnreadable for another key, another place or a changed record."""
        try:
            version, key_id, body = record.split(":")
            raw = base64.b64decode(body, validate=True)
            if version != "v1" or key_id != self.key_id:
                raise ValueError(key_id)
            return self._cipher.decrypt(raw[:12], raw[12:], where.encode()).decode()
        except (ValueError, InvalidTag) as error:
            raise SecretUnreadable(
                "A stored secret was sealed with another key.", "Enter the secret again, or restore the key."
            ) from error


def new_token(size: int = 32) -> str:
    """An unguessable URL-safe token of `size` random bytes."""
    return secrets.token_urlsafe(size)


def token_hash(token: str) -> str:
    """SHA-256 hex of a random token; enough for 256-bit tokens, never for passwords."""
    return hashlib.sha256(token.encode()).hexdigest()
