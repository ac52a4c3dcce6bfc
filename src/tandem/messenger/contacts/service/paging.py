"""Pages of contacts, flat to the last one: each begins in the index where the one before it ended."""

from typing import Any

import orjson
from django.db import connection

from tandem.messenger.contacts.domain import ContactLine
from tandem.messenger.contacts.keys import email_key
from tandem.messenger.contacts.service.lists import require_list

PAGE_LIMIT = 10_000
_MOMENTS = frozenset(name for name in ContactLine._fields if name.endswith(("_at", "_until")))
_COLUMNS = ", ".join(
    f"coalesce(floor(extract(epoch FROM c.{name}) * 1000)::bigint, 0)" if name in _MOMENTS else f"c.{name}"
    for name in ContactLine._fields[:-1]
)
_PAGE = f"""
SELECT {_COLUMNS}, {{properties}} FROM messenger_contacts_contact c
WHERE c.account_id = %(account)s AND c.list_id = %(list)s AND c.id > %(last)s AND {{mode}}
ORDER BY c.id LIMIT %(size)s
"""  # noqa: S608 - column names from the domain
_FLAGS = {
    "bounced": ("c.bounced", "c.mobile_bounced"),
    "unsubscribed": ("c.unsubscribed", "c.mobile_unsubscribed"),
}
_ADDRESSES = {"EMAIL": " AND c.email <> ''", "SMS": " AND c.mobile <> ''", "MOBILE": " AND c.mobile <> ''"}


def page_contacts(
    account_id: int,
    list_id: int,
    mode: str = "all",
    channel: str = "MIXED",
    email: str = "",
    last_id: int = -1,
    size: int = 1000,
    *,
    with_properties: bool = True,
) -> list[ContactLine]:
    """A page by ascending id after `last_id`. mode: all (active ones), bounced, unsubscribed. Raises UnknownList."""
    require_list(account_id, list_id)
    named: dict[str, Any] = {
        "account": account_id,
        "list": list_id,
        "last": max(-1, min(last_id, 2**63 - 1)),
        "size": max(1, min(size, PAGE_LIMIT)),
    }
    chosen = _of_mode(mode, channel.upper())
    if email:
        chosen += " AND c.email_key = %(key)s"
        named["key"] = email_key(account_id, email)
    properties = "c.properties" if with_properties else "'{}'::jsonb"
    with connection.cursor() as cursor:
        cursor.execute(_PAGE.format(properties=properties, mode=chosen), named)
        return [ContactLine._make((*row, orjson.loads(said))) for *row, said in cursor.fetchall()]


def _of_mode(mode: str, channel: str) -> str:
    if mode not in _FLAGS:
        return "c.active" + _ADDRESSES.get(channel, "")
    of_email, of_sms = _FLAGS[mode]
    both = f"({of_email} OR {of_sms})"
    if channel == "EMAIL":
        return of_email
    return of_sms if channel in ("SMS", "MOBILE") else both
