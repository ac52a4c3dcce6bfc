"""How long single rows are kept: after their time they become sums per day, and are dropped in small batches.

Sums and the mark that a sending is dropped are one commit, so that a killed process goes on deleting and never sums up
what is half gone. Uncertain rows go last; a row that an unsubscribe points to stays, it is the proof whose it was.
"""

import calendar
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.messenger.accounts.models import Account
from tandem.messenger.record.domain import DELETED_AT_ONCE, LEAST_MONTHS, MONTHS_KEPT, MOST_MONTHS, KeptView
from tandem.messenger.record.errors import BadRetention
from tandem.messenger.record.models import Dropped, Retention

_OLD = """
SELECT s.id FROM messenger_delivery_sending s
WHERE s.account_id = %(account)s AND s.finished_at < %(until)s AND s.totals IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM messenger_record_dropped d
                  WHERE d.account_id = s.account_id AND d.sending_id = s.id)
ORDER BY s.id LIMIT 50
"""
_SUMS = """
INSERT INTO messenger_record_daysum (account_id, sending_id, template_id, state, reason, day, rows)
SELECT account_id, sending_id, template_id, state, reason, (coalesce(done_at, due_at) AT TIME ZONE 'UTC')::date,
       count(*)
FROM messenger_delivery_attempt WHERE account_id = %(account)s AND sending_id = %(sending)s
GROUP BY 1, 2, 3, 4, 5, 6
"""
_MARK = """
INSERT INTO messenger_record_dropped (account_id, sending_id, at, rows, finished)
SELECT %(account)s, %(sending)s, %(now)s, coalesce(sum(rows), 0), FALSE FROM messenger_record_daysum
WHERE account_id = %(account)s AND sending_id = %(sending)s
"""
_PICK = """
SELECT a.id, a.seq FROM messenger_delivery_attempt a
WHERE a.account_id = %(account)s AND a.sending_id = %(sending)s AND a.seq > %(after)s AND (a.state = 12) = %(uncertain)s
  AND NOT EXISTS (SELECT 1 FROM messenger_reporting_unsubscribe u
                  WHERE u.account_id = a.account_id AND u.attempt_id = a.id)
ORDER BY a.seq LIMIT %(limit)s
"""
#: what hangs on a row goes with it
_DELETE = tuple(
    f"DELETE FROM {table} WHERE account_id = %(account)s AND {column} = ANY(%(ids)s)"  # noqa: S608 - names of our own
    for table, column in (
        ("messenger_bounces_bounce", "attempt_id"),
        ("messenger_gateways_handedpart", "attempt_id"),
        ("messenger_engagement_event", "attempt_id"),
        ("messenger_engagement_firstreaction", "attempt_id"),
        ("messenger_delivery_attempt", "id"),
    )
)
_DELETE_OF_SENDING = tuple(
    f"DELETE FROM {table} WHERE account_id = %(account)s AND sending_id = %(sending)s"  # noqa: S608 - likewise
    for table in ("messenger_record_blockstates", "messenger_bounces_refusalmark",
                  "messenger_delivery_addedvalues", "messenger_delivery_blocknumbers", "messenger_delivery_block")
)  # fmt: skip


def months_kept(account_id: int) -> int:
    """For how many months an account keeps single rows."""
    row = Retention.objects.filter(account_id=account_id).first()
    return row.months if row else MONTHS_KEPT


def keep_for(account_id: int, months: int) -> None:
    """Set for how many months. Raises BadRetention."""
    if not LEAST_MONTHS <= months <= MOST_MONTHS:
        raise BadRetention(
            f"Rows cannot be kept for {months} months.", f"Choose {LEAST_MONTHS} to {MOST_MONTHS}."
        )
    Retention.objects.update_or_create(account_id=account_id, defaults={"months": months})


def dropped(account_id: int, sending_id: int) -> KeptView | None:
    """Since when a sending's rows are kept no more; None if they are kept."""
    row = Dropped.objects.filter(account_id=account_id, sending_id=sending_id).first()
    if row is None:
        return None
    return KeptView(sending_id=row.sending_id, rows=row.rows, dropped_at=row.at, finished=row.finished)


def drop_old(*, clock: Clock) -> int:
    """Sum up and drop the rows of sendings that ended long enough ago; how many rows."""
    # all accounts: the tick works for every account
    begun = Dropped.objects.filter(finished=False).order_by("id")
    gone = sum(_delete(row) for row in begun)
    # all accounts: the tick works for every account
    for account_id in Account.objects.order_by("id").values_list("id", flat=True):
        until = months_before(clock.business(), months_kept(account_id))
        while found := _rows(_OLD, {"account": account_id, "until": until}):
            gone += sum(_delete(_sum_up(account_id, sending_id, clock)) for (sending_id,) in found)
    return gone


def months_before(moment: datetime, months: int) -> datetime:
    """The same day and time so many months earlier, or the month's last day."""
    place = moment.year * 12 + moment.month - 1 - months
    year, month = place // 12, place % 12 + 1
    return moment.replace(year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1]))


@transaction.atomic
def _sum_up(account_id: int, sending_id: int, clock: Clock) -> Dropped:
    named: dict[str, Any] = {"account": account_id, "sending": sending_id, "now": clock.system()}
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, named)
        cursor.execute(_MARK, named)
    return Dropped.objects.get(account_id=account_id, sending_id=sending_id)


def _delete(row: Dropped) -> int:
    gone = 0
    for uncertain in (False, True):
        named: dict[str, Any] = {
            "account": row.account_id, "sending": row.sending_id, "uncertain": uncertain, "after": 0,
            "limit": DELETED_AT_ONCE,
        }  # fmt: skip
        while found := _rows(_PICK, named):
            gone += _delete_batch(row.account_id, [pk for pk, _ in found])
            named["after"] = found[-1][1]
            failpoint("b5")
    with transaction.atomic(), connection.cursor() as cursor:
        for sql in _DELETE_OF_SENDING:
            cursor.execute(sql, {"account": row.account_id, "sending": row.sending_id})
        row.finished = True
        row.save(update_fields=["finished"])
    return gone


@transaction.atomic
def _delete_batch(account_id: int, ids: list[int]) -> int:
    with connection.cursor() as cursor:
        for sql in _DELETE:
            cursor.execute(sql, {"account": account_id, "ids": ids})
        return cursor.rowcount


def _rows(sql: str, named: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, named)
        return cursor.fetchall()
