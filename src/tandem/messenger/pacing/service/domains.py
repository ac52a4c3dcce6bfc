"""Whose mailboxes a domain's are: known ones by name, the others by their mail exchangers, asked for beforehand."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import dns.exception
import dns.resolver

from tandem.kit.clock import Clock
from tandem.messenger.pacing import mailboxes
from tandem.messenger.pacing.models import MailDomain

log = logging.getLogger("tandem.pacing")
LIFETIME = 5.0
FRESH = timedelta(days=30)
MOST_AT_ONCE = 200
Exchangers = Callable[[str], tuple[str, ...] | None]


def learn() -> None:
    """Keep the domains that need no question."""
    rows = [
        MailDomain(domain=domain, provider=provider) for domain, provider in mailboxes.known_domains().items()
    ]
    MailDomain.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["domain"], update_fields=["provider"]
    )


def look_up(domains: Iterable[str], *, clock: Clock, ask: Exchangers | None = None) -> int:
    """Ask for the mail exchangers of domains that were not asked for in FRESH; how many were asked for.

    ask: domain -> host names, None when there was no answer (asked again another time).
    """
    now = clock.system()
    asked = 0
    for domain in _unknown(list(dict.fromkeys(domains))[: MOST_AT_ONCE * 10], now)[:MOST_AT_ONCE]:
        hosts = (ask or exchangers)(domain)
        asked += 1
        if hosts is not None:
            # all accounts: a fact of the world
            MailDomain.objects.update_or_create(
                domain=domain, defaults={"provider": mailboxes.provider_of(hosts), "looked_up_at": now}
            )
    return asked


def _unknown(domains: list[str], now: datetime) -> list[str]:
    # all accounts: a fact of the world
    known = MailDomain.objects.filter(domain__in=domains).exclude(looked_up_at__lt=now - FRESH)
    fresh = set(known.values_list("domain", flat=True))
    return [domain for domain in domains if domain not in fresh]


def exchangers(domain: str) -> tuple[str, ...] | None:
    """The hosts of the MX records, the preferred ones first; none for a domain without; None without an answer."""
    try:
        answer = dns.resolver.resolve(domain, "MX", lifetime=LIFETIME)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return ()
    except (dns.exception.DNSException, OSError, UnicodeError):
        log.info("pacing.mx.unanswered")
        return None
    return tuple(str(one.exchange) for one in sorted(answer, key=lambda record: int(record.preference)))
