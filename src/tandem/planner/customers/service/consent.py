"""The dated copy of consent, read from the messenger; the planner never writes it back."""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction

from tandem.planner.customers.domain import ConsentReadView, ConsentRow
from tandem.planner.customers.models import Consent, ConsentRead

_COLUMNS = "customer_id, has_email, email_consent, has_mobile, sms_consent"
#: rows from which on the tables' statistics are made anew at once
MANY = 1000


def refresh_consent(
    account_id: int, channel_account_id: int, rows: Iterable[ConsentRow], *, full: bool, read_at: datetime
) -> int:
    """Write the copy for known customers; `full` = contacts that are not among the rows are gone.

    Returns the number of customers whose copy was written. Rows older than the copy do not overwrite it.
    """
    where = [account_id, channel_account_id]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "DROP TABLE IF EXISTS pg_temp.consent_given; CREATE TEMP TABLE consent_given (customer_id "
            "text, has_email bool, email_consent bool, has_mobile bool, "
            "sms_consent bool) ON COMMIT DROP"
        )
        with cursor.copy(f"COPY consent_given ({_COLUMNS}) FROM STDIN") as copy:
            for r in rows:
                copy.write_row((r.customer_id, r.has_email, r.email_consent, r.has_mobile, r.sms_consent))
        cursor.execute("ANALYZE consent_given")
        cursor.execute(
            f"INSERT INTO planner_customers_consent (account_id, channel_account_id, {_COLUMNS}, read_at) "
            "SELECT DISTINCT ON (c.id) %s, %s, c.id, g.has_email, g.email_consent, g.has_mobile, g.sms_consent, %s "
            "FROM consent_given g JOIN planner_customers_customer c ON c.account_id = %s AND "
            "c.customer_id = g.customer_id "
            "WHERE NOT c.forgotten ORDER BY c.id, g.email_consent, g.sms_consent "
            "ON CONFLICT (account_id, channel_account_id, customer_id) DO UPDATE SET has_email = excluded.has_email, "
            "email_consent = excluded.email_consent, has_mobile = excluded.has_mobile, sms_consent = "
            "excluded.sms_consent, "
            "read_at = excluded.read_at WHERE planner_customers_consent.read_at <= excluded.read_at",
            [*where, read_at, account_id],
        )
        written: int = cursor.rowcount
        if full:
            cursor.execute(
                "DELETE FROM planner_customers_consent WHERE account_id = %s AND channel_account_id = %s "
                "AND read_at < %s",
                [*where, read_at],
            )
        _note(account_id, channel_account_id, read_at, full=full)
        if written >= MANY:  # else the next list is planned as if both tables were empty, and takes minutes
            cursor.execute("ANALYZE planner_customers_consent, planner_customers_customer")
    return written


def _note(account_id: int, channel_account_id: int, read_at: datetime, *, full: bool) -> None:
    copies = Consent.objects.filter(account_id=account_id, channel_account_id=channel_account_id)
    values = {"read_at": read_at, "contacts": copies.count(), **({"full_at": read_at} if full else {})}
    ConsentRead.objects.update_or_create(
        account_id=account_id, channel_account_id=channel_account_id, defaults=values
    )


def consent_read(account_id: int, channel_account_id: int) -> ConsentReadView | None:
    """When the copy was last read, None if never."""
    row = ConsentRead.objects.filter(account_id=account_id, channel_account_id=channel_account_id).first()
    return ConsentReadView(read_at=row.read_at, full_at=row.full_at, contacts=row.contacts) if row else None
