"""Mailbox providers: the few companies that keep most mailboxes, and how a domain is known to be one of theirs.

A provider limits what comes from one sender over all its domains, a customer's own domain with its mail there included;
so a domain is rolled up by the names of its mail exchangers (MX), as the providers' own pages give them.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Mailboxes:
    """One provider. `exchangers`: endings of the host names in its MX records."""

    id: int
    name: str
    domains: tuple[str, ...]
    exchangers: tuple[str, ...]


#: everybody else; limited only together, by what the sender itself may send
OTHER = 0
ALL = 0

PROVIDERS = (
    Mailboxes(
        id=1,
        name="Google",
        domains=("gmail.com", "googlemail.com"),
        exchangers=("google.com", "googlemail.com"),
    ),
    Mailboxes(
        id=2,
        name="Microsoft",
        domains=(
            *(
                "outlook.com",
                "hotmail.com",
                "live.com",
                "msn.com",
                "hotmail.co.uk",
                "hotmail.fr",
                "hotmail.it",
            ),
            *(
                "hotmail.de",
                "hotmail.es",
                "hotmail.se",
                "hotmail.no",
                "live.se",
                "live.no",
                "live.dk",
                "live.nl",
            ),
            *("live.fr", "live.co.uk", "outlook.de", "outlook.fr", "outlook.es", "passport.com"),
        ),
        exchangers=("protection.outlook.com", "olc.protection.outlook.com", "mx.microsoft"),
    ),
    Mailboxes(
        id=3,
        name="Yahoo and AOL",
        domains=(
            *("yahoo.com", "ymail.com", "rocketmail.com", "aol.com", "yahoo.co.uk", "yahoo.de", "yahoo.fr"),
            *(
                "yahoo.it",
                "yahoo.es",
                "yahoo.se",
                "yahoo.no",
                "yahoo.dk",
                "yahoo.ca",
                "yahoo.co.in",
                "verizon.net",
            ),
        ),
        exchangers=("yahoodns.net", "mail.yahoo.com"),
    ),
    Mailboxes(
        id=4,
        name="Apple",
        domains=("icloud.com", "me.com", "mac.com"),
        exchangers=("mail.icloud.com",),
    ),
    Mailboxes(
        id=5,
        name="GMX and WEB.DE",
        domains=("gmx.de", "gmx.net", "gmx.at", "gmx.ch", "gmx.com", "web.de", "mail.com"),
        exchangers=("gmx.net", "web.de", "mail.com"),
    ),
    Mailboxes(
        id=6,
        name="Telekom",
        domains=("t-online.de", "magenta.de"),
        exchangers=("t-online.de",),
    ),
    Mailboxes(
        id=7,
        name="Orange",
        domains=("orange.fr", "wanadoo.fr"),
        exchangers=("orange.fr",),
    ),
    Mailboxes(
        id=8,
        name="Proton",
        domains=("proton.me", "protonmail.com", "pm.me"),
        exchangers=("protonmail.ch",),
    ),
    Mailboxes(
        id=9,
        name="Telia and Telenor",
        domains=("telia.com", "online.no", "bredband.net"),
        exchangers=("telia.com", "telenor.net", "online.no"),
    ),
)
_BY_DOMAIN = {domain: provider.id for provider in PROVIDERS for domain in provider.domains}
_NAMES = {provider.id: provider.name for provider in PROVIDERS}


def known_domains() -> dict[str, int]:
    """Domain -> provider, for the domains that need no question."""
    return dict(_BY_DOMAIN)


def provider_of(exchangers: Iterable[str]) -> int:
    """The provider behind these MX hosts, OTHER if none is known: the first host that says it decides."""
    for host in exchangers:
        name = host.rstrip(".").lower()
        for provider in PROVIDERS:
            if any(name == ending or name.endswith(f".{ending}") for ending in provider.exchangers):
                return provider.id
    return OTHER


def name_of(provider: int) -> str:
    """The provider as people know it."""
    return _NAMES.get(provider, "everybody else")


def find(name: str) -> int | None:
    """The provider of this name, whatever its case; None if there is none."""
    wanted = name.strip().casefold()
    return next((one.id for one in PROVIDERS if wanted in {one.name.casefold(), *one.domains}), None)
