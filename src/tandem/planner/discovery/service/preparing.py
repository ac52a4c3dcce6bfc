"""What a search looks at: customers as they stood when the period began, and what they did in it.

Columns are what models may use. Own attributes are those of the snapshot of that day or before it: today's values may
already know what came later. Who objects to profiling is not looked at.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
from django.db import connection

from tandem.planner.customers import identities, storage
from tandem.planner.customers import service as customers
from tandem.planner.customers.domain import SnapshotRef
from tandem.planner.customers.models import ProfilingObjection
from tandem.planner.customers.service.purposes import CATEGORY
from tandem.planner.customers.storage import literal, pattern
from tandem.planner.discovery.asked import LEAST_BEFORE, nobody_responded, too_short
from tandem.planner.discovery.domain import Dropped, Feature, GoalKind, Outcome, Side
from tandem.planner.discovery.frames import SPENT_ON, Frame, Own, features_of, frame
from tandem.planner.discovery.translating import Document
from tandem.planner.execution import service as execution
from tandem.planner.modelling import service as modelling

CUSTOMERS_FILE = "customers.parquet"
_PROFILE = "Profile"
_UPLIFT = (GoalKind.UPLIFT_ORDERS, GoalKind.UPLIFT_SPENDS)
_OF_CAMPAIGN = (GoalKind.RESPONDS, *_UPLIFT)
#: who was considered: 1 control, 2 got it; and whether they opened or clicked
_LISTED = """SELECT l.customer, l.action, EXISTS (SELECT 1 FROM planner_results_interaction i
      WHERE i.account_id = l.account_id AND i.customer = l.customer AND i.occurrence_id = l.occurrence_id
        AND i.event_id IN (2, 3)) AS responded
    FROM planner_execution_listrow l WHERE l.account_id = %s AND l.occurrence_id = %s AND l.action IN (1, 2)"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """Ready to be searched; `why` says in words why it cannot be."""

    day: date
    until: date
    frame: Frame | None = None
    features: tuple[Feature, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    outcome: Outcome | None = None
    buyers: bool = True
    besides: tuple[Document, ...] = ()
    why: str = ""


@contextmanager
def opened(snapshot: SnapshotRef, label: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB session with the snapshot's tables under `snap`; who objects is in the table `objecting`."""
    work = storage.folder(snapshot.account_id, "work") / f"discovery-{label}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        with storage.duck(work) as session:
            session.execute(f"ATTACH {literal(snapshot.cache)} AS snap (READ_ONLY)")
            session.execute(
                "CREATE TEMP TABLE objecting AS SELECT unnest(?::BIGINT[]) AS customer",
                [_objecting(snapshot.account_id)],
            )
            yield session
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _objecting(account_id: int) -> list[int]:
    rows = ProfilingObjection.objects.filter(account_id=account_id, lifted_at=None)
    return list(rows.values_list("customer_id", flat=True))


def prepare(
    session: duckdb.DuckDBPyConnection,
    snapshot: SnapshotRef,
    goal: GoalKind,
    day: date,
    days: int,
    occurrence_id: int | None = None,
    categories: tuple[str, ...] = (),
) -> Prepared:
    """The customers of a goal at the end of `day`, and what they did in the `days` after it; categories: as `frame`."""
    account_id = snapshot.account_id
    until = min(day + timedelta(days=days), snapshot.as_of)
    known = customers.order_days(account_id)
    if goal not in _OF_CAMPAIGN and (known is None or (day - known[0]).days < LEAST_BEFORE):
        return Prepared(day=day, until=until, why=too_short(known[0] if known else None, days))
    if occurrence_id is not None:
        _listed(session, account_id, occurrence_id)
    churn = modelling.stage_rules(account_id).churn_days
    own, own_from, dropped = _own(account_id, day)
    found = frame(
        session, day, until, orders="snap.orders", chosen=_chosen(goal, churn), own=own, own_from=own_from,
        categories=categories,
    )  # fmt: skip
    if not len(found.customers):
        return Prepared(day=day, until=until, why=too_short(known[0] if known else None, days))
    outcome = _outcome(session, goal, found)
    if goal is GoalKind.RESPONDS and not outcome.y.any():
        return Prepared(day=day, until=until, why=nobody_responded())
    allowed = frozenset(customers.model_columns(account_id)) | set(own)
    if CATEGORY not in allowed:
        found = _without_what_was_bought(found)
    features, told_nothing = features_of(found, own, allowed)
    besides = (
        ({"field": "days_since_last_order", "operator": "<=", "value": churn},)
        if goal is GoalKind.CHURNS
        else ()
    )
    return Prepared(
        day=day, until=until, frame=found, features=features, dropped=(*told_nothing, *dropped), outcome=outcome,
        buyers=goal not in _OF_CAMPAIGN, besides=besides,
    )  # fmt: skip


def _without_what_was_bought(found: Frame) -> Frame:
    """Not even as a column: what looks at it later does not find it."""
    kept = {
        name: one for name, one in found.raw.items() if name != CATEGORY and not name.startswith(SPENT_ON)
    }
    return replace(found, raw=kept)


def _chosen(goal: GoalKind, churn_days: int) -> str:
    source = "stood"
    if goal is GoalKind.RESPONDS:
        source = "(SELECT customer FROM listed WHERE action = 2)"
    elif goal in _UPLIFT:
        source = "listed"
    only = f"WHERE days_since_last_order <= {churn_days:d}" if goal is GoalKind.CHURNS else ""
    return f"""SELECT customer FROM {source} SEMI JOIN snap.customers USING (customer)
      ANTI JOIN objecting USING (customer) {only}"""


def _listed(session: duckdb.DuckDBPyConnection, account_id: int, occurrence_id: int) -> None:
    file = storage.folder(account_id, "work") / f"discovery-list-{occurrence_id}.csv"
    try:
        with connection.cursor() as cursor:
            identities.copy_out(cursor, _LISTED, [account_id, occurrence_id], file)
        session.execute(
            f"CREATE OR REPLACE TEMP TABLE listed AS SELECT * FROM read_csv({literal(file)}, auto_detect = false, "
            "header = false, delim = ',', "
            "columns = {'customer': 'BIGINT', 'action': 'INTEGER', 'responded': 'BOOLEAN'})"
        )
    finally:
        file.unlink(missing_ok=True)


def _own(account_id: int, day: date) -> tuple[dict[str, Own], str, tuple[Dropped, ...]]:
    """Own attributes as they were on a day, where they are, and why others are left out."""
    allowed = set(customers.model_columns(account_id))
    today = [one for one in customers.catalogue(account_id) if one.set == _PROFILE and one.name in allowed]
    before = customers.snapshot_on(account_id, day)
    file = before.parquet / CUSTOMERS_FILE if before else None
    if before is None or file is None or not file.is_file():
        reason = f"What it was on {day:%-d %B %Y} is not known: no snapshot is so old."
        return {}, "", tuple(Dropped(name=one.label, reason=reason) for one in today)
    then = {one.name: one.kind for one in customers.snapshot_catalogue(account_id, before.id)}
    usable = [one for one in today if then.get(one.name) == one.kind and one.kind != "date"]
    left = [one for one in today if one not in usable]
    dropped = tuple(
        Dropped(
            name=one.label,
            reason="Dates are not looked at."
            if one.kind == "date"
            else f"It was not there on {day:%-d %B %Y}.",
        )
        for one in left
    )
    own = {one.name: Own(label=one.label, kind=str(one.kind)) for one in usable}
    return own, f"read_parquet({pattern(file)})", dropped


def _outcome(session: duckdb.DuckDBPyConnection, goal: GoalKind, found: Frame) -> Outcome:
    if goal in _OF_CAMPAIGN:
        return _of_campaign(session, goal, found)
    return outcome_of(goal, found)


def outcome_of(goal: GoalKind, found: Frame) -> Outcome:
    """The outcome of a goal that orders alone tell."""
    if goal is GoalKind.SURPRISE:
        return Outcome(goal=goal, y=found.bought, rfm=found.rfm, side=Side.BOTH)
    if goal is GoalKind.SPENDS:
        return Outcome(goal=goal, y=found.spent)
    if goal is GoalKind.CHURNS:
        return Outcome(goal=goal, y=1.0 - found.bought)
    return Outcome(goal=goal, y=found.bought)


def _of_campaign(session: duckdb.DuckDBPyConnection, goal: GoalKind, found: Frame) -> Outcome:
    listed: Mapping[str, Any] = session.execute(
        "SELECT customer, action, responded FROM listed ORDER BY customer"
    ).fetchnumpy()
    places = np.searchsorted(np.asarray(listed["customer"]), found.customers)
    if goal is GoalKind.RESPONDS:
        return Outcome(goal=goal, y=np.asarray(listed["responded"])[places].astype(np.float64))
    treated = np.asarray(listed["action"])[places] == 2
    return Outcome(
        goal=goal, y=found.bought if goal is GoalKind.UPLIFT_ORDERS else found.spent, treated=treated
    )


def period_of(account_id: int, snapshot: SnapshotRef, days: int, occurrence_id: int | None) -> date:
    """The day on which customers are looked at: of a campaign its list's, else `days` before the snapshot's."""
    if occurrence_id is None:
        return snapshot.as_of - timedelta(days=days)
    made_from = date.fromisoformat(execution.list_summary(account_id, occurrence_id).as_of)
    return min(made_from, snapshot.as_of)
