"""What a snapshot's columns mean, with the choices and ranges found in them."""

from typing import Any

import duckdb

from tandem.planner.customers.score_words import score_attributes
from tandem.planner.customers.storage import name
from tandem.planner.engine.domain import Attribute, Kind

CHOICES = 50
_BUILT_IN: tuple[tuple[str, str, str, str, str], ...] = (
    ("first_order", "first order", "date", "Orders", "Day of the first purchase."),
    ("last_order", "last order", "date", "Orders", "Day of the last purchase."),
    ("orders", "orders", "number", "Orders", "Days with a purchase; purchases of one day are one order."),
    ("total_spent", "total spent", "money", "Orders", "Sum of all purchases, returns not taken off."),
    ("average_order", "average order", "money", "Orders", "Total spent per order."),
    ("first_day_value", "first order value", "money", "Orders", "What was spent on the first day."),
    ("days_since_last_order", "days since last order", "number", "Orders", "Days since the last purchase."),
    ("orders_30", "orders in 30 days", "number", "Orders", "Orders in the last 30 days."),
    ("orders_90", "orders in 90 days", "number", "Orders", "Orders in the last 90 days."),
    ("orders_365", "orders in 365 days", "number", "Orders", "Orders in the last 365 days."),
    ("spent_30", "spent in 30 days", "money", "Orders", "Spent in the last 30 days."),
    ("spent_90", "spent in 90 days", "money", "Orders", "Spent in the last 90 days."),
    ("spent_365", "spent in 365 days", "money", "Orders", "Spent in the last 365 days."),
    ("returns", "returns", "number", "Orders", "Lines returned or cancelled."),
    ("returned", "value returned", "money", "Orders", "Sum of returned or cancelled lines."),
    ("tenure_days", "tenure in days", "number", "Orders", "Days since the first purchase."),
    ("usual_gap", "usual gap in days", "number", "Orders", "Mean days between orders; none for one order."),
    ("main_category", "main category", "text", "Orders", "Category most was spent on."),
    ("stage", "lifecycle stage", "text", "Model", "Where the customer stands, from Registered only to Dormant."),
    ("microsegment", "micro-segment", "text", "Model", "Stage and habits of spending: customers who behave alike."),
    ("value_segment", "value segment", "text", "Model",
     "Diamond to Bronze, by future value; by last year's spend where no model can tell."),
    ("rfm_recency", "recency class", "number", "Model", "1 to 5, 5 = bought most recently."),
    ("rfm_frequency", "frequency class", "number", "Model", "1 to 5, 5 = bought most often."),
    ("rfm_monetary", "monetary class", "number", "Model", "1 to 5, 5 = spent most."),
    ("may_receive_email", "may receive email", "flag", "Consent", "Address and consent in that day's copy."),
    ("may_receive_sms", "may receive SMS", "flag", "Consent", "Number and consent in that day's copy."),
    ("may_be_profiled", "may be profiled", "flag", "Consent", "No objection to profiling: only then there are scores."),
)  # fmt: skip

#: what the orders say of a customer
ORDER_FEATURES = tuple(row[0] for row in _BUILT_IN if row[3] == "Orders")


def describe(
    session: duckdb.DuckDBPyConnection, profile: dict[str, tuple[str, str]]
) -> tuple[Attribute, ...]:
    """The catalogue of the table `customers`: built-in columns, then the profile's."""
    if "country" not in profile:
        profile = {**profile, "country": ("country", "text")}
    present = {row[0] for row in session.execute("DESCRIBE customers").fetchall()}
    built_in = (*_BUILT_IN, *score_attributes())
    taken = {row[0] for row in built_in}
    mine = [
        (n, label, kind, "Profile", f"{label}, from the imported files.")
        for n, (label, kind) in profile.items()
        if n not in taken
    ]
    return tuple(_attribute(session, *row) for row in (*built_in, *mine) if row[0] in present)


def _attribute(
    session: duckdb.DuckDBPyConnection, column: str, label: str, kind: str, group: str, meaning: str
) -> Attribute:
    low, high = _range(session, column) if kind in ("number", "money") else (None, None)
    choices = _choices(session, column) if kind == "text" else ()
    return Attribute(
        name=column,
        label=label,
        kind=Kind(kind),
        set=group,
        meaning=meaning,
        choices=choices,
        low=low,
        high=high,
    )


def _range(session: duckdb.DuckDBPyConnection, column: str) -> tuple[float | None, float | None]:
    row: Any = session.execute(
        f"SELECT min({name(column)})::DOUBLE, max({name(column)})::DOUBLE FROM customers"
    ).fetchone()
    return row


def _choices(session: duckdb.DuckDBPyConnection, column: str) -> tuple[str, ...]:
    rows = session.execute(
        f"SELECT {name(column)} AS v FROM customers WHERE v IS NOT NULL GROUP BY v "
        f"ORDER BY count(*) DESC, v LIMIT {CHOICES + 1}"
    ).fetchall()
    return tuple(str(row[0]) for row in rows) if len(rows) <= CHOICES else ()
