"""Events are written: many of many accounts in one statement, each once."""

from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

from tandem.kit.clock import Clock
from tandem.messenger.engagement.domain import (
    LONGEST_AGENT,
    LONGEST_DETAIL,
    LONGEST_SOURCE,
    Actor,
    Happened,
    Kind,
    Recorded,
)

#: in the order of keys throughout, so that two processes never wait for each other crosswise. 0: a person; 1, 2:
#: opened, clicked
_RECORD = """
WITH given AS (
    SELECT g.*, a.sending_id, a.template_id, a.contact_id
    FROM unnest(%(accounts)s::bigint[], %(attempts)s::bigint[], %(kinds)s::smallint[], %(actors)s::smallint[],
                %(links)s::int[], %(ats)s::timestamptz[], %(sources)s::text[], %(details)s::text[])
         AS g(account_id, attempt_id, kind, actor, link, at, source, detail)
    JOIN messenger_delivery_attempt a ON a.id = g.attempt_id AND a.account_id = g.account_id
), fresh AS (
    INSERT INTO messenger_engagement_event
        (account_id, attempt_id, sending_id, template_id, kind, actor, link, at, source, detail)
    SELECT account_id, attempt_id, sending_id, template_id, kind, actor, link, at, source, detail
    FROM given ORDER BY account_id, attempt_id, kind, source
    ON CONFLICT DO NOTHING
    RETURNING account_id, attempt_id, sending_id, template_id, kind, actor, link, at, source, detail
), hours AS (
    INSERT INTO messenger_engagement_hourcount
        (account_id, sending_id, template_id, kind, actor, link, hour, number)
    SELECT account_id, sending_id, template_id, kind, actor, link, date_trunc('hour', at), count(*)
    FROM fresh GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7
    ON CONFLICT (account_id, sending_id, template_id, kind, actor, link, hour)
    DO UPDATE SET number = messenger_engagement_hourcount.number + excluded.number
), first AS (
    INSERT INTO messenger_engagement_firstreaction AS f
        (account_id, attempt_id, sending_id, template_id, opened_at, clicked_at)
    SELECT account_id, attempt_id, sending_id, template_id, min(at), min(at) FILTER (WHERE kind = 2)
    FROM fresh WHERE kind IN (1, 2) AND actor = 0 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2
    ON CONFLICT (account_id, attempt_id) DO UPDATE
    SET opened_at = least(f.opened_at, excluded.opened_at), clicked_at = least(f.clicked_at, excluded.clicked_at)
    WHERE excluded.opened_at < f.opened_at OR excluded.clicked_at < coalesce(f.clicked_at, 'infinity')
), responding AS (
    INSERT INTO messenger_engagement_responding AS r (account_id, sending_id, template_id, changed_at)
    SELECT DISTINCT account_id, sending_id, template_id, %(now)s::timestamptz FROM fresh
    WHERE kind IN (1, 2) AND actor = 0 ORDER BY 1, 2, 3
    ON CONFLICT (account_id, sending_id, template_id) DO UPDATE SET changed_at = excluded.changed_at
)
SELECT f.account_id, f.attempt_id, f.sending_id, f.template_id, a.contact_id, f.kind, f.actor, f.link, f.at, f.source,
       f.detail
FROM fresh f JOIN messenger_delivery_attempt a ON a.id = f.attempt_id AND a.account_id = f.account_id
ORDER BY f.at, f.attempt_id
"""
_COPY_SEEN = """
COPY messenger_engagement_seen (account_id, attempt_id, kind, source, link, at, kept_since, ip, agent)
FROM STDIN
"""


@transaction.atomic
def record(events: Sequence[Happened], *, clock: Clock) -> tuple[Recorded, ...]:
    """Keep what happened; what was new of it, in the order of its times. In the caller's transaction, if there is one.

    What was told before, and what belongs to no message of its account, is left out.
    """
    if not events:
        return ()
    named: dict[str, Any] = {
        "accounts": [event.account_id for event in events],
        "attempts": [event.attempt_id for event in events],
        "kinds": [int(event.kind) for event in events],
        "actors": [int(event.actor) for event in events],
        "links": [event.link for event in events],
        "ats": [event.at for event in events],
        "sources": [_text(event.source, LONGEST_SOURCE) for event in events],
        "details": [_text(event.detail, LONGEST_DETAIL) for event in events],
        "now": clock.system(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, named)
        fresh = tuple(_recorded(row) for row in cursor.fetchall())
    _keep_raw(events, fresh, clock)
    return fresh


def _text(words: str, longest: int) -> str:
    """What PostgreSQL takes of a stranger's words."""
    return words.replace("\0", "").encode(errors="replace").decode()[:longest]


def _recorded(row: Sequence[Any]) -> Recorded:
    account_id, attempt_id, sending_id, template_id, contact_id, kind, actor, link, at, source, detail = row
    return Recorded(
        account_id=account_id, attempt_id=attempt_id, sending_id=sending_id, template_id=template_id,
        contact_id=contact_id, kind=Kind(kind), actor=Actor(actor), link=link, at=at, source=source, detail=detail,
    )  # fmt: skip


def _keep_raw(events: Sequence[Happened], fresh: Sequence[Recorded], clock: Clock) -> None:
    """Who asked for what is new, for the table that is emptied within a day."""
    asked = {
        (event.account_id, event.attempt_id, event.kind, _text(event.source, LONGEST_SOURCE)): event
        for event in reversed(events)
        if event.ip or event.agent
    }
    rows = [
        (one, raw)
        for one in fresh
        if (raw := asked.get((one.account_id, one.attempt_id, one.kind, one.source)))
    ]
    if not rows:
        return
    lines = [
        (one.account_id, one.attempt_id, int(one.kind), one.source, one.link, one.at, clock.system(), raw.ip[:45],
         _text(raw.agent, LONGEST_AGENT))
        for one, raw in rows
    ]  # fmt: skip
    with connection.cursor() as cursor, cursor.copy(_COPY_SEEN) as copy:  # type: ignore[attr-defined]
        for line in lines:
            copy.write_row(line)
