"""The measures, the calibration, and whole runs: logs of every kind, the same rows again, the registry."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import isfinite
from unittest.mock import patch

import duckdb
import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.told import ASKED, answered, told
from typer.testing import CliRunner

from tandem.planner.cli.models import app as commands
from tandem.planner.customers import service as customers
from tandem.planner.modelling.learning import estimators, folding, keeping, measures, running, service
from tandem.planner.modelling.learning.beside import Beside, Column, Stood
from tandem.planner.modelling.learning.calibration import Calibration, calibrated, rising
from tandem.planner.modelling.learning.choosing import Choice, choose
from tandem.planner.modelling.learning.converting import Waiting, chances, convert
from tandem.planner.modelling.learning.domain import Evidence, Model, Rung
from tandem.planner.modelling.learning.folding import Fold, completed
from tandem.planner.modelling.learning.learning import usable
from tandem.planner.modelling.learning.running import Wish, run
from tandem.planner.modelling.learning.service import backtest
from tandem.planner.modelling.learning.service.beside import then
from tandem.planner.modelling.learning.service.conversion import Conversions, _known
from tandem.planner.modelling.learning.service.score import _stored
from tandem.planner.modelling.lifecycle.domain import StageRules
from tandem.planner.modelling.models import ModelRun
from tandem.planner.modelling.segments import overview
from tandem.planner.modelling.service import build_snapshot
from tandem.planner.targeting import service as targeting

FIRST, LAST = date(2025, 9, 1), date(2026, 6, 30)
RULES = StageRules(new_days=28, at_risk_days=45, churn_days=90)
SPAN = (LAST - FIRST).days
QUESTIONS = [Model.VALUE, Model.CHURN, Model.REACTIVATION, Model.TOP]
pytestmark = pytest.mark.models
NUMBERS = st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 9)), min_size=1, max_size=30)


@given(NUMBERS)
def test_measures_equal_their_plain_definitions(rows):
    score, hit, value = (np.array(column) for column in zip(*rows, strict=True))
    score, value = score.astype(float), value.astype(float)
    pairs = [(a > b) + (a == b) / 2 for a in score[hit] for b in score[~hit]]
    assert measures.auc(score, hit) == (pytest.approx(np.mean(pairs)) if pairs else None)
    left, got = 0.1 * len(score), 0.0
    for one in sorted(set(score), reverse=True):
        among = score == one
        got += value[among].sum() * min(1, max(0, left / among.sum()))
        left -= among.sum()
    assert measures.capture(score, value) == (pytest.approx(got / value.sum()) if value.sum() else None)
    assert sum(one.customers for one in measures.deciles(score, value)) == len(score)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=20))
def test_rising_values_never_fall_and_keep_their_sum(values):
    found = rising(np.array(values))
    assert (np.diff(found) >= -1e-9).all() and found.sum() == pytest.approx(sum(values))


def test_the_level_is_the_mean_of_the_back_tests_and_is_flagged_far_from_one():
    once = np.ones(100)
    level = calibrated([(once, 2 * once), (once, once), (once[:3], 9 * once[:3])])
    assert level.factor == pytest.approx(1.5) and level.factors == (2.0, 1.0, None) and level.flagged
    assert not Calibration(factor=1.1).flagged
    assert calibrated([]).factor == 1 and calibrated([(once * 0, once)]).factor == 1


def test_a_back_test_is_never_calibrated_by_itself_or_by_later_ones():
    def fold(day, answers):
        n = len(next(iter(answers.values())))
        return Fold(day=day, horizon=30, stage=np.zeros(n, np.int8), answers=answers, refused={},
                    actual=np.arange(n, dtype=float), past=np.arange(n, dtype=float))  # fmt: skip

    doubled, right = 2 * np.arange(300.0), np.arange(300.0)
    days = [LAST - timedelta(days=30 * n) for n in (1, 2, 3)]
    folds = [fold(day, {Rung.PACE: doubled, Rung.BOOSTING: right}) for day in days]
    assert [one.day for one in completed(folds, days[0])] == days[1:]
    choice = choose(folds, value=True)
    # the oldest cannot be calibrated and is not judged; calibrated by older ones both methods are as good
    assert choice.rung is Rung.PACE and max(one.folds for one in choice.candidates) == 2
    assert choose(folds[2:], value=True).rung is Rung.BOOSTING  # one alone: as they are


def test_a_stage_with_enough_cases_has_trees_of_its_own(monkeypatch):
    """In the first stage the figure speaks for, in the second against coming back; the third has few cases."""
    stage = np.repeat([0, 1, 2], [1500, 1500, 300])
    frame = told(3300, stage, lambda s, f: np.select([s == 0, s == 1], [0.6 * f, 0.6 - 0.6 * f], 0.05))
    monkeypatch.setattr(estimators, "TREES", 20)
    trained, fold = answered(ASKED, frame)
    assert {name for name in trained.estimators if "@" in name} == {"chance@0", "chance@1"}
    for number in (0, 1):
        mine = fold.of_stage(number)
        assert set(mine.answers) == {Rung.BASE, Rung.LOGISTIC, Rung.BOOSTING, Rung.STAGED}
        assert measures.auc(mine.answers[Rung.STAGED], mine.actual > 0) > 0.65
    assert "200 cases" in fold.of_stage(2).refused[Rung.STAGED]
    assert Rung.STAGED not in fold.whole.answers and Rung.BOOSTING in fold.whole.answers
    taken = choose([fold.of_stage(0)], value=False).candidates
    for number in (0, 2):
        choice = Choice(rung=Rung.STAGED, why="", candidates=taken)
        able = usable(choice, None, trained, value=False, stage=number)
        assert (able is Rung.STAGED) == (number == 0) and able is not Rung.NONE


def log(people, days_of, value_of=lambda i, n: 10 + i % 7 + n % 5):
    """Lines of people who buy on the days (counted from FIRST) that `days_of` says."""
    lines = ["customer_id,date,amount"]
    for i in range(people):
        lines += [
            f"c{i},{FIRST + timedelta(days=int(day))},{value_of(i, n)}" for n, day in enumerate(days_of(i))
        ]
    return "\n".join(lines) + "\n"


def habits(i):
    """Some come every month until they stop, some now and then, some once."""
    rng = np.random.default_rng(i)
    first = rng.integers(0, 150)
    if i % 3 == 0:
        return range(first, min(SPAN, first + 30 * rng.integers(1, 12)), 30)
    gaps = rng.exponential(12 + 60 * rng.random(), size=rng.integers(1, 20)) + 1
    return [day for day in np.unique(first + np.cumsum(gaps).astype(int)) if day <= SPAN]


ODD = {
    "a single customer": (log(1, lambda i: range(0, SPAN, 9)), "Only 1 customers"),
    "too young": (log(150, lambda i: [SPAN - i % 20]), "covers 19 days"),
    "only returns": (log(120, lambda i: [i % 50], lambda i, n: -5), "no purchases"),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_odd_logs_are_told_about_and_make_no_model(name, clock, write):
    text, words = ODD[name]
    report = service.backtest_file(write("log.csv", text), clock=clock)
    assert words in " ".join(report.notes), report.notes
    assert report.evidence.models == ()


def beside(text, *more):
    """A log with further lines or, of words with commas, with further columns."""
    return text + "\n".join(more) + "\n"


def lines_of(text):
    return text.splitlines()[1:]


USUAL = log(130, habits, lambda i, n: 0 if i % 3 else 9 + n % 4)
WELL = log(130, lambda i: [n for n in range(i % 9, 270, 3) if not 60 < n < 90])
#: each is long and wide enough to learn from: name -> its lines, what is said of it
ODD_ENOUGH = {
    "returns, duplicates, a third free of charge": (
        beside(USUAL, *lines_of(USUAL)[:200], *lines_of(log(60, lambda i: [150], lambda i, n: -3))),
        ("are returns", "equal another", "have no amount")),
    "10,000 categories, an empty column, missing days": (
        "\n".join(f"{line},{f'k{n}' if n else 'category'},{'' if n else 'nothing'}"
                  for n, line in enumerate(WELL.splitlines())), ("No sale from 2025-11-01",)),
    "one amount, days to come": (
        beside(log(130, habits, lambda i, n: 5), *lines_of(log(40, lambda i: [SPAN + 400]))),
        ("the same amount", "date in the future")),
}  # fmt: skip


def numbers_in(found):
    if isinstance(found, dict | list | tuple):
        for one in found.values() if isinstance(found, dict) else found:
            yield from numbers_in(one)
    elif isinstance(found, float):
        yield found


@pytest.mark.parametrize("name", ODD_ENOUGH)
def test_odd_logs_that_are_long_enough_are_learnt_from_and_every_number_is_one(
    name, clock, write, monkeypatch
):
    text, words = ODD_ENOUGH[name]
    made = {}

    def kept(session, day, wish):
        store = run(session, day, wish)
        made.update(session.execute("SELECT * EXCLUDE (customer) FROM scores").fetchnumpy())
        return store

    monkeypatch.setattr(backtest, "run", kept)
    monkeypatch.setattr(folding, "MOST_FOLDS", 2)
    monkeypatch.setattr(estimators, "TREES", 15)
    monkeypatch.setattr(estimators, "TREES", 3)
    report = service.backtest_file(write("log.csv", text), clock=clock)
    assert all(one in " ".join(report.notes) for one in words), report.notes
    assert [one.model for one in report.evidence.models] == QUESTIONS
    assert all(one.stages for one in report.evidence.models)
    assert all(isfinite(one) for one in numbers_in(report.evidence.as_json()))
    known = {name: np.ma.compressed(values) for name, values in made.items()}
    assert len(known["future_value"]) > 100 and {len(values) for values in made.values()} == {130}
    for name, values in known.items():
        chance = not {"value", "order", "orders"} & {*name.split("_")}
        assert np.isfinite(values).all() and (values >= 0).all() and (not chance or (values <= 1).all()), name


DEGENERATE = {
    "everybody once": log(150, lambda i: [i * 7 % 240]),
    "every day for ever": log(110, lambda i: range(i % 3, 70), lambda i, n: 5),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_a_log_that_purchase_models_cannot_explain_gets_averages_and_words(name, clock, write):
    report = service.backtest_file(write("log.csv", DEGENERATE[name]), clock=clock)
    used = {stage.rung for one in report.evidence.models for stage in one.stages}
    assert used <= {Rung.NONE, Rung.BASE, Rung.PACE} and any(not one.passed for one in report.evidence.gates)
    orjson.dumps(report.as_json(), default=str)


def test_several_currencies_are_refused_unless_one_is_chosen(clock, write):
    lines = [f"{line},{'EUR' if n % 3 else 'SEK'}" for n, line in enumerate(log(9, habits).splitlines()[1:])]
    file = write("log.csv", "\n".join(["customer_id,date,amount,currency", *lines]))
    with pytest.raises(service.MixedCurrencies, match=r"EUR .* SEK"):
        service.backtest_file(file, clock=clock)
    report = service.backtest_file(file, clock=clock, currency="sek")
    assert report.currency == "SEK" and report.reasons["another currency than SEK"] > report.taken


@pytest.fixture(scope="module")
def session():
    """A snapshot being built of 600 people with habits of their own, among them one who objects to profiling."""
    rows = [(i, FIRST + timedelta(days=int(day)), 10 + i % 7 + n % 5)
            for i in range(400) for n, day in enumerate(habits(i))]  # fmt: skip
    with duckdb.connect() as made:
        made.execute("CREATE TABLE lines (customer BIGINT, ago INTEGER, value INTEGER)")
        made.execute(
            "INSERT INTO lines SELECT unnest(?), unnest(?), unnest(?)",
            [[r[0] for r in rows], [(LAST - r[1]).days for r in rows], [r[2] for r in rows]],
        )
        made.execute(
            f"CREATE TABLE daily AS SELECT customer, DATE '{LAST}' - ago AS day, sum(value)::DECIMAL(18,2) AS value "
            "FROM lines GROUP BY ALL"
        )
        made.execute("CREATE TABLE people AS SELECT i AS customer, i <> 7 AS profiled FROM range(402) r(i)")
        yield made


def known_on(day):
    """Who comes every month is in a club, from a day on which it is founded."""
    if day < FIRST + timedelta(days=60):
        return Stood()
    source = (
        "(SELECT customer, CASE WHEN customer % 3 = 0 THEN 'monthly' ELSE 'other' END AS club FROM people)"
    )
    return Stood(relation=source, columns=(Column(name="club", kind="text"),))


WISH = Wish(
    rules=RULES, only="customer IN (SELECT customer FROM people WHERE profiled)", beside=Beside(stood=known_on)
)  # fmt: skip


@pytest.fixture(scope="module")
def learnt(session):
    few_trees = patch.object(estimators, "TREES", 25)
    with patch.object(running, "LEAST_CUSTOMERS", 100), patch.object(folding, "MOST_FOLDS", 2), few_trees:
        store = run(session, LAST, WISH)
    return store, session.execute("FROM scores ORDER BY customer").fetchall()


def scores(session, where="TRUE", columns="*"):
    return session.execute(f"SELECT {columns} FROM scores WHERE {where} ORDER BY customer").fetchall()


def test_a_log_with_habits_of_its_own_is_learnt_and_ranks_people(learnt, session):
    store, rows = learnt
    value = store.evidence.of(Model.VALUE)
    assert value.judged > 200 and value.auc > 0.65 and value.capture > value.past_capture - 0.05
    assert len(rows) == 402 and [row[1:] for row in rows if row[0] in (7, 400, 401)] == [(None,) * 13] * 3
    for low, high, name in (
        (0, 1, "churn_risk"),
        (0, 1, "reactivation"),
        (0, 1, "top_spender"),
        (0, 1e6, "future_value"),
    ):
        found = [one for (one,) in scores(session, f"{name} IS NOT NULL", name)]
        assert found and all(low <= one <= high for one in found), name
    assert {one.model for one in store.evidence.models} == set(Model) - {Model.CONVERSION}
    assert store.beside == {"own.club"} and store.values == {"club": ("other", "monthly")}


def test_the_same_day_gives_the_same_rows_learnt_again_or_taken(learnt, session):
    store, rows = learnt
    content, sha256 = keeping.packed(store)
    evidence = Evidence.from_json(orjson.loads(orjson.dumps(store.evidence.as_json())))
    assert evidence == store.evidence
    again = run(session, LAST, replace(WISH, stored=keeping.unpacked(content, sha256, evidence)))
    assert again.evidence.retrained == "" and again.evidence.drift == 0 and again.values == store.values
    barred = replace(WISH, stored=store, beside=Beside())
    assert "may no longer be used" in running._reason(evidence, barred, [], ())
    assert session.execute("FROM scores ORDER BY customer").fetchall() == rows
    assert keeping.unpacked(content, "0" * 64, evidence) is None
    assert keeping.unpacked(content[:99], sha256, evidence) is None


def test_what_comes_after_a_day_changes_nothing_of_it(session, monkeypatch):
    monkeypatch.setattr(folding, "MOST_FOLDS", 2)
    monkeypatch.setattr(estimators, "TREES", 15)
    early = LAST - timedelta(days=40)
    run(session, early, WISH)
    before = scores(session)
    session.execute("CREATE OR REPLACE TABLE kept AS FROM daily")
    session.execute(f"DELETE FROM daily WHERE day > DATE '{early}'")
    run(session, early, WISH)
    after = scores(session)
    session.execute("CREATE OR REPLACE TABLE daily AS FROM kept")
    assert after == before


def test_a_model_is_of_the_program_that_made_it(tmp_path):
    (tmp_path / "inside").mkdir()
    for name in ("a.py", "inside/b.py"):
        (tmp_path / name).write_text("x = 1\n")
    known = {keeping.code([tmp_path]), keeping.code([tmp_path, *keeping.SOURCES])}
    (tmp_path / "inside" / "b.py").write_text("x = 2\n")
    known.add(keeping.code([tmp_path]))
    (tmp_path / "inside" / "b.py").rename(tmp_path / "c.py")
    assert keeping.code([tmp_path]) not in known and len(known) == 3
    assert all(folder.is_dir() for folder in keeping.SOURCES) and len(keeping.CODE) < 100


def test_the_registry_says_what_made_the_scores(account, clock, write, monkeypatch):
    monkeypatch.setattr(folding, "MOST_FOLDS", 2)
    monkeypatch.setattr(estimators, "TREES", 15)
    customers.import_orders(account.id, write("log.csv", log(120, habits)), clock=clock)
    people = "customer_id,tier\n" + "".join(f"c{i},{'gold' if i % 2 else i}\n" for i in range(120))
    customers.import_attributes(account.id, write("people.csv", people), clock=clock)
    assert service.models_of(account.id) is None
    with pytest.raises(service.NoModels):
        service.backtest_of(account.id, "future_value")
    day = LAST - timedelta(days=1)
    first = build_snapshot(account.id, day, clock=clock)
    found = service.models_of(account.id)
    assert _stored(account.id, day).values == {"tier": ("gold",)}
    assert found.day == found.trained_on == day and found.retrained == "Nothing was learnt before."
    assert [one.model for one in found.models] == [*QUESTIONS, Model.CONVERSION]
    assert "are needed" in found.models[-1].words[0]
    assert all(one.stages for one in found.models) and found.currency == "EUR"
    with duckdb.connect(str(first.cache), read_only=True) as made:
        [(known,)] = made.execute("SELECT count(future_value) FROM customers").fetchall()
    assert known
    build_snapshot(account.id, LAST, clock=clock)
    later = service.models_of(account.id)
    assert (later.day, later.trained_on, later.retrained) == (LAST, day, "") and later.models[
        0
    ].in_force_since == day
    service.ask_training(account.id, actor="test", clock=clock)
    assert service.models_of(account.id).retrain_asked
    with monkeypatch.context() as broken:
        broken.setattr(running.Learner, "learn", lambda self: 1 / 0)
        build_snapshot(account.id, LAST, clock=clock)
    kept = service.models_of(account.id)
    assert (kept.day, kept.trained_on, kept.retrain_asked) == (LAST, day, True)
    assert kept.notes[0].startswith("Nothing was learnt today: ZeroDivisionError")
    ModelRun.objects.filter(account_id=account.id, trained_on=day, day=LAST, in_force=True).delete()
    build_snapshot(account.id, LAST, clock=clock)
    again = service.models_of(account.id)
    assert (again.trained_on, again.retrained, again.retrain_asked) == (LAST, "Somebody asked for it.", False)
    rows = service.runs(account.id, "churn_risk")
    assert [(one.day, one.in_force) for one in rows] == [(LAST, True), (LAST, False), (day, False)]
    assert service.model_run(account.id, rows[1].id).data_hash == rows[0].data_hash != rows[2].data_hash
    with pytest.raises(service.NoModels):
        service.model_run(account.id + 1, rows[0].id)
    tables = service.tables_of(service.backtest_of(account.id, "future_value"), "future_value")
    assert (
        all(len(row) == len(header) for header, rows in tables.values() for row in rows)
        and tables["stages"][1]
    )
    assert ModelRun.objects.filter(account_id=account.id, in_force=True).count() == 5
    groups_have_intervals(account.id)
    for words in (
        "list",
        "list --json",
        "show future_value",
        "show churn_risk --csv deciles",
        "train --json",
    ):
        assert CliRunner().invoke(commands, words.split()).exit_code == 0, words
    assert CliRunner().invoke(commands, ["show", "luck"]).exit_code != 0


def groups_have_intervals(account_id):
    """Of groups alone: around the sum of what is expected of their members, nothing below 50."""

    def expected(text):
        return targeting.expectation(account_id, targeting.to_condition(account_id, text))

    everybody, some = expected("orders is at least 1"), expected("orders is at least 4")
    ref = customers.latest_snapshot(account_id)
    with duckdb.connect(str(ref.cache), read_only=True) as made:
        [(total, asked)] = made.execute(
            "SELECT sum(future_value), count(coalesce(churn_risk, reactivation)) FROM customers"
        ).fetchall()
    assert (everybody.members, everybody.asked) == (120, asked)
    assert everybody.value.expected == pytest.approx(float(total))
    assert everybody.value.low < float(total) < everybody.value.high
    assert 0 <= everybody.churn.low <= everybody.churn.expected <= everybody.churn.high <= 1
    assert some.members < 120 and some.value.low < some.value.expected < some.value.high
    assert expected("orders is at least 900") is None
    worth = [*overview.microsegments(account_id), *overview.value_segments(account_id)]
    told = [one for one in worth if one.members and one.value_low is not None]
    assert told and all(one.value_low < one.future_value < one.value_high for one in told)
    assert sum(one.members for one in overview.value_segments(account_id)) == 120


def test_conversion_is_the_share_that_snapshots_of_past_days_show(account, clock, write, monkeypatch):
    monkeypatch.setattr(estimators, "TREES", 15)
    bought = log(20, lambda i: [SPAN - 20, SPAN - 50][i % 2 :])
    customers.import_orders(account.id, write("log.csv", bought), clock=clock)
    people = "customer_id,tier\n" + "".join(f"c{i},gold\n" for i in range(300))
    customers.import_attributes(account.id, write("people.csv", people), clock=clock)
    days = [LAST - timedelta(days=28 * n) for n in (2, 1)]
    for day in days:
        clock.now = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
        build_snapshot(account.id, day, clock=clock)
    tier = Column(name="tier", kind="text")
    wanted = (tier, Column(name="points", kind="number"))
    assert then(account.id, days[1], wanted, timedelta()).columns == (tier,)
    assert then(account.id, days[1] + timedelta(days=27), wanted, timedelta()).columns == (tier,)
    # too long ago, made when the values of a later day were in force, before the first
    late, ahead = days[1] + timedelta(days=29), timedelta(days=30)
    for day, clocks in ((late, timedelta()), (days[1], ahead), (days[0] - timedelta(days=1), timedelta())):
        assert then(account.id, day, wanted, clocks) == Stood()
    with duckdb.connect() as made:
        made.execute("CREATE TABLE scores (customer BIGINT, conversion DOUBLE)")
        made.execute("INSERT INTO scores SELECT unnest(?), NULL", [ids_of(account.id)])
        made.execute("CREATE TABLE daily (customer BIGINT, day DATE)")
        asked = Conversions(
            session=made, account_id=account.id, day=LAST, only="TRUE", beside=Beside(), seed=1
        )
        evidence, trained = asked.learn()
        assert evidence.backtests == tuple(reversed(days)) and evidence.positives == 0
        assert evidence.stages[0].rung is Rung.BASE and evidence.population == 300
        some = made.execute("SELECT customer FROM scores ORDER BY 1 DESC LIMIT 30").fetchall()
        made.executemany(f"INSERT INTO daily VALUES (?, DATE '{days[0] + timedelta(days=5)}')", some)
        evidence, trained = asked.learn()
        asked.score(evidence, trained)
        [(chance, n)] = made.execute("SELECT max(conversion), count(conversion) FROM scores").fetchall()
        made.execute('CREATE TABLE groups AS SELECT customer, customer % 6 AS "group" FROM scores')
        grouped = Stood(relation="groups", columns=(Column(name="group", kind="number"),))
        found = convert(list(waiting(np.random.default_rng(3), True)), frozenset(), 270, 1)
        replace(asked, beside=Beside(stood=lambda day: grouped)).score(*found)
        rows = made.execute(
            "SELECT customer % 6 = 1, min(conversion), max(conversion) FROM scores WHERE conversion IS NOT NULL "
            "GROUP BY 1 ORDER BY 1"
        ).fetchall()
        assert found[0].stages[0].rung is Rung.BOOSTING and rows[1][1] > 0.25 > rows[0][2]
        assert asked.again(evidence).population == 270 and np.isnan(_known(np.array([1]), LAST, ())[0])
    assert n == 270 and 0 < chance == evidence.stages[0].mean and evidence.judged >= 280
    came = tuple((LAST - timedelta(days=ago), 10 - ago // 10) for ago in (88, 40, 20, 1))
    assert _known(np.array([2, 3, 6, 8, 10, 11]), LAST, came).tolist() == [90, 40, 40, 20, 1, 0]
    assert _known(np.array([1, 3]), LAST - timedelta(days=40), came)[1] == 0


def waiting(rng, told, people=1500):
    """Five days: of the group 1 four in ten buy, of others one in twenty, as far as the group tells anything."""
    for n in range(1, 6):
        group = rng.integers(0, 6, people).astype(float)
        chance = np.where(group == 1, 0.4, 0.05) if told else 0.1
        columns = {"own.group": group, "own.noise": rng.random(people), "days_known": np.full(people, np.nan)}
        day = LAST - timedelta(days=28 * n)
        yield Waiting(day=day, bought=(rng.random(people) < chance).astype(float), columns=columns)


@pytest.mark.parametrize("told", [True, False])
def test_conversion_is_ranked_by_what_tells_people_apart_and_an_average_where_nothing_does(told, monkeypatch):
    monkeypatch.setattr(estimators, "TREES", 15)
    past = list(waiting(np.random.default_rng(3), told))
    found, trained = convert(past, frozenset({"own.group"}), 99, 1)
    [stage] = found.stages
    assert (stage.rung is Rung.BASE) is not told and found.population == stage.customers == 99
    assert found.judged_on == past[0].day and abs(found.ratio - 1) < 0.2
    if told:
        assert found.auc > 0.65 and found.importance[0][0] == "own.group"
        made = chances(stage.rung, trained, {"own.group": np.array([1.0, 0.0, np.nan])}, 3)
        assert made[0] > 0.25 > made[1]


def ids_of(account_id):
    return [one.surrogate for one in customers.list_customers(account_id, limit=1000)]
