"""Makes features from `orders` and `history` in DuckDB, for everybody or only for some; `trees` says what they are.

What stays true from one day to the next as long as no line comes and no window moves on is kept (`*_kept`); what
counts days to the as-of is added when it is read.
"""

from datetime import date

import duckdb

from tandem.planner.customers import trees
from tandem.planner.customers.trees import RFM, duck

#: kept table -> the customers it is renewed for
_RENEWED = {"features_kept": "moved", "returned_kept": "touched", "favourite_kept": "touched"}
VIEWS = ("features", "returned", "favourite", "home", "daily")


def _rows(table: str, as_of: date, among: str = "") -> str:
    """The rows of a kept table, of everybody or of those in the table `among`."""
    if table == "features_kept":
        return duck(trees.features(as_of, among))
    return duck(trees.returned(among) if table == "returned_kept" else trees.favourite(among))


def make(session: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """Make the kept tables for everybody."""
    for table in _RENEWED:
        session.execute(f"CREATE OR REPLACE TABLE {table} AS {_rows(table, as_of)}")


def renew(session: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """Make the kept rows anew of those whose lines came (`touched`) or whose windows moved on (`moved`)."""
    for table, whose in _RENEWED.items():
        session.execute(f"DELETE FROM {table} WHERE customer IN (SELECT customer FROM {whose})")
        session.execute(f"INSERT INTO {table} {_rows(table, as_of, whose)}")


def show(session: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """Make `daily`, `features`, `returned`, `favourite`, `home` as views of the as-of, and the classes of RFM."""
    session.execute(f"CREATE OR REPLACE VIEW daily AS {duck(trees.daily())}")
    session.execute(f"CREATE OR REPLACE VIEW features AS {duck(trees.dated(as_of, 'features_kept'))}")
    for name in ("returned", "favourite"):
        session.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM {name}_kept")
    session.execute("CREATE OR REPLACE VIEW home AS SELECT customer, country FROM home_kept")
    for column, feature in RFM.items():
        session.execute(f"CREATE OR REPLACE TABLE {column} AS {duck(trees.classes(feature, 'features'))}")
