"""Openings and clicks that turn out to be a machine's: looked at together, while address and browser are kept."""

from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from tandem.kit.clock import Clock
from tandem.messenger.engagement.domain import (
    BURST,
    BURST_LINKS,
    EARLY,
    EARLY_LINKS,
    HIDDEN_LINK,
    RAW_KEPT,
)

#: a machine shows itself at one click; whatever the same address and browser did with that message was the machine too
_JUDGE = """
WITH recent AS (
    SELECT DISTINCT account_id, attempt_id FROM messenger_engagement_seen
    WHERE kind = 2 AND kept_since >= %(since)s
), clicks AS (
    SELECT s.account_id, s.attempt_id, s.link, s.at, s.ip, s.agent, a.done_at,
           lag(s.at, %(burst_before)s) OVER mine AS some_before, lag(s.at, %(early_before)s) OVER mine AS few_before
    FROM recent
    JOIN messenger_engagement_seen s ON s.account_id = recent.account_id AND s.attempt_id = recent.attempt_id
    JOIN messenger_delivery_attempt a ON a.id = s.attempt_id AND a.account_id = s.account_id
    WHERE s.kind = 2
    WINDOW mine AS (PARTITION BY s.account_id, s.attempt_id ORDER BY s.at, s.source)
), machines AS (
    SELECT account_id, attempt_id, ip, agent, at - %(burst)s AS since, at AS until FROM clicks
    WHERE link = %(hidden)s OR some_before >= at - %(burst)s
       OR (few_before >= done_at AND at <= done_at + %(early)s)
), theirs AS (
    SELECT DISTINCT s.account_id, s.attempt_id, s.kind, s.source
    FROM messenger_engagement_seen s
    JOIN machines m ON m.account_id = s.account_id AND m.attempt_id = s.attempt_id
     AND ((s.ip = m.ip AND s.agent = m.agent) OR (s.kind = 2 AND s.at BETWEEN m.since AND m.until))
)
UPDATE messenger_engagement_event e SET actor = 2
FROM theirs t
JOIN messenger_engagement_event was
  ON was.account_id = t.account_id AND was.attempt_id = t.attempt_id AND was.kind = t.kind AND was.source = t.source
WHERE e.id = was.id AND was.actor <> 2
RETURNING e.account_id, e.sending_id, e.template_id, e.kind, was.actor, e.link, date_trunc('hour', e.at), e.attempt_id
"""
_MOVED = """
WITH moved AS (
    SELECT * FROM unnest(%(accounts)s::bigint[], %(sendings)s::bigint[], %(templates)s::bigint[],
                         %(kinds)s::smallint[], %(actors)s::smallint[], %(links)s::int[], %(hours)s::timestamptz[])
         AS m(account_id, sending_id, template_id, kind, actor, link, hour)
), numbers AS (
    SELECT account_id, sending_id, template_id, kind, actor, link, hour, -count(*) AS number
    FROM moved GROUP BY 1, 2, 3, 4, 5, 6, 7
    UNION ALL
    SELECT account_id, sending_id, template_id, kind, 2, link, hour, count(*) FROM moved GROUP BY 1, 2, 3, 4, 6, 7
)
"""
_HOURS = (
    _MOVED
    + """
INSERT INTO messenger_engagement_hourcount AS h
    (account_id, sending_id, template_id, kind, actor, link, hour, number)
SELECT * FROM numbers ORDER BY 1, 2, 3, 4, 5, 6, 7
ON CONFLICT (account_id, sending_id, template_id, kind, actor, link, hour)
DO UPDATE SET number = h.number + excluded.number
"""
)
_RESPONDING = """
UPDATE messenger_engagement_responding r SET changed_at = %(now)s
WHERE (r.account_id, r.sending_id, r.template_id) IN (
    SELECT * FROM unnest(%(accounts)s::bigint[], %(sendings)s::bigint[], %(templates)s::bigint[]))
"""
#: what is left to people of these messages
_FIRST = """
WITH mine AS (
    SELECT f.id, min(e.at) AS opened_at, min(e.at) FILTER (WHERE e.kind = 2) AS clicked_at
    FROM messenger_engagement_firstreaction f
    LEFT JOIN messenger_engagement_event e
      ON e.account_id = f.account_id AND e.attempt_id = f.attempt_id AND e.kind IN (1, 2) AND e.actor = 0
    WHERE (f.account_id, f.attempt_id) IN (SELECT * FROM unnest(%(accounts)s::bigint[], %(attempts)s::bigint[]))
    GROUP BY f.id
), gone AS (
    DELETE FROM messenger_engagement_firstreaction f USING mine WHERE f.id = mine.id AND mine.opened_at IS NULL
)
UPDATE messenger_engagement_firstreaction f SET opened_at = mine.opened_at, clicked_at = mine.clicked_at
FROM mine WHERE f.id = mine.id AND mine.opened_at IS NOT NULL
"""


@transaction.atomic
def judge(*, clock: Clock, back: timedelta = RAW_KEPT) -> int:
    """Put down to machines what people cannot have done; how many openings and clicks changed hands.

    back: how long ago the newest click of a message may be. Until then a message may have been counted for a person.
    """
    named: dict[str, Any] = {
        "since": clock.system() - back,
        "burst": BURST,
        "early": EARLY,
        "hidden": HIDDEN_LINK,
        "burst_before": BURST_LINKS - 1,
        "early_before": EARLY_LINKS - 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(_JUDGE, named)
        moved = cursor.fetchall()
        if moved:
            _count_anew(cursor, moved, clock)
    return len(moved)


def _count_anew(cursor: Any, moved: list[tuple[Any, ...]], clock: Clock) -> None:
    names = ("accounts", "sendings", "templates", "kinds", "actors", "links", "hours", "attempts")
    named: dict[str, Any] = dict(zip(names, map(list, zip(*moved, strict=True)), strict=True))
    named["now"] = clock.system()
    for statement in (_HOURS, _FIRST, _RESPONDING):
        cursor.execute(statement, named)
