"""Movement between stages and segments, and one customer explained: a small shop on three days."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape

import duckdb
import pytest
from tests.fixtures.scored import made_up_scores
from typer.testing import CliRunner

from tandem.kit.clock import FrozenClock
from tandem.kit.problems import Refused
from tandem.planner.accounts import service as accounts
from tandem.planner.cli.customers import app
from tandem.planner.customers import service as customers
from tandem.planner.customers.errors import UnknownCustomer
from tandem.planner.modelling.learning import service as learning
from tandem.planner.modelling.learning.domain import Decile, Model, ModelEvidence, Rung, StageEvidence
from tandem.planner.modelling.models import StageLimits
from tandem.planner.modelling.scoring import service as scoring
from tandem.planner.modelling.scoring import wording
from tandem.planner.modelling.segments.domain import VALUE_SEGMENTS
from tandem.planner.modelling.segments.movement import NOT_YET, _flows, movement, movement_csv
from tandem.planner.modelling.service import build_snapshot

LAST = date(2026, 6, 30)
DAYS = (LAST - timedelta(days=28), LAST - timedelta(days=7), LAST)


@pytest.fixture(scope="module")
def kept_shop(keep):
    return keep(_filled)


@pytest.fixture
def shop(kept_shop, db, settings, tmp_path):
    """60 who buy every 10 days, 60 silent for 21 days on the last day, one new, one registered without a purchase."""
    return kept_shop.take(settings, tmp_path)


def _filled(folder):
    clock = FrozenClock(datetime(2026, 7, 1, 8, 0, tzinfo=UTC))
    account = accounts.create_account(name="Elder", zone="Europe/Stockholm", currency="SEK", clock=clock).id
    lines = ["customer,date,amount"]
    for n in range(60):
        lines += [f"a{n},{LAST - timedelta(days=back)},{20 + n}" for back in range(3, 100, 10)]
        lines += [f"b{n},{LAST - timedelta(days=21 + back)},{50 + n}" for back in (0, 20, 40)]
    lines += [f"new,{LAST - timedelta(days=2)},5"]
    (folder / "orders.csv").write_text("\n".join(lines) + "\n")
    (folder / "people.csv").write_text("customer,country\nnobody,SE\n")
    customers.import_orders(account, folder / "orders.csv", clock=clock)
    customers.import_attributes(account, folder / "people.csv", clock=clock)
    StageLimits.objects.create(
        account_id=account, new_days=14, at_risk_days=20, churn_days=60, measured_on=LAST, by_hand=True
    )
    with made_up_scores():
        for day in DAYS:
            build_snapshot(account, day, clock=clock)
    return account


def test_movement_counts_rates_and_what_was_spent(shop):
    found = movement(shop, "stage", "week")
    assert (found.before, found.after) == DAYS[1:]
    assert {(flow.before, flow.after): flow.customers for flow in found.flows} == {
        ("Active", "Active"): 60, ("Active", "At risk"): 60, ("Registered only", "New"): 1,
        ("Registered only", "Registered only"): 1,
    }  # fmt: skip
    at_risk, stayed = found.cell("Active", "At risk"), found.cell("Active", "Active")
    assert (at_risk.moved, at_risk.share, at_risk.revenue) == (True, 0.5, 0)
    assert (stayed.moved, stayed.revenue) == (False, sum(Decimal(20 + n) for n in range(60)))
    assert found.cell("At risk", "Active") is None
    assert list(found.names) == ["Registered only", "New", "Active", "At risk"]
    assert "61 of 122 customers moved (50.0%)" in found.words
    rows = list(csv.DictReader(io.StringIO(movement_csv(found))))
    assert sum(int(row["customers"]) for row in rows) == 122
    assert {row["before"] for row in rows} == {"Registered only", "Active"}


def test_a_day_whose_models_fail_keeps_the_scores_of_who_stays_in_the_stage(shop, monkeypatch):
    def scores(ref):
        asked = "SELECT customer, stage, future_value, churn_risk FROM customers"
        with duckdb.connect(str(ref.cache), read_only=True) as session:
            return {row[0]: row[1:] for row in session.execute(asked).fetchall()}

    clock = FrozenClock(datetime(2026, 8, 1, 8, 0, tzinfo=UTC))
    monkeypatch.setattr(learning, "score", lambda *args, **how: 1 / 0)
    gone = customers.surrogate_of(shop, "a1")
    customers.object_to_profiling(shop, "a1", how="a letter", actor="test", clock=clock)
    before, after = (scores(build_snapshot(shop, LAST + timedelta(days=n), clock=clock)) for n in (0, 12))
    stayed = {one for one in after if one != gone and after[one][0] == before[one][0]}
    assert {one for one in after if after[one][1] is not None} == stayed and 60 < len(stayed) < 122
    assert all(after[one] == before[one] for one in stayed)


def test_movement_over_a_month_and_where_there_is_nothing_to_compare(shop):
    month = movement(shop, "value_segment", "month", day=LAST)
    assert month.before == DAYS[0] and set(month.names) <= {*VALUE_SEGMENTS}
    assert sum(flow.customers for flow in month.flows) == 122
    for name in {flow.before for flow in month.flows}:
        shares = [flow.share for flow in month.flows if flow.before == name]
        many = sum(flow.customers for flow in month.flows if flow.before == name) >= 50
        assert sum(shares) == pytest.approx(1) if many else shares == [None] * len(shares)
    assert movement(shop, "microsegment", "day").before == DAYS[1]
    first = movement(shop, "stage", "month", day=DAYS[0])
    assert (first.before, first.flows) == (None, ()) and "come back" in first.words
    for what, span in (("country", "day"), ("stage", "year")):
        with pytest.raises(Refused):
            movement(shop, what, span)


def test_who_came_since_is_told_apart(tmp_path):
    """Of two Parquet files: fifty customers new, fifty of no segment then."""
    was, now = tmp_path / "was.parquet", tmp_path / "now.parquet"
    with duckdb.connect() as session:
        session.execute(
            f"COPY (SELECT unnest(range(50)) AS customer, .1::DECIMAL(18,2) AS total_spent) TO '{was}'"
        )
        session.execute(
            "COPY (SELECT unnest(range(100)) AS customer, 'Gold' AS value_segment, .18::DECIMAL(18,2) AS total_spent) "
            f"TO '{now}'"
        )
        found = _flows(session, "value_segment", f"'{was}'", f"'{now}'")
    assert {(one.before, one.after): one.revenue for one in found} == {
        (NOT_YET, "Gold"): 9, (None, "Gold"): 4,
    }  # fmt: skip


def test_a_customer_is_explained_against_the_stage(shop):
    told = scoring.explain_customer(shop, "b7")
    assert (told.stage, told.as_of) == ("At risk", LAST)
    assert (
        told.rhythm
        == "Buys every 20 days on average, silent for 21; as active as the other At risk customers."
    )
    lines = {line.model: line for line in told.scores}
    assert set(lines) == {"churn_risk", "future_value", "top_spender"}
    assert lines["churn_risk"].words == "0 % chance to be in Churn in 28 days."
    assert lines["future_value"].words.endswith("SEK in the next 365 days.")
    assert not any(line.reasons for line in told.scores)
    reasons = told.differs
    assert len(reasons) == 3 and all("the middle customer in At risk has" in one.words for one in reasons)
    assert "No model was judged yet" in told.notes[0]
    few = scoring.explain_customer(shop, "new")
    assert few.rhythm == "Bought once, 2 days ago." and "Fewer than 50 customers are in New" in few.notes[0]
    assert few.differs == ()
    nobody = scoring.explain_customer(shop, "nobody")
    assert nobody.rhythm == "Registered, and has never bought."
    assert "conversion" in {line.model for line in nobody.scores}
    with pytest.raises(UnknownCustomer):
        scoring.explain_customer(shop, "stranger")


def test_reasons_follow_what_the_model_goes_by(shop, monkeypatch):
    deciles = tuple(Decile(decile=n, customers=10, predicted=n / 20, actual=n / 25) for n in range(1, 11))
    judged = ModelEvidence(
        model=Model.CHURN, horizon=28, population=121, deciles=deciles,
        importance=(("average_order", 0.2), ("spent_30", 0.1), ("usual_gap", 0.0)),
    )  # fmt: skip
    monkeypatch.setattr(scoring, "_evidence", lambda account_id: {Model.CHURN: judged})
    told = scoring.explain_customer(shop, "b0")
    churn = next(line for line in told.scores if line.model == "churn_risk")
    assert [one.attribute for one in churn.reasons] == ["average_order", "spent_30"]
    assert churn.reasons[0].words == "Average order: 50.00; the middle customer in At risk has 79.50."
    assert (churn.value, churn.percentile, churn.right) == (0, None, "")
    assert told.notes == () == told.differs
    stage = StageEvidence(stage="Registered only", customers=1, rung=Rung.BASE, why="")
    other = replace(stage, stage="Churn", rung=Rung.LOGISTIC)
    mean = ModelEvidence(
        model=Model.CONVERSION, horizon=28, population=1, stages=(stage, other), words=("Few.",)
    )
    monkeypatch.setattr(scoring, "_evidence", lambda account_id: {Model.CONVERSION: mean})
    line = next(one for one in scoring.explain_customer(shop, "nobody").scores if one.model == "conversion")
    assert line.percentile is line.percentile_in_stage is None
    assert line.words.endswith("No ranking: everybody in Registered only has the same.")
    assert mean.told[0] == "Few." and mean.told[1].startswith("No ranking within Registered only: ")
    assert replace(mean, stages=(stage,)).told[1].startswith("No ranking: ")
    assert replace(mean, stages=(other,)).told == ("Few.",)
    assert wording.right(Model.CHURN, 0.24, 12, judged, "SEK") == (
        "At the last check it came true for 20 % of the customers with such a score; 25 % was expected."
    )
    assert wording.right(Model.VALUE, 800.0, 95, judged, "SEK") == (
        "At the last check customers ranked like this spent 0.40 SEK each in 28 days; 0.50 SEK was expected."
    )


def test_the_command_line_says_the_same(shop):
    def run(*words):
        found = CliRunner().invoke(app, [*words, "--account", "Elder"])
        assert found.exit_code == 0, found.output
        return found.stdout

    assert run("movement", "--over", "week", "--csv") == movement_csv(movement(shop, "stage", "week"))
    flows = json.loads(run("movement", "--what", "value_segment", "--json"))["flows"]
    assert sum(flow["customers"] for flow in flows) == 122
    told = json.loads(run("explain", "b7", "--json"))
    assert told["rhythm"] == scoring.explain_customer(shop, "b7").rhythm
    assert told["rhythm"] in run("explain", "b7")


def test_the_customers_page_says_why(shop, client, clock):
    email, password = "ada@elder.example", "long enough, and typed once"
    accounts.create_user(shop, email=email, password=password, role="viewer", clock=clock)
    client.post("/ui/sign-in", {"email": email, "password": password})
    page = unescape(client.get("/ui/customers/person/b7").content.decode())
    assert "as active as the other At risk customers." in page
    assert "0 % chance to be in Churn in 28 days." in page and "the middle customer in At risk has" in page
    assert "Reactivation" not in page and "Future value percentile in the stage" in page


@pytest.mark.parametrize(
    ("known", "less", "words"),
    [
        (
            (9, 21.2, 63),
            (0.92, 0.07),
            "Buys every 21 days on average, silent for 63; less active than 92 % of Active customers.",
        ),
        (
            (9, 21.2, 3),
            (0.03, 0.92),
            "Buys every 21 days on average, silent for 3; more active than 92 % of Active customers.",
        ),
        ((2, 0.4, 1), None, "Buys every 1 day on average, silent for 1."),
        ((1, None, 1), None, "Bought once, 1 day ago."),
        ((0, None, None), None, "Registered, and has never bought."),
    ],
)
def test_the_rhythm_in_words(known, less, words):
    figures = dict(zip(("orders", "usual_gap", "days_since_last_order"), known, strict=True))
    assert wording.rhythm("Active", figures, less) == words
