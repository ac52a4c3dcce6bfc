"""Who moved between stages or segments over a day, a week or a month: counts, rates, what they spent meanwhile.

A description of the past, not a forecast: multiplying such rates tells future spend wrongly.
"""

import csv
import io
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

import duckdb

from tandem.kit.problems import Refused
from tandem.planner.customers import service as customers
from tandem.planner.customers.rights import described
from tandem.planner.customers.service.snapshot import CUSTOMERS_FILE
from tandem.planner.customers.storage import name, pattern
from tandem.planner.modelling.lifecycle.domain import Stage
from tandem.planner.modelling.segments.domain import VALUE_SEGMENTS

SPANS = {"day": 1, "week": 7, "month": 28}
#: what may be looked at -> its names in the order they are drawn; micro-segments have those of the two days
ORDER: dict[str, tuple[str, ...]] = {
    "stage": (
        Stage.REGISTERED, Stage.NEW, Stage.ACTIVE, Stage.AT_RISK, Stage.CHURN, Stage.DORMANT, Stage.FROM_CHURN,
    ),
    "value_segment": VALUE_SEGMENTS,
    "microsegment": (),
}  # fmt: skip
NOT_YET = "Not yet a customer"
NONE = "None"


@dataclass(frozen=True, kw_only=True)
class Flow:
    """Customers who were in `before` and are in `after` now; None = in none.

    share: of all who were in `before`, None of too few of these; revenue: what they spent between the two days, None
    of too few customers.
    """

    before: str | None
    after: str | None
    customers: int
    share: float | None
    revenue: Decimal | None

    @property
    def moved(self) -> bool:
        """Whether they are elsewhere than before."""
        return self.before != self.after


@dataclass(frozen=True, kw_only=True)
class Movement:
    """The flows between two days; names: rows and columns of the picture; before None: no earlier snapshot."""

    what: str
    span: str
    before: date | None
    after: date
    names: tuple[str, ...]
    flows: tuple[Flow, ...]
    words: str

    def cell(self, before: str | None, after: str | None) -> Flow | None:
        """The flow between two names; None where nobody went that way."""
        return self._cells.get((before, after))

    @cached_property
    def _cells(self) -> dict[tuple[str | None, str | None], Flow]:
        return {(flow.before, flow.after): flow for flow in self.flows}


def movement(account_id: int, what: str, span: str, *, day: date | None = None) -> Movement:
    """Who moved up to a day (None = the newest snapshot's) over a span. Raises Refused, NoSnapshot.

    what: stage, value_segment or microsegment; span: day, week or month of 28 days. Compared are the newest snapshot
    up to the day and the newest one at least a span older.
    """
    if what not in ORDER or span not in SPANS:
        raise Refused(
            f"There is no movement of {what} over a {span}.",
            "Take stage, value_segment or microsegment, and day, week or month.",
        )
    after = (customers.snapshot_on(account_id, day) if day else None) or customers.latest_snapshot(account_id)
    before = customers.snapshot_on(account_id, after.as_of - timedelta(days=SPANS[span]))
    if before is None:
        words = f"There is no snapshot a {span} older than that of {after.as_of}; come back in a {span}."
        return Movement(
            what=what, span=span, before=None, after=after.as_of, names=ORDER[what], flows=(), words=words
        )
    files = before.parquet / CUSTOMERS_FILE, after.parquet / CUSTOMERS_FILE
    with duckdb.connect(":memory:", config={"threads": 2}) as session:
        flows = _flows(session, what, *(f"read_parquet({pattern(file)})" for file in files))
    return Movement(
        what=what, span=span, before=before.as_of, after=after.as_of, names=_names(what, flows), flows=flows,
        words=_words(flows, before.as_of, after.as_of),
    )  # fmt: skip


def _flows(session: duckdb.DuckDBPyConnection, what: str, was: str, now: str) -> tuple[Flow, ...]:
    column = [
        name(what) if what in {r[0] for r in session.execute(f"DESCRIBE FROM {side}").fetchall()} else "NULL"
        for side in (was, now)
    ]
    rows = session.execute(
        f"""SELECT before, after, sum(n)::BIGINT, (sum(sum(n)) OVER (PARTITION BY before))::BIGINT, sum(spent)
        FROM (SELECT CASE WHEN b.customer IS NULL THEN ? ELSE b.v END AS before, a.v AS after, count(*) AS n,
          sum(a.total_spent - coalesce(b.total_spent, 0))::DECIMAL(18,2) AS spent
        FROM (SELECT customer, {column[1]} AS v, total_spent FROM {now}) a LEFT JOIN
          (SELECT customer, {column[0]} AS v, total_spent FROM {was}) b ON b.customer = a.customer GROUP BY 1, 2)
        GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2""",
        [NOT_YET],
    ).fetchall()
    return tuple(
        Flow(
            before=before, after=after, customers=n, share=n / of if described(of) else None,
            revenue=spent if described(n) else None,
        )
        for before, after, n, of, spent in rows
    )  # fmt: skip


def _names(what: str, flows: tuple[Flow, ...]) -> tuple[str, ...]:
    """The known names in their order, then others by name; those of no customer at both days are left out."""
    met = {one for flow in flows for one in (flow.before, flow.after) if one and one != NOT_YET}
    known = [str(one) for one in ORDER[what] if one in met]
    return (*known, *sorted(met - {*known}))


def _words(flows: tuple[Flow, ...], before: date, after: date) -> str:
    known = sum(flow.customers for flow in flows if flow.before != NOT_YET)
    moved = sum(flow.customers for flow in flows if flow.moved and flow.before != NOT_YET)
    new = sum(flow.customers for flow in flows if flow.before == NOT_YET)
    share = f" ({moved / known:.1%})" if described(known) else ""
    joined = f" {new:,} are new." if new else ""
    return f"From {before} to {after} {moved:,} of {known:,} customers moved{share}.{joined}"


def movement_csv(found: Movement) -> str:
    """The flows, largest first, as CSV with a header."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("before", "after", "customers", "share", "revenue"))
    for flow in found.flows:
        names = (flow.before or NONE, flow.after or NONE)
        writer.writerow(
            (*names, flow.customers, "" if flow.share is None else f"{flow.share:.6f}", flow.revenue)
        )
    return out.getvalue()
