"""Two years of shops with and without a season: what is seen of it, whether it is used, what it does to the scores."""

from dataclasses import replace
from datetime import date, timedelta

import duckdb
import numpy as np
import orjson
import pytest

from tandem.planner.modelling.learning import frames, questions, season, seasons
from tandem.planner.modelling.learning.domain import Evidence, Model, Rung
from tandem.planner.modelling.learning.folding import Fold
from tandem.planner.modelling.learning.learning import Learner
from tandem.planner.modelling.learning.running import Wish, run
from tandem.planner.modelling.learning.season import Stand
from tandem.planner.modelling.learning.tables import tables_of
from tandem.planner.modelling.lifecycle.domain import StageRules

pytestmark = pytest.mark.models
FIRST, SPAN, AHEAD = date(2024, 1, 1), 740, 90
LAST = FIRST + timedelta(days=SPAN - 1)
RULES = StageRules(new_days=28, at_risk_days=60, churn_days=150)


def shop(level, people=900, seed=1):
    """(customer, day from FIRST, amount): a growing number of people of different habits, who stop at some time."""
    rng = np.random.default_rng(seed)
    days = np.arange(SPAN + AHEAD)
    began = np.floor(SPAN * rng.random(people) ** 0.7).astype(int) * (np.arange(people) > 9)
    stops = began + rng.exponential(250, people)
    rate = rng.gamma(1.5, 1 / 40, people)
    year = np.array([(FIRST + timedelta(days=int(day))).timetuple().tm_yday for day in days])
    drawn = rng.random((people, len(days))) < rate[:, None] * level(year)
    drawn &= (days > began[:, None]) & (days < stops[:, None])
    drawn[np.arange(people), began] = True
    who, when = np.nonzero(drawn)
    return who, when, np.round(rng.gamma(4, 10, len(who)), 2)


def session_of(lines):
    who, when, amount = lines
    known = when < SPAN
    made = duckdb.connect()
    made.register("lines", {"customer": who[known], "n": when[known], "value": amount[known]})
    made.execute(
        f"CREATE TABLE daily AS SELECT customer, DATE '{FIRST}' + n::INTEGER AS day, value FROM lines"
    )
    made.execute("CREATE TABLE people AS SELECT DISTINCT customer, true AS profiled FROM daily")
    return made


def busy_autumn(year):
    return np.where(year > 280, 2.2, np.where(year < 100, 0.4, 0.9))


def level(_year):
    return 1.0


@pytest.fixture(autouse=True)
def no_trees(monkeypatch):
    """Methods that take time to learn are not what is looked at."""
    monkeypatch.setattr(questions, "LEAST_POSITIVES", 10**9)


def test_a_strong_season_is_seen_used_and_brings_the_next_months_nearer():
    lines = shop(busy_autumn, people=700)
    with session_of(lines) as made:
        evidence = run(made, LAST, Wish(rules=RULES, life=(Rung.LIFE,))).evidence
        near, orders, year = made.execute(
            "SELECT sum(future_value_90), sum(expected_orders_90), sum(future_value) FROM scores"
        ).fetchone()
    found = evidence.of(Model.VALUE).season
    assert (
        found.used and found.error < 0.95 * found.plain_error and found.backtests >= 2 and "Used" in found.why
    )
    levels = [one.value for one in found.windows]
    assert max(levels[:3]) < 0.7 and min(levels[11:]) > 1.4 and 0.7 < np.mean(levels[4:9]) < 1.1
    assert Evidence.from_json(orjson.loads(orjson.dumps(evidence.as_json()))) == evidence
    who, when, amount = lines
    came = (when >= SPAN) & np.isin(who, who[when < SPAN])
    # without a season both are three to four times what came: 90 days after a busy autumn
    assert near < 2 * amount[came].sum() and orders < 2 * came.sum() and near < 0.2 * year
    assert "season" in tables_of(evidence, Model.VALUE)


def test_without_a_season_growth_and_leaving_make_none():
    with session_of(shop(level, people=500)) as made:
        frames.prepare(made, LAST)
        frames.sample(made, 10**6)
        learner = Learner(session=made, day=LAST, first=FIRST, rules=RULES, life=(Rung.LIFE,))
        asked = questions.questions(RULES, FIRST, LAST, (Rung.LIFE,))[0]
        _, value = learner._answer(asked)
        assert not value.season.used and "Looked for" in value.season.why
        assert all(0.9 < one.value < 1.1 for one in value.season.windows)
        learner.seasons.day = FIRST + timedelta(days=700)
        short, _ = learner.seasons.settle(asked, (), (), (30,))
        assert not short.used and "covers 700 days" in short.why


def test_nothing_after_a_day_is_known_of_its_season():
    day = FIRST + timedelta(days=500)
    with session_of(shop(busy_autumn, people=300)) as made:
        frames.prepare(made, LAST)
        frames.sample(made, 10**6)
        known = season.measured(season.count(made, FIRST), FIRST, day)
        made.execute(f"CREATE OR REPLACE TEMP TABLE sampled AS FROM sampled WHERE day <= DATE '{day}'")
        again = season.measured(season.count(made, FIRST), FIRST, day)
    assert np.allclose(known.seen_orders, again.seen_orders) and np.allclose(
        known.seen_value, again.seen_value
    )


def test_past_days_decide_and_of_equals_the_plain_one_is_taken():
    rng = np.random.default_rng(1)
    past = rng.gamma(2, 10, 400)
    index = season.Index(**{
        name: np.where(np.arange(13) < 6, 0.5, 1.5) * np.ones(13)
        for name in ("value", "orders", "seen_value", "seen_orders", "purchases", "years")
    })  # fmt: skip

    def folds(actual_by):
        return [
            Fold(day=date(year, month, 1), horizon=90, stage=np.zeros(400, np.int8), refused={}, past=past,
                 answers={Rung.PACE: past}, actual=past * actual_by(month), season=index,
                 stand=Stand(day=date(year, month, 1), age=900, exposure=np.ones(13), trained=()))
            for year, month in ((2026, 1), (2025, 8), (2025, 1), (2024, 8))
        ]  # fmt: skip

    seasonal = folds(lambda month: 0.5 if month == 1 else 1.5)
    assert seasons.weighed(seasonal).used and seasons.settled(seasonal)[0].season is index
    steady = folds(lambda _month: 1.0)
    found = seasons.weighed(steady)
    assert not found.used and found.plain_error < found.error and seasons.settled(steady)[0].season is None
    assert not seasons.weighed([replace(one, season=None) for one in steady]).used
