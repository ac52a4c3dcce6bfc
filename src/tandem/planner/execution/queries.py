"""The set-based SQL of the freeze and of the pages that are served."""

import hashlib
from pathlib import Path
from typing import Any

from django.db import connection

from tandem.kit.failpoints import failpoint
from tandem.planner.execution.domain import CONTROL, NO_CONSENT, NO_CONTACT, TEST

_LOCK_CLASS = 7301  # the advisory locks of list making

_DRAW = """
INSERT INTO planner_execution_listrow (account_id, occurrence_id, customer, seq, action, template_id, reason)
WITH seen AS (
    SELECT c.id AS customer,
           CASE WHEN k.customer_id IS NULL OR NOT k.{has} THEN %(no_contact)s
                WHEN NOT k.{consent} THEN %(no_consent)s
                ELSE '' END AS reason,
           encode(sha256(convert_to(%(key)s || ':' || c.id, 'UTF8')), 'hex') AS draw
    FROM members m
    JOIN planner_customers_customer c ON c.id = m.customer AND c.account_id = %(account)s AND NOT c.forgotten
    LEFT JOIN planner_customers_consent k
           ON k.account_id = %(account)s AND k.channel_account_id = %(channel_account)s AND k.customer_id = c.id
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
       CASE WHEN action = {test_action} THEN row_number() OVER (PARTITION BY action ORDER BY customer) END,
       action,
       CASE WHEN action = {test_action}
            THEN (SELECT t.template FROM unnest(%(templates)s::bigint[], %(bounds)s::float8[]) AS t (template, bound)
                  WHERE second < t.bound ORDER BY t.bound LIMIT 1) END,
       reason
FROM split
"""
_COLUMNS = {"email": ("has_email", "email_consent"), "sms": ("has_mobile", "sms_consent")}

_PAGE = """
SELECT r.seq, c.customer_id, r.template_id
FROM planner_execution_listrow r
JOIN planner_customers_customer c ON c.id = r.customer AND c.account_id = r.account_id
WHERE r.account_id = %s AND r.occurrence_id = %s AND r.seq > %s AND r.seq <= %s
ORDER BY r.seq
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
) -> None:
    """Write one row per member: reason, control or test, template, dense seq over test."""
    has, consent = _COLUMNS[kind]
    statement = _DRAW.format(has=has, consent=consent, control_action=CONTROL, test_action=TEST)
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "account": account_id,
                "occurrence": occurrence_id,
                "channel_account": channel_account_id,
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
    statement = (
        "COPY (SELECT customer, seq, action, template_id, reason FROM planner_execution_listrow "
        "WHERE account_id = %s AND occurrence_id = %s ORDER BY customer) TO STDOUT"
    )
    with connection.cursor() as cursor, cursor.copy(statement, [account_id, occurrence_id]) as copy:  # type: ignore[attr-defined]
        for part in copy:
            digest.update(part)
    return digest.hexdigest()


def page(account_id: int, occurrence_id: int, skip: int, top: int) -> list[tuple[int, str, int]]:
    """(seq, customer id, template id) of the test rows after `skip`: a page costs the same wherever it is."""
    with connection.cursor() as cursor:
        cursor.execute(_PAGE, [account_id, occurrence_id, skip, skip + top])
        return cursor.fetchall()


def _one(statement: str, values: list[Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()
