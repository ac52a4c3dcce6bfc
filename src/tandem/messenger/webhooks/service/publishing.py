"""What happened, written for those who want to hear it, in the transaction of the fact and never row by row.

Where nobody in the account wants a type, one look-up is all that is done.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.db import connection, transaction

from tandem.kit.clock import Clock
from tandem.messenger.webhooks.domain import Event, EventType

#: what a SELECT given to `publish_selected` returns, in this order
COLUMNS = (
    "at", "list_id", "list_name", "contact", "contact_id", "version_id", "campaign", "project_id", "project",
    "sent_at", "module", "channel", "more",
)  # fmt: skip
_TYPES = (
    "at timestamptz, list_id bigint, list_name text, contact text, contact_id bigint, version_id bigint, "
    "campaign text, project_id bigint, project text, sent_at timestamptz, module text, channel text, more jsonb"
)
_LISTENING = (
    "s.account_id = %(account)s AND s.enabled AND %(type)s = ANY(s.events) "
    "AND (s.project_id IS NULL OR s.project_id = {of}.project_id)"
)
_TELL = f"""
WITH found ({", ".join(COLUMNS)}) AS ({{select}}),
told AS (
    INSERT INTO messenger_webhooks_event (account_id, event_type, made_at, {", ".join(COLUMNS)})
    SELECT %(account)s, %(type)s, %(made)s, {", ".join(f"f.{column}" for column in COLUMNS)} FROM found f
    WHERE EXISTS (SELECT 1 FROM messenger_webhooks_subscription s WHERE {_LISTENING.format(of="f")})
    ORDER BY f.at
    RETURNING id, project_id),
calls AS (
    INSERT INTO messenger_webhooks_call (account_id, subscription_id, event_id, state, tries, next_at, words)
    SELECT %(account)s, s.id, t.id, 0, 0, %(made)s, ''
    FROM told t JOIN messenger_webhooks_subscription s ON {_LISTENING.format(of="t")} ORDER BY t.id)
SELECT count(*) FROM told
"""  # noqa: S608 - constants of this module
_GIVEN = f"SELECT {', '.join(COLUMNS)} FROM jsonb_to_recordset(%(given)s::jsonb) AS g ({_TYPES})"  # noqa: S608
_WANTED = """
SELECT EXISTS (SELECT 1 FROM messenger_webhooks_subscription
               WHERE account_id = %s AND enabled AND %s = ANY(events))
"""


def is_wanted(account_id: int, event_type: EventType) -> bool:
    """Whether anybody is to be told events of this type; one look-up."""
    with connection.cursor() as cursor:
        cursor.execute(_WANTED, [account_id, event_type.value])
        return bool(cursor.fetchone()[0])


def publish(account_id: int, event_type: EventType, events: Sequence[Event], *, clock: Clock) -> int:
    """Tell these events to who wants them; how many anybody wants. One statement however many there are."""
    if not events or not is_wanted(account_id, event_type):
        return 0
    given = orjson.dumps([{name: getattr(one, name) for name in COLUMNS} for one in events]).decode()
    return _tell(account_id, event_type, _GIVEN, {"given": given}, clock)


def publish_selected(
    account_id: int, event_type: EventType, select: str, named: Mapping[str, Any], *, clock: Clock
) -> int:
    """The same of what a SELECT finds; it returns COLUMNS in their order and binds %(account)s and `named`."""
    if not is_wanted(account_id, event_type):
        return 0
    return _tell(account_id, event_type, select, named, clock)


@transaction.atomic
def _tell(account_id: int, event_type: EventType, select: str, named: Mapping[str, Any], clock: Clock) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            _TELL.format(select=select),
            {**named, "account": account_id, "type": event_type.value, "made": clock.system()},
        )
        return int(cursor.fetchone()[0])
