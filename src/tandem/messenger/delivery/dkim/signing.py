"""Signatures over composed messages: relaxed headers, simple body; several keys share one look at the body.

The body is quoted-printable with CRLF lines, which no relay has a reason to touch: simple costs one hash.
Fields a message lacks are signed as absent where a second one would be shown instead (From, To, Subject).
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

#: what is signed where a message has it
SIGNED = (
    "from", "to", "subject", "date", "message-id", "reply-to", "mime-version", "content-type",
    "content-transfer-encoding", "list-unsubscribe", "list-unsubscribe-post", "feedback-id",
)  # fmt: skip
#: signed once more than they are there: nobody can add one
OVERSIGNED = ("from", "to", "subject")
_BLANKS = re.compile(r"[ \t]+")
_WIDTH = 72


@dataclass(frozen=True, kw_only=True)
class Signature:
    """One key in use."""

    domain: str
    selector: str
    key: rsa.RSAPrivateKey | Ed25519PrivateKey

    @property
    def algorithm(self) -> str:
        """As the header names it."""
        return "rsa-sha256" if isinstance(self.key, rsa.RSAPrivateKey) else "ed25519-sha256"

    def over(self, data: bytes) -> bytes:
        """The signature of these bytes."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self.key.sign(hashlib.sha256(data).digest())


class Signer:
    """Signs each message with every key it has. Without one it gives the message back as it is."""

    def __init__(self, signatures: Sequence[Signature]) -> None:
        self._signatures = [
            (one, f"v=1; a={one.algorithm}; c=relaxed/simple;\r\n\td={one.domain}; s={one.selector};")
            for one in signatures
        ]

    @property
    def has_key(self) -> bool:
        """Whether it changes a message at all."""
        return bool(self._signatures)

    def sign(self, content: bytes, at: int) -> bytes:
        """The message with its signatures before its headers. content: CRLF lines, not dot-stuffed; at: Unix time."""
        if not self._signatures:
            return content
        head, _, body = content.partition(b"\r\n\r\n")
        names, lines = _canonical(head.decode("utf-8", "surrogateescape"))
        digest = base64.b64encode(hashlib.sha256(_simple(body)).digest()).decode()
        signed = [self._field(one, begin, at, names, digest, lines) for one, begin in self._signatures]
        return b"".join([*signed, content])

    def _field(self, one: Signature, begin: str, at: int, names: str, digest: str, lines: str) -> bytes:
        value = f"{begin} t={at};\r\n\th={names};\r\n\tbh={digest};\r\n\tb="
        plain = "dkim-signature:" + _BLANKS.sub(" ", value.replace("\r\n", ""))
        data = (lines + plain).encode("utf-8", "surrogateescape")
        return f"DKIM-Signature: {value}{_folded(one.over(data))}\r\n".encode()


def _canonical(head: str) -> tuple[str, str]:
    """(the names for h=, the signed fields in relaxed form), from the last of a name to its first."""
    found: dict[str, list[str]] = {}
    for line in head.replace("\r\n ", " ").replace("\r\n\t", "\t").split("\r\n"):
        name, _, value = line.partition(":")
        found.setdefault(name.strip().lower(), []).append(value)
    names, lines = [], []
    for name in SIGNED:
        for value in reversed(found.get(name, ())):
            names.append(name)
            lines.append(f"{name}:{_BLANKS.sub(' ', value).strip()}\r\n")
    return _wrapped([*names, *OVERSIGNED]), "".join(lines)


def _wrapped(names: Sequence[str]) -> str:
    lines, line = [], ""
    for name in names:
        if len(line) + len(name) > _WIDTH:
            lines.append(line)
            line = ""
        line += f"{name}:"
    return "\r\n\t ".join([*lines, line]).rstrip(":")


def _simple(body: bytes) -> bytes:
    """Without the empty lines at its end (RFC 6376, 3.4.3)."""
    if not body.endswith(b"\r\n"):
        return body + b"\r\n"
    while body.endswith(b"\r\n\r\n"):
        body = body[:-2]
    return body


def _folded(raw: bytes) -> str:
    text = base64.b64encode(raw).decode()
    return "\r\n\t".join(text[start : start + _WIDTH] for start in range(0, len(text), _WIDTH))
