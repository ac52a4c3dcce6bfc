"""What mailbox providers say when too much comes: the sender is slower at that provider for an hour.

A refusal of one message puts that row off; this is about all the others that would hear the same.
"""

import logging
import re
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from tandem.kit.clock import Clock
from tandem.messenger.accounts import service as accounts
from tandem.messenger.pacing import mailboxes
from tandem.messenger.pacing.models import Slowed

log = logging.getLogger("tandem.sender")
#: messages a second after the first word, and the least; each word more halves them
FIRST, LEAST = 10.0, 0.1
LASTS = timedelta(hours=1)
#: what was already on its way hears the same once more: that is one word
ONE_WORD = timedelta(seconds=30)
#: the providers' own codes and words (their postmaster pages, November 2026)
_WORDS = {
    1: r"4\.7\.28\b|unusual rate of|receiving mail at a rate that",
    2: r"4\.7\.65\d|4\.7\.500\b|\bRP-00[123]\b|\bS31(?:14|15|40|50)\b|exceeded the rate limit",
    3: r"\[TSS?\d\d\]|unexpected volume or user complaints",
    4: r"\[CS01\]|4\.7\.1 .*too many messages",
    5: r"too many (?:mails|messages|connections).*(?:gmx|web\.de)|(?:gmx|web\.de).*too many (?:mails|messages)",
    7: r"\bOFR_?(?:104|109|416|999)\b|\bOFR004_",
}
_HEARD = re.compile(
    "|".join(f"(?P<p{provider}>{words})" for provider, words in _WORDS.items()), re.IGNORECASE
)
_SLOWER = """
INSERT INTO messenger_pacing_slowed AS s (account_id, sender, provider, per_second, heard_at, until)
VALUES (%(account)s, %(sender)s, %(provider)s, %(first)s, %(now)s, %(until)s)
ON CONFLICT (account_id, sender, provider) DO UPDATE SET until = excluded.until, heard_at = excluded.heard_at,
    per_second = CASE WHEN s.until < excluded.heard_at THEN excluded.per_second
                      ELSE greatest(%(least)s, s.per_second / 2) END
WHERE s.heard_at <= %(before)s
RETURNING per_second
"""
#: (account, sender, provider) -> when this process wrote it down last, monotonic
_told: dict[tuple[int, str, int], float] = {}


def provider_of(words: str) -> int | None:
    """Which provider says with these words that too much comes; None = they say something else."""
    found = _HEARD.search(words)
    return int(found.lastgroup[1:]) if found and found.lastgroup else None


def hear(account_id: int, sender: str, replies: Iterable[str], *, clock: Clock) -> None:
    """Be slower where one of these replies of a relay, all of messages put off, asks for it."""
    for provider in {provider_of(reply) for reply in replies} - {None}:
        place = (account_id, sender, provider or 0)
        if time.monotonic() - _told.get(place, -1e9) > ONE_WORD.total_seconds():
            _told[place] = time.monotonic()
            slow_down(*place, clock=clock)


def slow_down(account_id: int, sender: str, provider: int, *, clock: Clock) -> None:
    """One word more from this provider."""
    now = clock.system()
    named: dict[str, Any] = {
        "account": account_id, "sender": sender, "provider": provider, "first": FIRST, "least": LEAST, "now": now,
        "until": now + LASTS, "before": now - ONE_WORD,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_SLOWER, named)
        found = cursor.fetchone()
    if found is None:  # another process has heard it just now
        return
    name = mailboxes.name_of(provider)
    log.warning("sender.provider.slower provider=%s per_second=%s", name, found[0])
    accounts.record(
        account_id,
        actor="Tandem",
        action="provider asked for less",
        subject=sender,
        detail={"provider": name, "per_second": found[0], "minutes": LASTS.total_seconds() / 60},
        clock=clock,
    )


def slowed(account_id: int, sender: str, now: datetime) -> dict[int, float]:
    """Messages a second by provider, where one has asked for less within the hour."""
    rows = Slowed.objects.filter(account_id=account_id, sender=sender, until__gt=now)
    return dict(rows.values_list("provider", "per_second"))
