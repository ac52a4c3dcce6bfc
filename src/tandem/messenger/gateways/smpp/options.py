"""How an account's SMSC is bound to, read from its address (`smpp://host:port`, `smpps://...`) and its options."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from tandem.messenger.gateways.domain import Setup


class Long(StrEnum):
    """How the parts of a long message say that they belong together."""

    UDH = "udh"
    SAR = "sar"
    PAYLOAD = "payload"


PORTS = {"smpp": 2775, "smpps": 3550}
MOST_WINDOW = 50
_NUMBERS = {"window": (1, MOST_WINDOW), "enquire_seconds": (1, 600), "answer_seconds": (1, 600)}
_KNOWN = {"window", "enquire_seconds", "answer_seconds", "system_type", "long", "receive"}


@dataclass(frozen=True, kw_only=True)
class Options:
    """Where and how to bind. window: messages without an answer; answer_seconds: how long one is waited for."""

    host: str
    port: int
    tls: bool
    window: int = 10
    enquire_seconds: float = 30.0
    answer_seconds: float = 60.0
    system_type: str = ""
    long: Long = Long.UDH
    receive: bool = True


def of(setup: Setup) -> Options:
    """The options of a gateway that was checked when it was set."""
    return read(setup.url, setup.options)


def read(url: str, options: Mapping[str, Any]) -> Options:
    """ValueError, in words, for what cannot be used."""
    parts = urlsplit(url)
    try:
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        port = 0
    if parts.scheme not in PORTS or not parts.hostname or not port or parts.path.strip("/") or parts.username:
        raise ValueError("Write the SMSC's address as smpp://host:2775, or smpps:// for TLS.")
    unknown = sorted(set(options) - _KNOWN)
    if unknown:
        raise ValueError(f"There is no option {unknown[0]!r}; there are {', '.join(sorted(_KNOWN))}.")
    return Options(host=parts.hostname, port=port, tls=parts.scheme == "smpps", **_read(options))


def _read(options: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(options)
    for name, (least, most) in _NUMBERS.items():
        value = options.get(name, least)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise ValueError(f"{name} is a number from {least} to {most}.")
    if "window" in found:
        found["window"] = int(found["window"])
    if not isinstance(options.get("receive", True), bool):
        raise ValueError("receive is true or false.")
    system_type = options.get("system_type", "")
    if not isinstance(system_type, str) or len(system_type) > 12 or not system_type.isascii():
        raise ValueError("system_type has at most 12 plain characters.")
    if "long" in found:
        if found["long"] not in set(Long):
            raise ValueError(f"long is one of {', '.join(Long)}.")
        found["long"] = Long(found["long"])
    return found
