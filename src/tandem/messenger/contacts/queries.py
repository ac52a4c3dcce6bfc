"""Set-based reads: why contacts may not be sent to, what messages need of them."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from tandem.kit.prepared import prepared
from tandem.messenger.contacts import counting
from tandem.messenger.contacts.domain import STATIC, Counted, Recipient
from tandem.messenger.contacts.models import Property

#: per channel: columns of the address, its key, opt-out and bounce
_COLUMNS = {
    "email": ("email", "email_key", "unsubscribed", "bounced"),
    "sms": ("mobile", "mobile_key", "mobile_unsubscribed", "mobile_bounced"),
}

#: first whether anybody of the account is not counted at all: mostly nobody is
_CELLS = """(SELECT EXISTS (SELECT 1 FROM messenger_contacts_countingchoice k
                       WHERE k.account_id = %(account)s AND NOT (k.opens AND k.clicks))),
       c.id, c.list_id, c.original_id, c.email, c.mobile"""
_RECIPIENTS = """
SELECT {cells} FROM messenger_contacts_contact c
WHERE c.account_id = %(account)s AND c.id = ANY(%(ids)s::bigint[])
"""
ALL_COUNTED = Counted()


def reason_sql(channel: str, ignored: str = "FALSE") -> str:
    """Why a contact may not be sent to: SQL over the contact alias `c` and %(now)s; NULL = may be sent.

    ignored: SQL that says whether an opt-out does not count for this message; all else always counts.
    """
    address, key, unsubscribed, bounced = _COLUMNS[channel]
    return f"""CASE
      WHEN c.id IS NULL THEN 'no contact'
      WHEN NOT c.active THEN 'inactive'
      WHEN c.{address} = '' THEN 'no address'
      WHEN c.{unsubscribed} AND NOT ({ignored}) THEN 'unsubscribed'
      WHEN c.{bounced} THEN 'bounced'
      WHEN c.blocked_until IS NOT NULL AND c.blocked_until > %(now)s THEN 'suppressed'
      WHEN EXISTS (SELECT 1 FROM messenger_contacts_suppression s
                   WHERE s.account_id = c.account_id AND s.key IN (c.{key}, c.customer_key)
                     AND s.channel IN ('{channel}', 'all') AND (s.list_id IS NULL OR s.list_id = c.list_id))
        THEN 'suppressed'
    END"""  # noqa: S608 - column names from this module


def reasons(
    account_id: int,
    channel: str,
    contact_ids: Sequence[int],
    *,
    now: datetime,
    ignoring: Collection[int] = frozenset(),
) -> dict[int, str]:
    """Contact id -> why nothing may be sent, only for those refused; in the caller's transaction.

    ignoring: contacts whose opt-out does not count for the message in question.
    """
    sql = f"""SELECT wanted.id, {reason_sql(channel, "wanted.ignored")} AS reason
        FROM unnest(%(ids)s::bigint[], %(ignored)s::boolean[]) AS wanted(id, ignored)
        LEFT JOIN messenger_contacts_contact c ON c.id = wanted.id AND c.account_id = %(account)s"""  # noqa: S608
    named: dict[str, Any] = {
        "ids": list(contact_ids),
        "ignored": [contact in ignoring for contact in contact_ids],
        "account": account_id,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, named)
        return {contact: reason for contact, reason in cursor.fetchall() if reason}


def refused_addresses(
    account_id: int, channel: str, list_id: int, keys: Sequence[str], *, now: datetime
) -> dict[str, str]:
    """Key of an address -> why a contact of the list with it may not be sent to; none for those who may."""
    key = _COLUMNS[channel][1]
    sql = f"""SELECT c.{key}, {reason_sql(channel)} FROM messenger_contacts_contact c
        WHERE c.account_id = %(account)s AND c.list_id = %(list)s AND c.{key} = ANY(%(keys)s)
        UNION ALL
        SELECT s.key, 'suppressed' FROM messenger_contacts_suppression s
        WHERE s.account_id = %(account)s AND s.key = ANY(%(keys)s) AND s.channel IN (%(channel)s, 'all')
          AND (s.list_id IS NULL OR s.list_id = %(list)s)"""  # noqa: S608 - column names from this module
    named: dict[str, Any] = {
        "account": account_id,
        "list": list_id,
        "keys": list(keys),
        "channel": channel,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, named)
        return {found: reason for found, reason in cursor.fetchall() if reason}


def property_names(account_id: int) -> dict[str, str]:
    """Attribute id as text -> name."""
    return {
        str(pk): name for pk, name in Property.objects.filter(account_id=account_id).values_list("pk", "name")
    }


def recipients(account_id: int, contact_ids: Sequence[int]) -> dict[int, Recipient]:
    """What messages need of these contacts, by contact id; unknown ids are left out."""
    return RecipientReader(account_id).read(contact_ids)


class RecipientReader:
    """Reads recipients again and again: in a statement of its own, or with the columns of somebody else's."""

    def __init__(self, account_id: int, wanted: Collection[str] | None = None) -> None:
        """wanted: lower-case names of the attributes to read; all by default."""
        self._account_id = account_id
        columns = {name.lower(): f"c.{column}" for name, column in STATIC.items()}
        columns |= {
            name.lower(): f"coalesce(c.properties ->> '{pk}', '')"
            for pk, name in property_names(account_id).items()
        }
        self._names = [name for name in columns if wanted is None or name in wanted]
        #: SQL of what `made` takes: columns over the contact alias `c` and %(account)s
        self.cells = _CELLS + "".join(f", {columns[name]}" for name in self._names)

    def read(self, contact_ids: Sequence[int]) -> dict[int, Recipient]:
        """The recipients by contact id; unknown ids are left out."""
        named = {"account": self._account_id, "ids": "{" + ",".join(map(str, contact_ids)) + "}"}
        with prepared() as cursor:
            return self.made(cursor.execute(_RECIPIENTS.format(cells=self.cells), named).fetchall())

    def made(self, rows: Sequence[Sequence[Any]]) -> dict[int, Recipient]:
        """The recipients by contact id, of rows of `cells`."""
        counted: Callable[[int, int], Counted] = _everything
        if rows and rows[0][0]:
            counted = counting.of_contacts(self._account_id, [row[1] for row in rows])
        names = self._names
        return {
            row[1]: Recipient(
                row[1], row[2], row[3], row[4], row[5], dict(zip(names, row[6:], strict=True)), counted(row[2], row[1])
            )
            for row in rows
        }  # fmt: skip


def _everything(list_id: int, contact_id: int) -> Counted:
    return ALL_COUNTED


def mail_domains(least: int) -> list[str]:
    """Domains of at least so many contacts, the commonest first; of all accounts: a domain is a fact of the world."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT lower(split_part(email, '@', 2)) AS domain, count(*) AS contacts FROM messenger_contacts_contact "
            "WHERE email <> '' GROUP BY 1 HAVING count(*) >= %s ORDER BY contacts DESC, domain LIMIT 5000",
            [least],
        )
        return [domain for domain, _ in cursor.fetchall()]
