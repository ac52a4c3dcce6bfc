"""Who asks, by the address that asks: a small table of networks, shipped as a file or the installation's own."""

import ipaddress
import logging
import time
from bisect import bisect_right
from collections.abc import Iterable
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

from tandem.kit.problems import Refused

log = logging.getLogger("tandem.engagement")
SHIPPED = Path(__file__).with_name("networks.txt")
LOOKED_AFTER = 60.0
#: addresses of which it is remembered what they are, until the file is looked at again
KNOWN_AT_MOST = 8192
MOST_LINES = 200_000
_V6 = 1 << 128


class Network(StrEnum):
    """What a network is."""

    MACHINE = "machine"
    PRIVACY = "privacy"


class BadNetworks(Refused):
    """A table of networks cannot be used."""

    title = "The table of networks cannot be used"


class Networks:
    """The table in force. A file that was changed is read again within a minute; a broken one is said in the log."""

    def __init__(self, path: str = "") -> None:
        self._path = Path(path) if path else SHIPPED
        self._table, self._seen = self._read(), self._age()
        self._looked = time.monotonic()
        self._known: dict[str, Network | None] = {}

    def kind_of(self, address: str) -> Network | None:
        """What the network of an address is; None of people's, and of what is no address."""
        if time.monotonic() - self._looked > LOOKED_AFTER:
            self.look()
            self._known.clear()
        if address in self._known:
            return self._known[address]
        if len(self._known) >= KNOWN_AT_MOST:
            self._known.clear()
        self._known[address] = found = self._found(address)
        return found

    def _found(self, address: str) -> Network | None:
        try:
            number = _number(ipaddress.ip_address(address))
        except ValueError:
            return None
        starts, ends, kinds = self._table
        at = bisect_right(starts, number) - 1
        return kinds[at] if at >= 0 and number <= ends[at] else None

    def look(self) -> None:
        """Read the file again if it was changed."""
        self._looked = time.monotonic()
        try:
            age = self._age()
            if age != self._seen:
                self._seen = age
                self._table = self._read()
        except (OSError, BadNetworks) as error:
            log.warning("engagement.networks.kept %s", error)

    def _read(self) -> tuple[list[int], list[int], list[Network]]:
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeError) as error:
            raise BadNetworks(
                f"The file {self._path} cannot be read.",
                "Set TANDEM_MACHINE_NETWORKS to another one, or to none.",
            ) from error
        return read(lines)

    def _age(self) -> float:
        return self._path.stat().st_mtime


def read(lines: Iterable[str]) -> tuple[list[int], list[int], list[Network]]:
    """First and last addresses in order, and what they are. Raises BadNetworks with the line's number."""
    found: list[tuple[int, int, Network]] = []
    for number, line in enumerate(lines, 1):
        words = line.split(maxsplit=2)
        if not words or words[0].startswith("#"):
            continue
        try:
            network, kind = ipaddress.ip_network(words[0]), Network(words[1])
        except (ValueError, IndexError):
            raise _wrong(number, "is not a network and machine or privacy") from None
        if number > MOST_LINES:
            raise _wrong(number, f"is beyond {MOST_LINES:,} lines")
        found.append((_number(network[0]), _number(network[-1]), kind))
    found.sort()
    if any(after[0] <= before[1] for before, after in pairwise(found)):
        raise BadNetworks("Two networks of the table overlap.", "Keep one of them.")
    return [one[0] for one in found], [one[1] for one in found], [one[2] for one in found]


def _wrong(number: int, words: str) -> BadNetworks:
    return BadNetworks(
        f"Line {number} of the table of networks {words}.", "Write as: 192.0.2.0/24 machine whose"
    )


def _number(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> int:
    """One line of numbers for both: those of version 6 behind those of version 4, mapped ones where they belong."""
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return int(mapped) if mapped is not None else _V6 + int(address)
    return int(address)
