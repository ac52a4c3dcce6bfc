"""The rows of a snapshot being built: who is known, and all that is known of each, put together and written out."""

import shutil
from datetime import date
from pathlib import Path

import duckdb
import orjson
from django.db import connection

from tandem.planner.customers import identities
from tandem.planner.customers.models import ProfileAttribute
from tandem.planner.customers.service import ledger, overlay
from tandem.planner.customers.service.snapshot import CUSTOMERS_FILE, latest_profile
from tandem.planner.customers.storage import literal, pattern
from tandem.planner.customers.trees import RFM


def load_people(session: duckdb.DuckDBPyConnection, account_id: int, work: Path) -> int:
    """Make the table `people`: everybody who is not forgotten, and what they may receive; how many they are."""
    people = work / "people.csv"
    with connection.cursor() as cursor:
        identities.copy_out(
            cursor,
            "SELECT c.id, "
            "coalesce(bool_or(k.has_email AND k.email_consent AND p.no_email IS NOT TRUE), false), "
            "coalesce(bool_or(k.has_mobile AND k.sms_consent AND p.no_sms IS NOT TRUE), false), "
            "NOT EXISTS (SELECT 1 FROM planner_customers_profilingobjection o WHERE o.account_id = c.account_id "
            "AND o.customer_id = c.id AND o.lifted_at IS NULL) "
            "FROM planner_customers_customer c "
            "LEFT JOIN planner_customers_consent k ON k.account_id = c.account_id AND k.customer_id = c.id "
            "LEFT JOIN (SELECT channel_account_id, customer_id, bool_or(kind = 'email') AS no_email, "
            "bool_or(kind = 'sms') AS no_sms FROM planner_customers_channelpreference "
            "WHERE account_id = %s AND blocked GROUP BY channel_account_id, customer_id) p "
            "ON p.channel_account_id = k.channel_account_id AND p.customer_id = c.id "
            "WHERE c.account_id = %s AND NOT c.forgotten GROUP BY c.id",
            [account_id, account_id],
            people,
        )
    session.execute(
        f"CREATE OR REPLACE TABLE people AS SELECT * FROM read_csv({literal(people)}, auto_detect = false, header = "
        "false, delim = ',', "
        "columns = {'customer': 'BIGINT', 'may_receive_email': 'BOOLEAN', 'may_receive_sms': 'BOOLEAN', "
        "'profiled': 'BOOLEAN'})"
    )
    people.unlink()
    return _one(session, "SELECT count(*) FROM people")


def join_customers(session: duckdb.DuckDBPyConnection, account_id: int) -> int:
    """Make the table `customers`: the row of everybody, from all that was made before; how many they are."""
    profile = latest_profile(account_id)
    chosen = overlay.columns(session, account_id, profile, has_homes=_has_homes(session))
    joined = f"LEFT JOIN read_parquet({pattern(profile)}) a ON a.customer = p.customer" if profile else ""
    classes = ", ".join(f"{column}.class AS {column}" for column in RFM)
    joins = " ".join(f"LEFT JOIN {column} ON {column}.v = f.{order}" for column, order in RFM.items())
    session.execute(
        f"""CREATE OR REPLACE TABLE customers AS SELECT p.customer, f.first_order, f.last_order,
          coalesce(f.orders, 0) AS orders,
          coalesce(f.total_spent, 0)::DECIMAL(18,2) AS total_spent, f.average_order,
          coalesce(f.first_day_value, 0)::DECIMAL(18,2) AS first_day_value,
          {", ".join(f"coalesce(f.orders_{d}, 0) AS orders_{d}" for d in (30, 90, 365))},
          {", ".join(f"coalesce(f.spent_{d}, 0)::DECIMAL(18,2) AS spent_{d}" for d in (30, 90, 365))},
          coalesce(r.returns, 0) AS returns, coalesce(r.returned, 0)::DECIMAL(18,2) AS returned,
          f.days_since_last_order, f.tenure_days, f.usual_gap, c.main_category, {classes},
          coalesce(s.stage, 'Registered only') AS stage, g.* EXCLUDE (customer)
          {chosen}, p.may_receive_email, p.may_receive_sms,
          p.profiled AS may_be_profiled
        FROM people p LEFT JOIN segments g ON g.customer = p.customer
        LEFT JOIN features f ON f.customer = p.customer LEFT JOIN returned r ON r.customer = p.customer
        LEFT JOIN favourite c ON c.customer = p.customer LEFT JOIN stages s ON s.customer = p.customer
          LEFT JOIN written w ON w.customer = p.customer LEFT JOIN home h
          ON h.customer = p.customer {joins} {joined}"""
    )
    return _one(session, "SELECT count(*) FROM customers")


def own_values(session: duckdb.DuckDBPyConnection, account_id: int) -> str:
    """The query of everybody's own attributes as they stand in the snapshot being built: a column each."""
    profile = latest_profile(account_id)
    chosen = overlay.columns(session, account_id, profile, has_homes=_has_homes(session))
    filed = f"LEFT JOIN read_parquet({pattern(profile)}) a ON a.customer = p.customer" if profile else ""
    return (
        f"SELECT p.customer{chosen} FROM people p LEFT JOIN written w ON w.customer = p.customer "
        f"LEFT JOIN home h ON h.customer = p.customer {filed}"
    )


def _has_homes(session: duckdb.DuckDBPyConnection) -> bool:
    return bool(_one(session, "SELECT count(*) FROM home"))


def profile_labels(account_id: int) -> dict[str, tuple[str, str]]:
    """Attribute -> its label and kind."""
    rows = ProfileAttribute.objects.filter(account_id=account_id).order_by("id")
    return {row.name: (row.label, row.kind) for row in rows}


def write_parquet(session: duckdb.DuckDBPyConnection, files: list[Path], as_of: date, made: Path) -> None:
    """Write `customers` and a manifest into the folder `made`."""
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    session.execute(
        f"COPY (SELECT * FROM customers ORDER BY customer) TO {literal(made / CUSTOMERS_FILE)} "
        "(FORMAT parquet, COMPRESSION zstd)"
    )
    manifest = {
        "as_of": as_of.isoformat(),
        "customers": _one(session, "SELECT count(*) FROM customers"),
        "orders": _one(session, "SELECT count(*) FROM orders"),
        "order_files": [file.name for file in files],
        "customers_sha256": ledger.file_hash(made / CUSTOMERS_FILE),
    }
    (made / "manifest.json").write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))


def _one(session: duckdb.DuckDBPyConnection, query: str) -> int:
    row = session.execute(query).fetchone()
    return int(row[0]) if row else 0
