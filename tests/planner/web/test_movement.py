"""The page of segments: worth, risk, who moved, as picture, table and file."""

import csv
import io
from dataclasses import replace
from datetime import date
from decimal import Decimal
from html import unescape

import pytest
from tests.fixtures.shop import build

from tandem.planner.modelling.segments import movement, overview
from tandem.planner.modelling.segments.movement import NOT_YET, Flow, Movement

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


def test_few_people_are_not_described(shop, sign_in, monkeypatch):
    kinds = [
        replace(one, description=f"Told {members}.", members=members)
        for one, members in zip(overview.microsegments(shop.account.pk), (49, 50), strict=False)
    ]
    monkeypatch.setattr(overview, "microsegments", lambda account_id: tuple(kinds))
    page = read(sign_in(shop.account))
    assert "Told 50." in page and "Told 49." not in page
