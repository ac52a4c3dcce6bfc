"""`tandem campaign`: what a plan offers, promotions, clearance."""

import orjson
import pytest
from typer.testing import CliRunner

from tandem.planner.cli.campaign import app

PLAN = [
    "plan",
    "--name",
    "July",
    "--group",
    "Buyers",
    "--project",
    "1",
    "--template",
    "11",
    "--date",
    "2030-01-02",
]


@pytest.fixture
def run(shop):
    def invoke(*words, code=0):
        found = CliRunner().invoke(app, list(words))
        assert found.exit_code == code, found.output
        return found

    return invoke


def document(found):
    return orjson.loads(found.stdout.splitlines()[-1])


def test_promotions_are_added_listed_and_deleted(run):
    run("add-promotion", "WB23", "Welcome back")
    assert document(run("promotions", "--json")) == [{"code": "WB23", "name": "Welcome back"}]
    run("delete-promotion", "WB23", "--dry-run")
    assert "WB23  Welcome back" in run("promotions").stdout
    run("delete-promotion", "WB23")
    assert document(run("promotions", "--json")) == []
    assert "There is no promotion 'WB23'" in run("delete-promotion", "WB23", code=4).stderr
    assert "without spaces and commas" in run("add-promotion", "A B", "x", code=2).stderr


def test_a_plan_says_what_it_offers(run):
    run("add-promotion", "WB23", "Welcome back")
    offer = [
        "--action",
        "Free shipping",
        "--duration",
        "7",
        "--notes",
        "Try it",
        "--tag",
        "vip",
        "--tag",
        "july",
    ]
    clearance = ["--promo", "WB23", "--conditional", "--clearance-minutes", "4"]
    view = document(run(*PLAN, *offer, *clearance, "--json"))
    assert (view["action_id"], view["action"], view["duration_days"], view["notes"]) == (
        2, "Free shipping", 7, "Try it",
    )  # fmt: skip
    assert (view["tags"], view["promo_codes"], view["clearance_minutes"]) == (["vip", "july"], ["WB23"], 4.0)
    shown = " ".join(run("show", str(view["id"])).stdout.split())
    assert (
        "offers Free shipping (action 2) for 7 days; promo codes WB23; tags vip, july; cleared by 2030-01-02"
        in shown
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--promo", "NONE"], "There is no promotion with the code NONE."),
        (["--duration", "0"], "The duration must be from 1 to 365 days."),
        (["--action", "dn"], "DN is the control group's action"),
        (["--conditional", "--clearance-minutes", "15"], "Clearance must end after the list is made"),
    ],
)
def test_an_offer_that_cannot_be_is_refused(run, words, sentence):
    assert sentence in run(*PLAN, *words, code=2).stderr.replace("\n", " ")
    assert document(run("list", "--json")) == []
