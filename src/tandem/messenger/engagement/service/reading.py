"""What came back, read: of messages, of a sending, of versions, for an export."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Sum

from tandem.messenger.engagement.domain import (
    COUNTED_LIVE,
    Actor,
    Course,
    EventView,
    Kind,
    LinkNumbers,
    Reaction,
    Recorded,
    SendingResponse,
    VersionTally,
)
from tandem.messenger.engagement.models import Event, FirstReaction, HourCount
from tandem.messenger.engagement.service import counting
from tandem.messenger.engagement.service.counting import tallies_of

_MOST_STEPS = 48
_LINKS = """
SELECT h.template_id, h.link, coalesce(sum(h.number) FILTER (WHERE h.actor = 0), 0)::bigint,
       coalesce(sum(h.number) FILTER (WHERE h.actor <> 0), 0)::bigint
FROM messenger_engagement_hourcount h
WHERE h.account_id = %(account)s AND h.sending_id = %(sending)s AND h.kind = 2 AND h.link > 0
GROUP BY 1, 2 HAVING sum(h.number) > 0 ORDER BY 1, 2
"""
#: plain joins: of a few large sendings or of a million single messages the database chooses the way
_OF_VERSIONS = """
SELECT version_id, sum(opened)::bigint, sum(clicked)::bigint, sum(complaints)::bigint FROM (
    SELECT t.version_id, count(*) AS opened, count(f.clicked_at) AS clicked, 0 AS complaints
    FROM messenger_delivery_sendingtemplate t
    JOIN messenger_engagement_firstreaction f
      ON f.account_id = t.account_id AND f.sending_id = t.sending_id AND f.template_id = t.template_id
    WHERE t.account_id = %(account)s AND t.version_id = ANY(%(versions)s) GROUP BY 1
    UNION ALL
    SELECT t.version_id, 0, 0, sum(h.number)
    FROM messenger_engagement_hourcount h
    JOIN messenger_delivery_sendingtemplate t
      ON t.account_id = h.account_id AND t.sending_id = h.sending_id AND t.template_id = h.template_id
    WHERE h.account_id = %(account)s AND h.kind = 5 AND t.version_id = ANY(%(versions)s) GROUP BY 1) parts
GROUP BY 1
"""
#: what the next hop refused at once is not among these: the ledger counts it
_RETURNS = """
SELECT e.template_id, count(DISTINCT e.attempt_id) FILTER (WHERE e.kind IN (3, 4)),
       count(DISTINCT e.attempt_id) FILTER (WHERE e.kind = 5)
FROM messenger_engagement_event e
JOIN messenger_delivery_attempt a ON a.account_id = e.account_id AND a.id = e.attempt_id AND a.state IN (10, 12)
WHERE e.account_id = %(account)s AND e.sending_id = %(sending)s AND e.kind IN (3, 4, 5)
GROUP BY 1
"""
_PAGE = """
SELECT e.id, e.attempt_id, e.sending_id, e.template_id, a.contact_id, e.kind, e.actor, e.link, e.at, e.source, e.detail
FROM messenger_engagement_event e
JOIN messenger_delivery_attempt a ON a.id = e.attempt_id AND a.account_id = e.account_id
WHERE e.account_id = %(account)s AND e.sending_id = %(sending)s AND e.kind = ANY(%(kinds)s) AND e.actor = 0
  AND e.at >= %(since)s AND e.at < %(until)s AND e.id > %(after)s
ORDER BY e.id LIMIT %(limit)s
"""


def first_reactions(account_id: int, attempt_ids: Collection[int]) -> dict[int, Reaction]:
    """When these messages were first opened and clicked by people; those that were not are left out."""
    rows = FirstReaction.objects.filter(account_id=account_id, attempt_id__in=attempt_ids)
    return {row.attempt_id: Reaction(opened_at=row.opened_at, clicked_at=row.clicked_at) for row in rows}


def events_of(account_id: int, attempt_ids: Collection[int]) -> dict[int, list[EventView]]:
    """Everything that happened to these messages, in order; those to which nothing did are left out."""
    found: dict[int, list[EventView]] = {}
    rows = Event.objects.filter(account_id=account_id, attempt_id__in=attempt_ids)
    for row in rows.order_by("at", "id"):
        found.setdefault(row.attempt_id, []).append(
            EventView(
                kind=Kind(row.kind), actor=Actor(row.actor), link=row.link, at=row.at, detail=row.detail
            )
        )
    return found


def returns_of(account_id: int, sending_id: int) -> dict[int, tuple[int, int]]:
    """Template -> messages that came back after they were taken over, and those complained about; each once."""
    with connection.cursor() as cursor:
        cursor.execute(_RETURNS, {"account": account_id, "sending": sending_id})
        return {template: (bounced, complained) for template, bounced, complained in cursor.fetchall()}


def version_tallies(account_id: int, version_ids: Sequence[int]) -> dict[int, VersionTally]:
    """What came back of these versions, over all their sendings."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_VERSIONS, {"account": account_id, "versions": list(version_ids)})
        return {
            version: VersionTally(opened=opened, clicked=clicked, complaints=complaints)
            for version, opened, clicked, complaints in cursor.fetchall()
        }


def kinds_of(account_id: int, attempt_ids: Collection[int]) -> dict[int, frozenset[Kind]]:
    """What else happened to these messages: bounced, complained, delivered, failed, replied."""
    rows = Event.objects.filter(account_id=account_id, attempt_id__in=attempt_ids, kind__gt=Kind.CLICKED)
    found: dict[int, frozenset[Kind]] = {}
    for attempt_id, kind in rows.order_by().values_list("attempt_id", "kind").distinct():
        found[attempt_id] = found.get(attempt_id, frozenset()) | {Kind(kind)}
    return found


def events_of_sending(
    account_id: int,
    sending_id: int,
    kinds: Sequence[Kind],
    *,
    since: datetime,
    until: datetime,
    after: int,
    limit: int,
) -> list[tuple[int, Recorded]]:
    """Events by people from `since` on and before `until`, a page after the id `after`: (id, event)."""
    named: dict[str, Any] = {
        "account": account_id, "sending": sending_id, "kinds": [int(kind) for kind in kinds], "since": since,
        "until": until, "after": after, "limit": limit,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_PAGE, named)
        return [(row[0], _recorded(account_id, row[1:])) for row in cursor.fetchall()]


def response_of(account_id: int, sending_id: int) -> SendingResponse:
    """What came back of a sending, for its page."""
    hours = HourCount.objects.filter(account_id=account_id, sending_id=sending_id).order_by()
    sums = hours.values_list("kind", "actor").annotate(number=Sum("number"))
    machines = {(Kind(kind), Actor(actor)): number for kind, actor, number in sums if number}
    counted = counting.kept(account_id, sending_id) if sum(machines.values()) > COUNTED_LIVE else None
    found = counted or counting.Counted(
        tallies=tallies_of(account_id, sending_id), recipients=counting.recipients(account_id, sending_id)
    )
    return SendingResponse(
        tallies=found.tallies,
        counted_at=found.at,
        links=tuple(_links(account_id, sending_id, found.recipients)),
        machines=machines,
        course=_course(hours.filter(actor=Actor.PERSON, kind__in=(Kind.OPENED, Kind.CLICKED))),
    )


def _links(
    account_id: int, sending_id: int, recipients: Mapping[tuple[int, int], int]
) -> Iterator[LinkNumbers]:
    with connection.cursor() as cursor:
        cursor.execute(_LINKS, {"account": account_id, "sending": sending_id})
        for template, number, clicks, machines in cursor.fetchall():
            yield LinkNumbers(
                template_id=template, number=number, recipients=recipients.get((template, number), 0),
                clicks=clicks, machines=machines,
            )  # fmt: skip


def _course(hours: Any) -> Course | None:
    """At most _MOST_STEPS equal steps of whole hours."""
    found = [line for line in hours.values_list("hour", "kind").annotate(number=Sum("number")) if line[2]]
    if not found:
        return None
    start = min(hour for hour, _, _ in found)
    spanned = int((max(hour for hour, _, _ in found) - start) / timedelta(hours=1)) + 1
    wide = -(-spanned // _MOST_STEPS)
    numbers = {kind: [0] * -(-spanned // wide) for kind in (Kind.OPENED, Kind.CLICKED)}
    for hour, kind, number in found:
        numbers[Kind(kind)][int((hour - start) / timedelta(hours=wide))] += number
    return Course(
        start=start,
        step=timedelta(hours=wide),
        opens=tuple(numbers[Kind.OPENED]),
        clicks=tuple(numbers[Kind.CLICKED]),
    )


def _recorded(account_id: int, row: Sequence[Any]) -> Recorded:
    attempt_id, sending_id, template_id, contact_id, kind, actor, link, at, source, detail = row
    return Recorded(
        account_id=account_id, attempt_id=attempt_id, sending_id=sending_id, template_id=template_id,
        contact_id=contact_id, kind=Kind(kind), actor=Actor(actor), link=link, at=at, source=source, detail=detail,
    )  # fmt: skip
