"""The usual step of a lane in one statement: the last call was acknowledged, the next one is fired.

What else may come of a call (a failure, an open circuit, a secret whose time is over) is dealt with in `calling`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from tandem.messenger.webhooks.domain import Endpoint, Heard
from tandem.messenger.webhooks.models import Event, Subscription
from tandem.messenger.webhooks.service.posting import endpoint_of

_EVENT = tuple(field.column for field in Event._meta.concrete_fields)
_TO = (
    "account_id", "url", "auth", "auth_name", "auth_sealed", "secret_sealed", "old_secret_sealed", "rotated_until",
    "seconds",
)  # fmt: skip
_STEP = f"""
WITH noted AS (
    UPDATE messenger_webhooks_subscription
    SET last_at = %(now)s, last_status = %(status)s, last_words = %(words)s, failures = 0, failing_since = NULL,
        open_until = NULL, wait_until = NULL
    WHERE account_id = %(account)s AND id = %(subscription)s
    RETURNING enabled, {", ".join(_TO)}),
heard AS (
    UPDATE messenger_webhooks_call SET state = 10, status = %(status)s, words = %(words)s
    WHERE account_id = %(account)s AND id = %(call)s AND state = 1),
next AS (
    SELECT c.id FROM messenger_webhooks_call c
    WHERE c.account_id = %(account)s AND c.subscription_id = %(subscription)s AND c.state = 0
      AND c.next_at <= %(now)s AND %(more)s AND (SELECT enabled FROM noted)
    ORDER BY c.event_id LIMIT 1 FOR UPDATE OF c),
fired AS (
    UPDATE messenger_webhooks_call c SET state = 1, tries = c.tries + 1, called_at = %(now)s
    FROM next WHERE c.account_id = %(account)s AND c.id = next.id
    RETURNING c.id, c.tries, c.event_id)
SELECT fired.id, fired.tries, {", ".join(f"n.{name}" for name in _TO)}, {", ".join(f"e.{name}" for name in _EVENT)}
FROM fired JOIN messenger_webhooks_event e ON e.account_id = %(account)s AND e.id = fired.event_id
CROSS JOIN noted n
"""  # noqa: S608 - columns of our own tables


@dataclass(frozen=True, kw_only=True)
class Fired:
    """The next call, marked as fired and committed."""

    call_id: int
    tries: int
    endpoint: Endpoint
    seconds: float
    event: Event


def acknowledged(
    account_id: int, subscription_id: int, call_id: int, heard: Heard, now: datetime, *, more: bool
) -> Fired | None:
    """Keep that a call was acknowledged and fire the next; None if there is none, or no more are wanted."""
    named: dict[str, Any] = {
        "account": account_id, "subscription": subscription_id, "call": call_id, "now": now, "more": more,
        "status": heard.status, "words": heard.words[:300],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_STEP, named)
        found = cursor.fetchone()
    if found is None:
        return None
    to = Subscription(**dict(zip(_TO, found[2:], strict=False)))
    if to.rotated_until is not None and to.rotated_until <= now:
        to.old_secret_sealed = ""
    return Fired(
        call_id=found[0],
        tries=found[1],
        endpoint=endpoint_of(to),
        seconds=to.seconds,
        event=Event.from_db(None, [field.attname for field in Event._meta.concrete_fields], _read(found)),
    )


def _read(found: tuple[Any, ...]) -> list[Any]:
    """The event's cells as the model has them."""
    cells = found[2 + len(_TO) :]
    return [
        field.from_db_value(cell, None, connection) if hasattr(field, "from_db_value") else cell  # type: ignore[attr-defined]
        for field, cell in zip(Event._meta.concrete_fields, cells, strict=True)
    ]
