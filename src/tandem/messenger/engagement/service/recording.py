"""Events are written: many of many accounts in one statement, each once."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import connection, transaction

from tandem.kit.clock import Clock
from tandem.messenger.delivery import events as publishing
from tandem.messenger.delivery.events import EventType
from tandem.messenger.engagement.domain import (
    LONGEST_AGENT,
    LONGEST_DETAIL,
    LONGEST_IP,
    LONGEST_SOURCE,
    Actor,
    Happened,
    Kind,
    Recorded,
)
from tandem.messenger.webhooks import service as webhooks

#: where the link of a click leads
Target = Callable[[Recorded], str]

#: in the order of keys throughout, so that two processes never wait for each other crosswise. 0: a person; 1, 2:
#: opened, clicked; 3, 4: bounced; 5: complained
_RECORD = """
WITH given AS (
    SELECT g.account_id, g.attempt_id, g.kind, g.actor, g.link, to_timestamp(g.epoch) AS at, g.source, g.detail, g.ip,
           g.agent, a.sending_id, a.template_id
    FROM unnest(%(accounts)s::bigint[], %(attempts)s::bigint[], %(kinds)s::smallint[], %(actors)s::smallint[],
                %(links)s::int[], %(epochs)s::float8[], %(sources)s::text[], %(details)s::text[], %(ips)s::text[],
                %(agents)s::text[])
         AS g(account_id, attempt_id, kind, actor, link, epoch, source, detail, ip, agent)
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
), seen AS (
    INSERT INTO messenger_engagement_seen (account_id, attempt_id, kind, source, link, at, kept_since, ip, agent)
    SELECT DISTINCT ON (f.account_id, f.attempt_id, f.kind, f.source)
           f.account_id, f.attempt_id, f.kind, f.source, f.link, f.at, %(now)s::timestamptz, g.ip, g.agent
    FROM fresh f
    JOIN given g ON g.account_id = f.account_id AND g.attempt_id = f.attempt_id AND g.kind = f.kind
     AND g.source = f.source AND (g.ip <> '' OR g.agent <> '')
    ON CONFLICT DO NOTHING
), responding AS (
    INSERT INTO messenger_engagement_responding AS r (account_id, sending_id, template_id, changed_at)
    SELECT DISTINCT account_id, sending_id, template_id, %(now)s::timestamptz FROM fresh
    WHERE (kind IN (1, 2) AND actor = 0) OR kind IN (3, 4, 5) ORDER BY 1, 2, 3
    ON CONFLICT (account_id, sending_id, template_id) DO UPDATE SET changed_at = excluded.changed_at
)
SELECT f.account_id, f.attempt_id, f.sending_id, f.template_id, a.contact_id, f.kind, f.actor, f.link, f.at, f.source,
       f.detail
FROM fresh f JOIN messenger_delivery_attempt a ON a.id = f.attempt_id AND a.account_id = f.account_id
WHERE f.account_id = ANY(%(heard)s::bigint[])
ORDER BY f.at, f.attempt_id
"""
_NAMES = {Kind.OPENED: EventType.MAIL_OPENED, Kind.CLICKED: EventType.LINK_CLICKED}


@transaction.atomic
def record(events: Sequence[Happened], *, clock: Clock) -> tuple[Recorded, ...]:
    """Keep what happened; what was new of it, in the order of its times. In the caller's transaction, if there is one.

    What was told before, and what belongs to no message of its account, is left out.
    """
    return _record(events, {event.account_id for event in events}, clock)


@transaction.atomic
def record_reactions(events: Sequence[Happened], *, target: Target, clock: Clock) -> None:
    """Keep openings and clicks, and tell those of people to the programs of their accounts that asked to hear of them.

    target: (version, link) -> where it leads.
    """
    accounts = {event.account_id for event in events}
    hearing = {
        account_id
        for account_id in accounts
        if any(webhooks.is_wanted(account_id, name) for name in _NAMES.values())
    }
    fresh = [one for one in _record(events, hearing, clock) if one.actor is Actor.PERSON]
    for account_id in hearing:
        for kind, name in _NAMES.items():
            facts = [_fact(one, target) for one in fresh if one.account_id == account_id and one.kind is kind]
            if facts:
                publishing.publish(account_id, name, facts, clock=clock)


def _fact(one: Recorded, target: Target) -> publishing.Fact:
    more = {"linkTarget": target(one)} if one.kind is Kind.CLICKED else {}
    return publishing.Fact(attempt_id=one.attempt_id, at=one.at, more=more)


def _record(events: Sequence[Happened], heard: Iterable[int], clock: Clock) -> tuple[Recorded, ...]:
    """heard: the accounts of which the caller wants to hear what was new; nothing else is read back."""
    if not events:
        return ()
    named: dict[str, Any] = {
        "accounts": _numbers(event.account_id for event in events),
        "attempts": _numbers(event.attempt_id for event in events),
        "kinds": _numbers(int(event.kind) for event in events),
        "actors": _numbers(int(event.actor) for event in events),
        "links": _numbers(event.link for event in events),
        "epochs": _numbers(event.at.timestamp() for event in events),
        "sources": _texts((event.source for event in events), LONGEST_SOURCE),
        "details": _texts((event.detail for event in events), LONGEST_DETAIL),
        "ips": _texts((event.ip for event in events), LONGEST_IP),
        "agents": _texts((event.agent for event in events), LONGEST_AGENT),
        "heard": list(heard),
        "now": clock.system(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, named)
        return tuple(_recorded(row) for row in cursor.fetchall())


def _numbers(values: Iterable[float]) -> str:
    """An array as PostgreSQL reads it; written here, it costs a tenth of what the driver takes for a list."""
    return f"{{{','.join(map(repr, values))}}}"


def _texts(values: Iterable[str], longest: int) -> str:
    return f"{{{','.join(_text(words, longest) for words in values)}}}"


def _text(words: str, longest: int) -> str:
    """What PostgreSQL takes of a stranger's words, quoted."""
    if not words.isascii() or "\0" in words:
        words = words.replace("\0", "").encode(errors="replace").decode()
    words = words[:longest].replace("\\", "\\\\").replace('"', '\\"')
    return f'"{words}"'


def _recorded(row: Sequence[Any]) -> Recorded:
    account_id, attempt_id, sending_id, template_id, contact_id, kind, actor, link, at, source, detail = row
    return Recorded(
        account_id=account_id, attempt_id=attempt_id, sending_id=sending_id, template_id=template_id,
        contact_id=contact_id, kind=Kind(kind), actor=Actor(actor), link=link, at=at, source=source, detail=detail,
    )  # fmt: skip
