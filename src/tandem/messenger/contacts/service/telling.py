"""Changes of a contact, told to webhooks in the transaction that makes them; imports are not told."""

from collections.abc import Sequence
from typing import Any

import orjson

from tandem.kit.clock import Clock
from tandem.messenger.webhooks import service as webhooks
from tandem.messenger.webhooks.domain import EventType

_OF_CONTACT = """
SELECT %(at)s::timestamptz, c.list_id, l.name, c.original_id, c.id, NULL::bigint, NULL::text, NULL::bigint, NULL::text,
       NULL::timestamptz, 'CONTACT', %(channel)s::text, m.more
FROM messenger_contacts_contact c
JOIN messenger_contacts_contactlist l ON l.account_id = c.account_id AND l.id = c.list_id
CROSS JOIN jsonb_array_elements(%(more)s::jsonb) AS m (more)
WHERE c.account_id = %(account)s AND c.id = %(contact)s
"""


def tell(
    account_id: int,
    contact_id: int,
    event_type: EventType,
    *,
    channel: str | None = None,
    more: Sequence[dict[str, object]] = ({},),
    clock: Clock,
) -> None:
    """One event of a contact for each of `more`."""
    named: dict[str, Any] = {
        "contact": contact_id,
        "channel": channel.upper() if channel else None,
        "at": clock.business(),
        "more": orjson.dumps(list(more)).decode(),
    }
    webhooks.publish_selected(account_id, event_type, _OF_CONTACT, named, clock=clock)
