"""Days added one after the other give the rows that reading everything gives: features, history, stages."""

import os
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tandem.planner.customers import features, history, increment, state
from tandem.planner.modelling.lifecycle.domain import StageRules
from tandem.planner.modelling.lifecycle.queries import make_stages

FIRST = date(2026, 3, 1)
RULES = StageRules(new_days=28, at_risk_days=35, churn_days=80)
LINES = (
    'customer BIGINT, "at" TIMESTAMP, day DATE, value DECIMAL(18,2), quantity DOUBLE, category VARCHAR, '
    "kind VARCHAR, country VARCHAR"
)
ASKED = {
    "history": "SELECT h.* EXCLUDE (code), coalesce(category, code::VARCHAR) AS category FROM history h "
    "LEFT JOIN categories USING (code)",
    "orders": "SELECT * FROM orders", "features": "SELECT * FROM features", "daily": "SELECT * FROM daily",
    "returned": "SELECT * FROM returned", "favourite": "SELECT * FROM favourite", "home": "SELECT * FROM home",
    "stages": "SELECT * FROM stages",
}  # fmt: skip


def written(folder, number, lines):
    """An order file as an import leaves it."""
    file = folder / f"{number}.parquet"
    with duckdb.connect() as session:
        session.execute(f"CREATE TABLE lines ({LINES})")
        if lines:
            session.executemany("INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?, ?, ?)", lines)
        session.execute(f"COPY lines TO '{file}' (FORMAT parquet)")
    return file


def read_whole(session, files, as_of):
    increment.load_orders(session, files, as_of)
    history.prepare(session, batch=5)
    increment.load_homes(session, files, as_of)
    features.make(session, as_of)


def add(session, known, files, as_of):
    session.execute("BEGIN")
    increment.add_orders(session, known, files, as_of)
    history.renew(session, batch=5)
    increment.add_homes(session)
    features.renew(session, as_of)
    session.execute("COMMIT")


def seen(session, as_of):
    features.show(session, as_of)
    make_stages(session, as_of, RULES)
    return {name: sorted(map(repr, session.execute(query).fetchall())) for name, query in ASKED.items()}


def same_by_days(days):
    """days: (as-of, files by then); each is added to the one before, and compared with a reading of all."""
    with duckdb.connect(config={"threads": 1}) as kept:
        known = None
        for as_of, files in days:
            if known is None:
                read_whole(kept, files, as_of)
            else:
                add(kept, known, files, as_of)
                assert increment.missing(kept, files, as_of) == 0
            known = state.State(as_of=as_of, whole_on=as_of, files=state.marks(files))
            with duckdb.connect(config={"threads": 1}) as fresh:
                read_whole(fresh, files, as_of)
                assert seen(kept, as_of) == seen(fresh, as_of)


ONE = st.tuples(
    st.integers(1, 6),  # customer
    st.integers(-400, 12),  # the order's day, counted from the first as-of: late ones and ones of the future
    st.sampled_from([None, "hats", "shoes", "gloves", "a'b"]),
    st.integers(0, 5000),
    st.sampled_from(["sale", "sale", "sale", "return"]),
    st.sampled_from([None, "SE", "NO"]),
)


def line(customer, offset, category, cents, kind, country):
    day = FIRST + timedelta(days=offset)
    moment = datetime.combine(day, time(cents % 24))
    return (customer, moment, day, Decimal(cents) / 100, float(cents % 4), category, kind, country)


@settings(
    max_examples=int(os.environ.get("TANDEM_TEST_EXAMPLES", "3")),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    files=st.lists(st.lists(ONE, max_size=12), min_size=2, max_size=4),
    steps=st.lists(st.integers(0, 40), min_size=3, max_size=3),
)
def test_added_days_equal_a_reading_of_everything(tmp_path, files, steps):
    """A file comes with each day, a line may come twice, late, returned, or be dated ahead."""
    paths = [
        written(tmp_path, n, [line(*one) for one in lines] + [line(*one) for one in lines[:2]])
        for n, lines in enumerate(files)
    ]
    as_of, days = FIRST, []
    for place in range(3):
        days.append((as_of, paths[: place + 1] if place < 2 else paths))
        as_of += timedelta(days=steps[place])
    same_by_days(days)


def test_added_days_of_cdnow_equal_a_reading_of_everything(tmp_path, real):
    with duckdb.connect() as session:
        session.execute(
            "CREATE TABLE t AS SELECT a::BIGINT AS customer, strptime(b, '%Y%m%d') AS \"at\", "
            "strptime(b, '%Y%m%d')::DATE AS day, d::DECIMAL(18,2) AS value, c::DOUBLE AS quantity, NULL::VARCHAR AS "
            "category, 'sale' AS kind FROM (SELECT regexp_extract_all(line, '[0-9.]+') AS p, p[1] AS a, p[2] AS b, "
            f"p[3] AS c, p[4] AS d FROM read_csv('{real('CDNOW_master.txt')}', columns = {{'line': 'VARCHAR'}}, "
            "delim = '|', header = false)) WHERE a::BIGINT % 100 = 1"
        )
        files = []
        for n in range(3):  # the first has nearly all; every 50th line comes days late, in the last
            when = f"day <= DATE '1998-06-01' + {10 * n} AND day > DATE '1998-06-01' + {10 * (n - 1)}"
            when = "day <= DATE '1998-06-01'" if n == 0 else when
            late = "hash(customer, day) % 50 = 0"
            files.append(tmp_path / f"{n}.parquet")
            chosen = f"({when} AND NOT {late})" + (f" OR {late}" if n == 2 else "")
            session.execute(f"COPY (SELECT * FROM t WHERE {chosen}) TO '{files[-1]}' (FORMAT parquet)")
    same_by_days([(date(1998, 6, 1) + timedelta(days=10 * n), files[: n + 1]) for n in range(3)])


def test_what_cannot_be_gone_on_from_is_said():
    file = state.Mark(name="a", size=1)
    known = state.State(as_of=FIRST, whole_on=FIRST, files=(file,))
    later = FIRST + timedelta(days=1)
    assert state.doubt(known, (file, state.Mark(name="b", size=9)), later) == ""
    assert "taken out" in state.doubt(known, (state.Mark(name="a", size=2),), later)
    assert "once a week" in state.doubt(known, (file,), FIRST + timedelta(days=7))
    assert "lies before" in state.doubt(known, (file,), FIRST - timedelta(days=1))
    assert "no earlier" in state.doubt(None, (file,), later)


class Killed(BaseException):
    """What no step expects."""


class Killing:
    """Ends the build where a step begins, and notes what was done again."""

    def __init__(self, at=""):
        self.at, self.steps = at, []

    def begin(self, step):
        if step == self.at:
            raise Killed

    def share(self, step, share, words):
        assert 0 <= share <= 1

    def end(self, step, *, rows, words, again, failed=False):
        self.steps.append((step, again))


@pytest.fixture
def shop(account, write, clock):
    from tandem.planner.customers import service
    from tandem.planner.modelling.service import build_snapshot

    text = "customer_id,date,amount\nA,2026-01-01,10.00\nA,2026-06-20,20.00\nB,2025-01-01,7.50\n"
    service.import_orders(account.id, write("orders.csv", text), clock=clock)
    build_snapshot(account.id, date(2026, 6, 29), clock=clock)
    service.import_orders(
        account.id, write("more.csv", "customer_id,date,amount\nC,2026-06-30,1\n"), clock=clock
    )
    return account


def test_a_killed_build_goes_on_after_its_last_step(shop, clock):
    from tandem.planner.customers.service import building, latest_snapshot
    from tandem.planner.modelling.models import MicroSegment
    from tandem.planner.modelling.service import build_snapshot

    day = date(2026, 6, 30)
    names = [one[0] for one in building.STEPS]
    before = latest_snapshot(shop.id)
    for place in (2, 5, 7):
        watch = Killing(names[place])
        with pytest.raises(Killed):
            build_snapshot(shop.id, day, clock=clock, watch=watch)
        assert latest_snapshot(shop.id) == before
        assert [step for step, again in watch.steps] == names[:place]
    watch = Killing()
    ref = build_snapshot(shop.id, day, clock=clock, watch=watch)
    assert [step for step, again in watch.steps if not again] == ["publish"]
    with duckdb.connect(str(ref.cache), read_only=True) as session:
        rows = session.execute("SELECT * FROM customers ORDER BY customer").fetchall()
        tables = {row[0] for row in session.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    assert not tables & {"people", "stages", "scores", "segments", "touched", "arrived"}
    whole = build_snapshot(shop.id, day, clock=clock, whole=True)
    with duckdb.connect(str(whole.cache), read_only=True) as session:
        assert session.execute("SELECT * FROM customers ORDER BY customer").fetchall() == rows
    assert sum(MicroSegment.objects.filter(account_id=shop.id).values_list("members", flat=True)) == 3
    assert latest_snapshot(shop.id).published_at <= datetime.now(UTC)
