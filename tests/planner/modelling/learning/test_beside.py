"""What models know beside purchases: attributes as they stood on a day, contact, and the people it came from."""

from datetime import UTC, date, datetime, timedelta

import duckdb
import numpy as np
import pytest
from tests.fixtures import shop as shops
from tests.fixtures.told import ASKED, answered, told

from tandem.planner.campaigns import service as campaigns
from tandem.planner.campaigns.models import Occurrence
from tandem.planner.customers.models import Customer
from tandem.planner.execution.models import ListRow
from tandem.planner.modelling.learning import beside, contact, estimators, measures
from tandem.planner.modelling.learning.beside import Beside, Column, Stood
from tandem.planner.modelling.learning.domain import Rung
from tandem.planner.modelling.learning.service.beside import _contact, label_of
from tandem.planner.results.models import Interaction

DAY = date(2026, 6, 30)
N = 3000
KINDS = {
    "club": "text", "street": "text", "nothing": "text", "same_for_all": "number", "points": "money", "twice": "number",
    "joined": "date", "vip": "flag",
}  # fmt: skip
COLUMNS = tuple(Column(name=name, kind=kind) for name, kind in KINDS.items())


@pytest.fixture(scope="module")
def session():
    with duckdb.connect() as made:
        made.execute(
            f"""CREATE TABLE attributes AS SELECT i AS customer, ['red', 'blue', 'it''s', NULL][1 + i % 4] AS club,
              'street ' || i % 10000 AS street, NULL::VARCHAR AS nothing, 5 AS same_for_all,
              (i % 11)::DECIMAL(18,2) AS points, (2 * (i % 11) + 1)::DOUBLE AS twice,
              DATE '{DAY}' - (i % 13)::INTEGER AS joined, i % 2 = 0 AS vip FROM range({N}) r(i)"""
        )
        yield made


def known_on(day):
    assert day <= DAY
    return Stood(relation="attributes", columns=COLUMNS)


def test_attributes_become_numbers_and_what_says_nothing_is_left_out(session, monkeypatch):
    """Those of the club `it's` come back; 10,000 streets, an empty, a constant and a repeated column say nothing."""
    known = Beside(stood=known_on)
    known.find_values(session, DAY, "attributes")
    assert known.values == {"club": ("blue", "it's", "red"), "street": (), "nothing": ()}
    found = known.at(session, DAY, np.arange(N))
    assert found["own.joined"][:3].tolist() == [0, 1, 2] and found["own.vip"][:2].tolist() == [1, 0]
    assert found["own.club"][:3].tolist() == [3, 1, 2] and np.isnan(found["own.club"][3])
    assert known.keep(session, DAY)
    kept = beside.chunk(session, np.arange(100, 200))
    assert all(np.array_equal(kept[name], found[name][100:200], equal_nan=True) for name in found)
    columns = {name.removeprefix("own."): values for name, values in found.items()}
    frame = told(N, np.zeros(N), lambda s, f: np.where(columns["club"] == 2, 0.7, 0.2), **columns)
    monkeypatch.setattr(estimators, "TREES", 15)
    asked = type(ASKED)(**{**vars(ASKED), "beside": tuple(found), "categories": known.categories})
    trained, fold = answered(asked, frame)
    used = set(trained.estimators["chance"].names)
    assert {"own.club", "own.points", "own.vip"} < used
    assert not used & {"own.street", "own.nothing", "own.same_for_all", "own.twice"}
    without = answered(ASKED, frame)[1]
    for rung in (Rung.BOOSTING, Rung.LOGISTIC):
        assert measures.auc(fold.answers[rung], fold.actual > 0) > 0.7
        assert measures.auc(without.answers[rung], fold.actual > 0) < 0.65
    for estimator in trained.estimators.values():  # today nobody says what it goes by
        assert np.isfinite(
            estimator.predict({"figure": np.ones(3), "own.club": np.array([9.0, 0, np.nan])})
        ).all()


def test_contact_counts_what_was_sent_opened_and_clicked_up_to_the_day(db, tmp_path, settings):
    settings.TANDEM_STORAGE = tmp_path
    other = shops.small(3)
    other.account.name = "Other shop"
    other.account.save()
    shop = shops.small()
    people = list(Customer.objects.filter(account=shop.account).order_by("id").values_list("id", flat=True))
    with duckdb.connect() as session:
        assert _contact(session, shop.account.pk, DAY)(DAY, 1.0) == ""
    sent = [one_sent(shop, DAY - timedelta(days=ago), people[:3]) for ago in (5, 40, 200)]
    one_sent(other, DAY, [people[0]])
    for back, event, who in ((4, 2, 0), (4, 3, 0), (39, 2, 1), (-1, 3, 0)):
        Interaction.objects.create(
            account=shop.account, occurrence_id=sent[0], channel_id=504, template_id=11, event_id=event, times=2,
            customer=people[who], day=DAY - timedelta(days=back), recipient_group=1,
        )  # fmt: skip
    with duckdb.connect() as session:
        known = Beside(contact=_contact(session, shop.account.pk, DAY), share=0.9999999)
        now, then = (known.at(session, on, np.array(people)) for on in (DAY, DAY - timedelta(days=30)))
    assert set(now) == {f"contact.{name}" for name in contact.FIGURES}
    told_now = {
        name: now[f"contact.{name}"][:4].tolist()
        for name in ("emails_30", "emails_90", "opens_30", "clicks_30")
    }
    assert told_now == {
        "emails_30": [1, 1, 1, 0], "emails_90": [2, 2, 2, 0], "opens_30": [2, 0, 0, 0], "clicks_30": [2, 0, 0, 0],
    }  # fmt: skip
    assert now["contact.opens_90"][:2].tolist() == [2, 2] and now["contact.days_since_contact"][0] == 5
    assert then["contact.emails_30"][:4].tolist() == [1, 1, 1, 0] and then["contact.opens_30"][
        :2
    ].tolist() == [0, 2]
    assert label_of(shop.account.pk)("contact.opens_30") == "opens in 30 days"
    assert np.isnan(now["contact.days_since_open"][2]) and not now["contact.texts_90"].any()


def one_sent(shop, day, people):
    shop.clock.now = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
    plan = campaigns.plan_campaign(shop.account.pk, shop.plan(day=day), clock=shop.clock)
    occurrence = Occurrence.objects.get(account=shop.account, campaign_id=plan.id)
    Occurrence.objects.filter(pk=occurrence.pk).update(state="sent")
    rows = [ListRow(account=shop.account, occurrence=occurrence, customer=one, action=2) for one in people]
    control = ListRow(account=shop.account, occurrence=occurrence, customer=max(people) + 1, action=1)
    ListRow.objects.bulk_create([*rows, control])
    return occurrence.pk
