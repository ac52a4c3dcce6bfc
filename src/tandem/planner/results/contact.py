"""What models may know of contact with customers: who was sent what, and who opened or clicked, day by day."""

from datetime import date, timedelta
from pathlib import Path

from django.db import connection

from tandem.planner.customers.identities import copy_out
from tandem.planner.modelling.learning import contact

_SENT = "('sending', 'sent', 'sent with failures')"
#: both parts alike: customer, day, what, times
_EVENTS = f"""SELECT l.customer, o.day, CASE c.kind WHEN 'sms' THEN 'texts' ELSE 'emails' END AS what, 1 AS times
  FROM planner_campaigns_occurrence o
  JOIN planner_execution_listrow l ON l.account_id = o.account_id AND l.occurrence_id = o.id AND l.action = 2
  LEFT JOIN planner_channels_channel c ON c.account_id = o.account_id AND c.channel_id = o.channel_id
  WHERE o.account_id = %s AND o.state IN {_SENT} AND o.day > %s AND o.day <= %s
UNION ALL SELECT i.customer, i.day, CASE i.event_id WHEN 2 THEN 'opens' ELSE 'clicks' END, i.times
  FROM planner_results_interaction i
  WHERE i.account_id = %s AND i.event_id IN (2, 3) AND i.day > %s AND i.day <= %s"""
_ANY = f"""SELECT EXISTS (SELECT 1 FROM planner_campaigns_occurrence WHERE account_id = %s AND state IN {_SENT})
  OR EXISTS (SELECT 1 FROM planner_results_interaction WHERE account_id = %s)"""
#: contact longer ago than this is not read: no back-test looks at it
_KEPT = timedelta(days=1000)


def known(account_id: int) -> bool:
    """Whether anything was ever sent, opened or clicked."""
    with connection.cursor() as cursor:
        cursor.execute(_ANY, [account_id, account_id])
        row = cursor.fetchone()
    return bool(row and row[0])


def write_events(account_id: int, until: date, only: str, file: Path) -> None:
    """Write customer, day, what and times up to a day; only: SQL of our own text over `customer`."""
    asked = f"SELECT customer, day, what, sum(times)::bigint FROM ({_EVENTS}) e WHERE {{}} GROUP BY 1, 2, 3"
    asked = asked.format(only.replace("%", "%%"))  # the text of a query with values
    _write(asked, account_id, until - _KEPT, until, file)


def write_figures(account_id: int, day: date, file: Path) -> None:
    """Write everybody's figures at the end of a day."""
    asked = contact.figures(f"({_EVENTS}) e", day)
    _write(asked, account_id, day - timedelta(days=contact.WINDOW), day, file)


def _write(query: str, account_id: int, since: date, until: date, file: Path) -> None:
    with connection.cursor() as cursor:
        copy_out(cursor, query, [account_id, since, until] * 2, file)
