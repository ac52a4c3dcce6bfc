"""Keys of signatures: made, kept as PEM, published as a DNS record. Pure."""

import base64
import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

RSA_BITS = 2048
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PIECE = 255
#: names of inside networks: nothing published there is seen by a receiver
_INSIDE = (".local", ".internal", ".localhost", ".home.arpa", ".lan", ".onion", ".in-addr.arpa", ".ip6.arpa")
_COUNTED = re.compile(r"(.*?)([0-9]+)")


class Algorithm(StrEnum):
    """How a signature is made. Not every receiver knows Ed25519: use it beside RSA."""

    RSA = "rsa"
    ED25519 = "ed25519"


class KeyState(StrEnum):
    """Where a key stands."""

    #: made, not signing yet: its record has to be published first
    NEW = "new"
    #: signs
    ACTIVE = "active"
    #: signs no more; its record stays published until the last message it signed has arrived
    RETIRED = "retired"


@dataclass(frozen=True, kw_only=True)
class KeyView:
    """A key as people see it; never its secret."""

    id: int
    domain: str
    selector: str
    algorithm: Algorithm
    state: KeyState
    name: str
    record: str


def generate(algorithm: Algorithm) -> tuple[str, str]:
    """(the secret as PEM, the record that is to be published)."""
    key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    if algorithm is Algorithm.ED25519:
        key = ed25519.Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    else:
        key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
        public = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return secret.decode(), f"v=DKIM1; k={algorithm}; p={base64.b64encode(public).decode()}"


def load(secret: str) -> rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey:
    """The key of a PEM. ValueError if it is none of ours."""
    try:
        key = serialization.load_pem_private_key(secret.encode(), password=None)
    except UnsupportedAlgorithm as error:
        raise ValueError("an unknown kind of key") from error
    if not isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise ValueError("an unknown kind of key")
    return key


def is_domain(text: str) -> bool:
    """Whether it is a domain name in ASCII with at least two labels."""
    labels = text.split(".")
    return len(labels) > 1 and len(text) < 250 and all(map(_LABEL.fullmatch, labels))


def is_selector(text: str) -> bool:
    """Whether it can name a key (RFC 6376, 3.1)."""
    return len(text) <= 63 and all(map(_LABEL.fullmatch, text.split(".")))


def is_inside(domain: str) -> bool:
    """Whether the name belongs to an inside network, which no page may be used to ask about."""
    return f".{domain}".endswith(_INSIDE)


def next_selector(selector: str, taken: Collection[str]) -> str:
    """A name for the key that follows: t1 -> t2, t2026 -> t2027, news -> news2; none that is taken."""
    counted = _COUNTED.fullmatch(selector)
    stem, number = (counted[1], int(counted[2])) if counted else (selector, 1)
    while (found := f"{stem[:50]}{number + 1}") in taken:
        number += 1
    return found


def name_of(domain: str, selector: str) -> str:
    """Where the record stands."""
    return f"{selector}._domainkey.{domain}"


def as_zone(name: str, record: str) -> str:
    """The record as a line of a zone file: strings of at most 255 characters."""
    pieces = [f'"{record[start : start + _PIECE]}"' for start in range(0, len(record), _PIECE)]
    return f"{name}. IN TXT ( {' '.join(pieces)} )"


def same_key(published: str, wanted: str) -> bool:
    """Whether a published record holds this key and lets it be used."""
    tags, ours = _tags(published), _tags(wanted)
    kind = tags.get("k", "rsa")
    return tags.get("v", "DKIM1") == "DKIM1" and (kind, tags.get("p")) == (ours["k"], ours["p"])


def _tags(record: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in record.split(";")]
    return {name.strip(): "".join(value.split()) for name, _, value in pairs if name.strip()}
