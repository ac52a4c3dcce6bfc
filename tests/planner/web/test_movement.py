"""The page of segments: worth, risk, who moved, as picture, table and file."""

import csv
import io
import re
from datetime import date
from decimal import Decimal
from html import unescape
from types import SimpleNamespace

import pytest
from tests.fixtures.scored import made_up_scores
from tests.fixtures.shop import build
from typer.testing import CliRunner

from tandem.planner.api.functions.model import get_microsegment_list
from tandem.planner.cli.customers import app as commands
from tandem.planner.customers import service as customers
from tandem.planner.modelling.models import MicroSegment
from tandem.planner.modelling.segments import movement, overview
from tandem.planner.modelling.segments.movement import NOT_YET, Flow, Movement
from tandem.planner.modelling.service import build_snapshot

PAGE = "/ui/segments"
MANY = tuple(f"Active: kind {n}" for n in range(12))


@pytest.fixture(scope="module")
def kept_shop(keep):
    return keep(build)


@pytest.fixture
def shop(kept_shop, db, settings, tmp_path):
    return kept_shop.take(settings, tmp_path)


def flow(before, after, customers, share):
    return Flow(before=before, after=after, customers=customers, share=share, revenue=Decimal(7 * customers))


@pytest.fixture
def moved(monkeypatch):
    def put(names):
        flows = (
            flow(names[0], names[0], 90, 0.9), flow(names[0], names[1], 10, 0.1), flow(NOT_YET, names[0], 5, 1.0),
            flow(names[1], None, 3, 1.0),
        )  # fmt: skip
        made = Movement(
            what="stage", span="week", before=date(2026, 6, 23), after=date(2026, 6, 30), names=names, flows=flows,
            words="From then to now 13 moved.",
        )  # fmt: skip
        monkeypatch.setattr(movement, "movement", lambda *given, **named: made)

    return put


def read(client, query=""):
    answer = client.get(PAGE + query)
    assert answer.status_code == 200, answer.content
    return unescape(answer.content.decode())


def test_movement_is_told_drawn_and_listed(shop, sign_in, moved):
    moved(("New", "Active"))
    page = read(sign_in(shop.account))
    assert "13 moved" in page and "10</strong> from New to Active" in page and "10 % of New" in page
    assert page.count('class="plot-cell') == 9 and page.count(' stayed"') == 2
    drawn = page.split('<svg class="plot-svg"')[1].split("</svg>")[0]
    assert all(one in drawn for one in ("90 %", "10 %", NOT_YET, ">None<"))
    assert "Spent in between (EUR)" in page and "style=" not in page
    assert 'href="/ui/segments/movement.csv?what=stage&span=week"' in page


def test_many_segments_are_numbered(shop, sign_in, moved):
    moved(MANY)
    drawn = read(sign_in(shop.account), "?what=microsegment&span=month")
    assert "1  Active: kind 0" in drawn and ">12</text>" in drawn


def test_segments_have_worth_risk_and_files(shop, sign_in):
    client = sign_in(shop.account)
    page = read(client, "?what=nonsense&span=year")
    assert all(one.name in page for one in overview.microsegments(shop.account.pk) if one.members)
    assert overview.basis(shop.account.pk).words in page and "Diamond" in page
    assert "From the second snapshot on" in page and "<figure" not in page.split('id="micro"')[0]
    for name, least in (("micro-segments", 2), ("value-segments", 6), ("movement", 1)):
        rows = list(csv.reader(io.StringIO(client.get(f"{PAGE}/{name}.csv").content.decode())))
        assert len(rows) >= least and len({len(row) for row in rows}) == 1
    assert client.get(f"{PAGE}/nothing.csv").status_code == 404


def test_without_customers_the_page_says_what_to_do(client):
    assert "Import a file" in read(client)
    assert client.get(f"{PAGE}/movement.csv").status_code == 404


SPENT, EXPECTED = "753.1", (376, 384)
DOORS = {
    "page": f"{PAGE}?span=day", "page of values": f"{PAGE}?what=value_segment&span=day",
    "settings": "/ui/settings/segments", "micro-segments": f"{PAGE}/micro-segments.csv",
    "movement": f"{PAGE}/movement.csv?span=day",
    "commands": ("segments", "segments --json", "movement --over day", "movement --over day --csv",
                 "movement --over day --json"),
}  # fmt: skip


def test_thirty_people_are_described_at_no_door(account, sign_in, clock, write):
    """Each spent the same, and is expected to spend the same: neither figure is told anywhere."""
    lines = "".join(f"c{n:02},{'2026-11-20' if n % 2 else '2026-11-22'},{SPENT}\n" for n in range(30))
    customers.import_orders(account.id, write("o.csv", "customer,date,amount\n" + lines), clock=clock)
    with made_up_scores():
        for day in (21, 22):
            build_snapshot(account.id, date(2026, 11, day), clock=clock)
    kept = MicroSegment.objects.filter(account_id=account.id, members__gt=0)
    assert all(EXPECTED[0] < one.future_value < EXPECTED[1] for one in kept) and kept
    found = movement.movement(account.id, "stage", "day")
    assert sum(one.customers for one in found.flows) == 30 and "%" not in found.words
    assert {(one.share, one.revenue) for one in found.flows} == {(None, None)}
    limits = [form.format(one.least) for one in overview.value_segments(account.id) if one.least
              for form in ("{:,.2f}", "{!r}")]  # fmt: skip
    client = sign_in(account)
    for name, paths in DOORS.items():
        for path in [paths] if isinstance(paths, str) else paths:
            if name == "commands":
                done = CliRunner().invoke(commands, [*path.split(), "--account", str(account.id)])
                assert done.exit_code == 0, path
                told = done.output
            else:
                told = re.sub("<svg.*?</svg>", "", client.get(path).content.decode(), flags=re.DOTALL)
            for limit in limits:  # how all are cut is told
                told = told.replace(limit, "")
            assert re.search("15|30", told) and not re.search(
                r"\b(753|11[, ]?296|37[6-9]|38[0-3])[.,]\d", told
            ), path
    call = SimpleNamespace(account_id=account.id)
    assert {(one["FutureValue"], one["ChurnRate"]) for one in get_microsegment_list(call)} == {(-1, -1)}
