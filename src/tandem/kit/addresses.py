"""Which network addresses outgoing calls may reach: public ones, and private ones that were named one by one."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# ipaddress' own is_private and is_global miss several of these on the Python versions in use
DENIED_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
ALLOWED_V6 = IPv6Network("2000::/3")
DENIED_V6 = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))

Address = IPv4Address | IPv6Address


def parse(text: str) -> Address:
    """The address without its scope; an IPv4 address mapped into IPv6 becomes IPv4. ValueError if it is none."""
    found = ip_address(text.partition("%")[0])
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def is_public(address: Address) -> bool:
    """Whether the address lies in the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in DENIED_V4)
    return address in ALLOWED_V6 and not any(address in network for network in DENIED_V6)


def parse_pairs(pairs: tuple[str, ...]) -> frozenset[tuple[Address, int]]:
    """`127.0.0.1:8200`, `[::1]:8200` as address and port. ValueError for anything else."""
    found = set()
    for pair in pairs:
        host, _, port = pair.rpartition(":")
        found.add((parse(host.strip("[]")), int(port)))
    return frozenset(found)
