"""The map between customer ids and surrogates, moved in bulk: DuckDB and PostgreSQL speak CSV through COPY."""

import hashlib
import hmac
from pathlib import Path
from typing import Any

import duckdb
from django.conf import settings
from django.db import connection, transaction

from tandem.kit.secrets import new_token
from tandem.planner.customers.models import ForgetKey, Forgotten
from tandem.planner.customers.storage import literal

_CHUNK = 1 << 18


def copy_in(cursor: Any, file: Path, into: str) -> None:
    """COPY a CSV file's bytes into a table, as they are."""
    with file.open("rb") as source, cursor.copy(f"COPY {into} FROM STDIN (FORMAT csv)") as target:
        while chunk := source.read(_CHUNK):
            target.write(chunk)


def copy_out(cursor: Any, query: str, values: list[Any], file: Path) -> None:
    """COPY a query's rows into a CSV file."""
    with file.open("wb") as target, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)", values) as source:
        for chunk in source:
            target.write(chunk)


def write_csv(session: duckdb.DuckDBPyConnection, query: str, file: Path) -> None:
    """Write a DuckDB query's rows as CSV that COPY reads back: text always quoted, NULL bare."""
    session.execute(
        f"COPY ({query}) TO {literal(file)} (FORMAT csv, HEADER false, DELIMITER ',', QUOTE '\"', ESCAPE '\"', "
        "FORCE_QUOTE (customer))"
    )


def map_customers(session: duckdb.DuckDBPyConnection, account_id: int, ids: str, work: Path) -> int:
    """Make DuckDB's table `map(customer_id, customer)` for the ids of the query `ids` (one column `customer`).

    Ids new to the account get a surrogate; forgotten ones are left out. Returns the number of new customers.
    """
    given, back = work / "ids.csv", work / "map.csv"
    write_csv(session, ids, given)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "DROP TABLE IF EXISTS pg_temp.given; CREATE TEMP TABLE given (customer_id text) ON COMMIT DROP"
        )
        copy_in(cursor, given, "given")
        _leave_out_forgotten(cursor, account_id)
        cursor.execute("ANALYZE given")
        cursor.execute(
            "INSERT INTO planner_customers_customer (account_id, customer_id, identity, forgotten) "
            "SELECT %s, g.customer_id, '{}', false FROM given g WHERE NOT EXISTS (SELECT 1 FROM "
            "planner_customers_customer c WHERE c.account_id = %s AND c.customer_id = g.customer_id) "
            "ON CONFLICT (account_id, customer_id) DO NOTHING",
            [account_id, account_id],
        )
        made: int = cursor.rowcount
        copy_out(
            cursor,
            "SELECT c.customer_id, c.id FROM given g JOIN planner_customers_customer c "
            "ON c.account_id = %s AND c.customer_id = g.customer_id WHERE NOT c.forgotten",
            [account_id],
            back,
        )
    session.execute(
        f"CREATE OR REPLACE TEMP TABLE map AS SELECT * FROM read_csv({literal(back)}, auto_detect = false, "
        "header = false, "
        "delim = ',', quote = '\"', escape = '\"', columns = {'customer_id': 'VARCHAR', 'customer': 'BIGINT'})"
    )
    given.unlink()
    back.unlink()
    return made


def _leave_out_forgotten(cursor: Any, account_id: int) -> None:
    if not Forgotten.objects.filter(account_id=account_id).exists():
        return
    inner, outer = _pads(_key(account_id))
    cursor.execute(
        "DELETE FROM given WHERE encode(sha256(%s::bytea || sha256(%s::bytea || convert_to(customer_id, "
        "'UTF8'))), 'hex') "
        "IN (SELECT keyed_hash FROM planner_customers_forgotten WHERE account_id = %s)",
        [outer, inner, account_id],
    )


def keyed_hash(account_id: int, customer_id: str) -> str:
    """HMAC-SHA-256 of the id under the account's key, hex; the same that the import computes in SQL."""
    return hmac.new(_key(account_id), customer_id.encode(), hashlib.sha256).hexdigest()


def _key(account_id: int) -> bytes:
    where = f"{account_id}:forget key"
    row = ForgetKey.objects.filter(account_id=account_id).first()
    if row is None:
        sealed = settings.TANDEM_VAULT.seal(new_token(), where=where)
        row, _ = ForgetKey.objects.get_or_create(account_id=account_id, defaults={"sealed": sealed})
    opened: str = settings.TANDEM_VAULT.open(row.sealed, where=where)
    return hashlib.sha256(opened.encode()).digest()


def _pads(key: bytes) -> tuple[bytes, bytes]:
    block = key.ljust(64, b"\0")
    return bytes(b ^ 0x36 for b in block), bytes(b ^ 0x5C for b in block)
