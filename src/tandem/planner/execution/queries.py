"""The set-based SQL of the freeze and of the pages that are served."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from django.db import connection

from tandem.kit.failpoints import failpoint
from tandem.planner.execution.domain import CONTROL, NO_CONSENT, NO_CONTACT, NOT_CLEARED, TEST, ListedRow

_LOCK_CLASS = 7301  # the advisory locks of list making

_DRAW = """
INSERT INTO planner_execution_listrow (account_id, occurrence_id, customer, seq, action, template_id, reason)
WITH seen AS (
    SELECT c.id AS customer,
           CASE WHEN {unreachable} THEN %(no_contact)s
                WHEN NOT coalesce(k.{consent}, true) OR p.customer_id IS NOT NULL THEN %(no_consent)s
                ELSE '' END AS reason,
           encode(sha256(convert_to(%(key)s || ':' || c.id, 'UTF8')), 'hex') AS draw
    FROM members m
    JOIN planner_customers_customer c ON c.id = m.customer AND c.account_id = %(account)s AND NOT c.forgotten
    LEFT JOIN {copy} k ON k.customer_id = c.id
    LEFT JOIN (
        SELECT DISTINCT customer_id FROM planner_customers_channelpreference
        WHERE account_id = %(account)s AND channel_account_id = %(channel_account)s AND kind = %(kind)s AND blocked
    ) p ON p.customer_id = c.id
), drawn AS (
    SELECT customer, reason,
           ('x' || substr(draw, 1, 8))::bit(32)::bigint / 4294967296.0 AS first,
           ('x' || substr(draw, 9, 8))::bit(32)::bigint / 4294967296.0 AS second
    FROM seen
), split AS (
    SELECT customer, reason, second,
           CASE WHEN reason <> '' THEN NULL WHEN first < %(control)s THEN {control_action} ELSE {test_action} END
               AS action
    FROM drawn
)
SELECT %(account)s, %(occurrence)s, customer,
       CASE WHEN action IS NOT NULL THEN row_number() OVER (ORDER BY action DESC NULLS LAST, customer) END,
       action,
       CASE WHEN action = {test_action}
            THEN (SELECT t.template FROM unnest(%(templates)s::bigint[], %(bounds)s::float8[]) AS t (template, bound)
                  WHERE second < t.bound ORDER BY t.bound LIMIT 1) END,
       reason
FROM split
"""
_COPY = """(
        SELECT customer_id, {has}, {consent} FROM planner_customers_consent
        WHERE account_id = %(account)s AND channel_account_id = %(channel_account)s
    )"""
# A channel without a messenger has no copy: its listener knows the addresses, and an opt-out at any messenger counts.
_ANY_COPY = """(
        SELECT customer_id, bool_and({consent}) AS {consent} FROM planner_customers_consent
        WHERE account_id = %(account)s GROUP BY customer_id
    )"""
_COLUMNS = {"email": ("has_email", "email_consent"), "sms": ("has_mobile", "sms_consent")}

_PAGE = """
SELECT r.seq, r.customer, c.customer_id, r.action, r.template_id
FROM planner_execution_listrow r
JOIN planner_customers_customer c ON c.id = r.customer AND c.account_id = r.account_id
WHERE r.account_id = %s AND r.occurrence_id = %s AND r.seq > %s AND r.seq <= %s
ORDER BY r.seq
"""

_SAY = """
UPDATE planner_execution_listrow r SET cleared = s.status
FROM unnest(%(customers)s::text[], %(statuses)s::bool[]) AS s (customer_id, status)
JOIN planner_customers_customer c ON c.account_id = %(account)s AND c.customer_id = s.customer_id
WHERE r.account_id = %(account)s AND r.occurrence_id = %(occurrence)s AND r.customer = c.id AND r.action = %(test)s
"""
_TAKE_OFF = """
UPDATE planner_execution_listrow SET action = NULL, seq = NULL, template_id = NULL, reason = %(reason)s
WHERE account_id = %(account)s AND occurrence_id = %(occurrence)s AND action = %(test)s AND cleared IS NOT TRUE
"""
# A number may be taken while its holder still moves, so they move by way of the negative ones.
_RENUMBER = """
UPDATE planner_execution_listrow r SET seq = -n.place
FROM (
    SELECT customer, seq, row_number() OVER (ORDER BY action DESC, seq) AS place
    FROM planner_execution_listrow
    WHERE account_id = %(account)s AND occurrence_id = %(occurrence)s AND action IS NOT NULL
) n
WHERE r.account_id = %(account)s AND r.occurrence_id = %(occurrence)s AND r.customer = n.customer AND n.place <> n.seq
"""
_SETTLE = """
UPDATE planner_execution_listrow SET seq = -seq
WHERE account_id = %(account)s AND occurrence_id = %(occurrence)s AND seq < 0
"""
_OVER = """
SELECT o.id FROM planner_campaigns_occurrence o
JOIN planner_campaigns_campaign c ON c.id = o.campaign_id AND c.account_id = o.account_id
WHERE o.account_id = %s AND o.state = ANY(%s) AND o.day + c.duration_days = %s ORDER BY o.id
"""
_RUNNING = """
SELECT o.id FROM planner_campaigns_occurrence o
JOIN planner_campaigns_campaign c ON c.id = o.campaign_id AND c.account_id = o.account_id
WHERE o.account_id = %s AND o.state = ANY(%s) AND %s BETWEEN o.day AND o.day + c.duration_days - 1 ORDER BY o.id
"""
_LAST = """
SELECT o.id, r.action FROM planner_campaigns_occurrence o
JOIN planner_execution_listrow r ON r.account_id = o.account_id AND r.occurrence_id = o.id AND r.customer = %s
WHERE o.account_id = %s AND o.state = ANY(%s) AND r.action IS NOT NULL
ORDER BY o.send_at DESC, o.id DESC LIMIT 1
"""
# all accounts: the tick works for every account
_DAYS = """
SELECT o.account_id, o.day, count(*) AS processed
FROM planner_campaigns_occurrence o
WHERE o.day BETWEEN %s AND %s AND o.state NOT IN ('draft', 'being cancelled', 'cancelled')
GROUP BY o.account_id, o.day
HAVING NOT bool_or(o.state IN ('scheduled', 'making list'))
   AND count(*) > coalesce((SELECT p.processed FROM planner_execution_processedday p
                            WHERE p.account_id = o.account_id AND p.day = o.day), 0)
"""
# The control group's numbers are left out: they hold nothing that the order of customers does not.
_HASHED = """
COPY (
    SELECT customer, CASE WHEN action = %s THEN seq END, action, template_id, reason FROM planner_execution_listrow
    WHERE account_id = %s AND occurrence_id = %s ORDER BY customer
) TO STDOUT
"""


def try_lock(occurrence_id: int) -> bool:
    """Take this session's lock on making an occurrence's list; a killed process loses it at once."""
    return bool(_one("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_CLASS, occurrence_id % 2**31])[0])


def unlock(occurrence_id: int) -> None:
    """Give the lock back."""
    _one("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_CLASS, occurrence_id % 2**31])


def load_members(file: Path) -> int:
    """COPY the engine's file of surrogates into a table of this transaction; rows loaded."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.members")
        cursor.execute("CREATE TEMP TABLE members (customer bigint NOT NULL) ON COMMIT DROP")
        with (
            cursor.copy("COPY members (customer) FROM STDIN (FORMAT csv)") as copy,
            file.open("rb") as source,
        ):  # type: ignore[attr-defined]
            while part := source.read(1 << 20):
                copy.write(part)
        cursor.execute("ANALYZE members")
        cursor.execute("SELECT count(*) FROM members")
        row = cursor.fetchone()
    return int(row[0])


def draw(
    account_id: int,
    occurrence_id: int,
    *,
    kind: str,
    channel_account_id: int,
    key: str,
    control: float,
    bounds: tuple[tuple[int, float], ...],
    pushed: bool = False,
) -> None:
    """Write one row per member: reason, control or test, template, dense seq over test.

    pushed: the channel has no messenger whose contacts could be read.
    """
    has, consent = _COLUMNS[kind]
    statement = _DRAW.format(
        unreachable="false" if pushed else f"k.customer_id IS NULL OR NOT k.{has}",
        consent=consent,
        copy=(_ANY_COPY if pushed else _COPY).format(has=has, consent=consent),
        control_action=CONTROL,
        test_action=TEST,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "account": account_id,
                "occurrence": occurrence_id,
                "channel_account": channel_account_id,
                "kind": kind,
                "key": f"{key}:{occurrence_id}",
                "control": control,
                "templates": [template for template, _ in bounds],
                "bounds": [bound for _, bound in bounds],
                "no_contact": NO_CONTACT,
                "no_consent": NO_CONSENT,
            },
        )
    failpoint("p3")


def counts(account_id: int, occurrence_id: int) -> dict[str, Any]:
    """How many test, control, and left out by reason; which templates are used."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT action, reason, template_id, count(*) FROM planner_execution_listrow "
            "WHERE account_id = %s AND occurrence_id = %s GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
            [account_id, occurrence_id],
        )
        rows = cursor.fetchall()
    return {
        "listed": sum(row[3] for row in rows),
        "targeted": sum(row[3] for row in rows if row[0] == TEST),
        "control": sum(row[3] for row in rows if row[0] == CONTROL),
        "skipped": {row[1]: row[3] for row in rows if row[0] is None},
        "templates": sorted(row[2] for row in rows if row[2] is not None),
    }


def list_hash(account_id: int, occurrence_id: int) -> str:
    """SHA-256 over the list's rows in order of customer, streamed."""
    digest = hashlib.sha256()
    with connection.cursor() as cursor, cursor.copy(_HASHED, [TEST, account_id, occurrence_id]) as copy:  # type: ignore[attr-defined]
        for part in copy:
            digest.update(part)
    return digest.hexdigest()


def page(account_id: int, occurrence_id: int, after: int, upto: int) -> list[ListedRow]:
    """The rows with these numbers: a page costs the same wherever it is."""
    with connection.cursor() as cursor:
        cursor.execute(_PAGE, [account_id, occurrence_id, after, upto])
        return list(map(ListedRow._make, cursor.fetchall()))


def say_cleared(account_id: int, occurrence_id: int, statuses: Mapping[str, bool]) -> int:
    """Write what a third party said of test customers; how many of them are on the list."""
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"customers": list(statuses), "statuses": list(statuses.values())}
        cursor.execute(_SAY, {"account": account_id, "occurrence": occurrence_id, "test": TEST, **values})
        return int(cursor.rowcount)


def take_off_uncleared(account_id: int, occurrence_id: int) -> None:
    """Mark the test rows that were not cleared as left out, and number the others densely again."""
    values: dict[str, Any] = {
        "account": account_id,
        "occurrence": occurrence_id,
        "test": TEST,
        "reason": NOT_CLEARED,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_OFF, values)
        if cursor.rowcount:
            cursor.execute(_RENUMBER, values)
            cursor.execute(_SETTLE, values)


def over_on(account_id: int, day: date, states: Sequence[str]) -> list[int]:
    """Occurrences whose measuring window is over on that day."""
    return [row[0] for row in _all(_OVER, [account_id, list(states), day])]


def running_on(account_id: int, day: date, states: Sequence[str]) -> list[int]:
    """Occurrences in whose measuring window that day is."""
    return [row[0] for row in _all(_RUNNING, [account_id, list(states), day])]


def last_of(account_id: int, customer: int, states: Sequence[str]) -> tuple[int, int] | None:
    """(occurrence, role) of the last list the customer was on."""
    found = _all(_LAST, [customer, account_id, list(states)])
    return found[0] if found else None


def processed_days(first: date, last: date) -> list[tuple[int, date, int]]:
    """(account, day, occurrences) of days all of whose occurrences are processed, more than when last told."""
    return _all(_DAYS, [first, last])


def _one(statement: str, values: list[Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()


def _all(statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
