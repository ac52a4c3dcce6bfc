"""Recipients who opened and clicked: counted from the rows, for large sendings in the background."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, Q

from tandem.kit.clock import Clock
from tandem.messenger.delivery.domain import LARGE_ROWS
from tandem.messenger.engagement.domain import COUNT_EVERY, Tally
from tandem.messenger.engagement.models import CountedResponse, FirstReaction

_RECIPIENTS = """
SELECT template_id, link, count(*)
FROM (SELECT DISTINCT template_id, link, attempt_id FROM messenger_engagement_event
      WHERE account_id = %s AND sending_id = %s AND kind = 2 AND actor = 0 AND link > 0) once
GROUP BY 1, 2 ORDER BY 1, 2
"""
_DUE = """
SELECT s.account_id, s.id FROM messenger_delivery_sending s
WHERE s.expected > %s AND EXISTS (
    SELECT 1 FROM messenger_engagement_responding r
    LEFT JOIN messenger_engagement_countedresponse k ON k.account_id = r.account_id AND k.sending_id = r.sending_id
    WHERE r.account_id = s.account_id AND r.sending_id = s.id
      AND (k.id IS NULL OR (k.at <= r.changed_at AND k.next_at <= %s)))
ORDER BY s.id LIMIT 50
"""


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Recipients by template, and by (template, link); at: None = just now."""

    tallies: tuple[Tally, ...]
    recipients: Mapping[tuple[int, int], int]
    at: datetime | None = None


def tallies_of(account_id: int, sending_id: int, *, until: datetime | None = None) -> tuple[Tally, ...]:
    """Recipients who opened and clicked, by template; with `until` those who first did so by then."""
    rows = FirstReaction.objects.filter(account_id=account_id, sending_id=sending_id)
    known = Q() if until is None else Q(clicked_at__lte=until)
    if until is not None:
        rows = rows.filter(opened_at__lte=until)
    counted = rows.values_list("template_id").annotate(
        opened=Count("opened_at"), clicked=Count("clicked_at", filter=known)
    )
    return tuple(Tally(template_id=t, opened=o, clicked=c) for t, o, c in counted.order_by("template_id"))


def recipients(account_id: int, sending_id: int) -> dict[tuple[int, int], int]:
    """(template, link) -> recipients who clicked it."""
    with connection.cursor() as cursor:
        cursor.execute(_RECIPIENTS, [account_id, sending_id])
        return {(template, link): number for template, link, number in cursor.fetchall()}


def kept(account_id: int, sending_id: int) -> Counted | None:
    """What the last count in the background came to; None before the first."""
    row = CountedResponse.objects.filter(account_id=account_id, sending_id=sending_id).first()
    if row is None:
        return None
    return Counted(
        tallies=tuple(Tally(template_id=t, opened=o, clicked=c) for t, o, c in row.tallies),
        recipients={(template, link): number for template, link, number in row.recipients},
        at=row.at,
    )


def count_due(*, clock: Clock, seconds: float = 10.0, larger_than: int = LARGE_ROWS) -> int:
    """Count large sendings of which more came back, for at most so long; how many."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [larger_than, clock.system()])
        due = cursor.fetchall()
    until, done = time.monotonic() + seconds, 0
    for account_id, sending_id in due:
        if time.monotonic() > until:
            break
        _count(account_id, sending_id, clock)
        done += 1
    return done


def _count(account_id: int, sending_id: int, clock: Clock) -> None:
    """What comes in meanwhile is newer than `at`, and counted the next time."""
    began, at = time.monotonic(), clock.system()
    tallies = [[one.template_id, one.opened, one.clicked] for one in tallies_of(account_id, sending_id)]
    clicked = [[*key, number] for key, number in recipients(account_id, sending_id).items()]
    wait = max(COUNT_EVERY, timedelta(seconds=100 * (time.monotonic() - began)))
    CountedResponse.objects.update_or_create(
        account_id=account_id,
        sending_id=sending_id,
        defaults={"at": at, "next_at": clock.system() + wait, "tallies": tallies, "recipients": clicked},
    )
