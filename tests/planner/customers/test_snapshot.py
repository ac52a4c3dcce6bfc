"""The daily snapshot: features against a plain computation, publication, attributes, consent."""

from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pytest

from tandem.planner.customers import service
from tandem.planner.customers.domain import ConsentRow
from tandem.planner.customers.errors import NoSnapshot
from tandem.planner.modelling.service import build_snapshot, stage_rules

ORDERS = (
    "customer_id,date,amount,category\n"
    "A,2026-01-01,10.00,Shoes\nA,2026-01-01,5.00,Hats\nA,2026-06-20,20.00,Hats\nA,2026-06-25,-20.00,Hats\n"
    "B,2025-01-01,7.50,Shoes\nC,2026-06-30,1.00,Shoes\nC,2026-07-01,99.00,Shoes\nD,2026-06-01,-4.00,Hats\n"
)
DAY = date(2026, 6, 30)


def rows(ref) -> dict[str, dict]:
    with duckdb.connect(str(ref.cache), read_only=True) as session:
        answer = session.execute("SELECT * FROM customers")
        names = [column[0] for column in answer.description]
        found = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
    ids = service.names_of(ref.account_id, [row["customer"] for row in found])
    return {ids[row["customer"]]: row for row in found}


@pytest.fixture
def shop(account, write, clock):
    service.import_orders(account.id, write("orders.csv", ORDERS), clock=clock)
    return account


def test_features(shop, clock):
    ref = build_snapshot(shop.id, DAY, clock=clock)
    found = rows(ref)
    a = found["A"]
    assert (a["first_order"], a["last_order"], a["orders"]) == (date(2026, 1, 1), date(2026, 6, 20), 2)
    assert (a["total_spent"], a["average_order"], a["first_day_value"]) == (
        Decimal(35),
        Decimal("17.50"),
        Decimal(15),
    )
    assert (a["orders_30"], a["spent_30"], a["orders_90"], a["orders_365"]) == (1, Decimal(20), 1, 2)
    assert (a["returns"], a["returned"]) == (1, Decimal(20))
    assert (a["days_since_last_order"], a["tenure_days"], a["usual_gap"]) == (10, 180, 170.0)
    assert (a["main_category"], a["stage"]) == ("Hats", "Active")
    assert (found["B"]["stage"], found["C"]["stage"], found["D"]["stage"]) == (
        "Dormant",
        "New",
        "Registered only",
    )
    assert (found["C"]["total_spent"], found["D"]["orders"], found["D"]["last_order"]) == (
        Decimal(1),
        0,
        None,
    )
    assert (found["C"]["rfm_recency"], found["B"]["rfm_recency"]) == (5, 2)
    assert not any(row["may_receive_email"] or row["may_receive_sms"] for row in found.values())


def test_orders_after_the_day_are_not_in_it_and_days_are_sorted(shop, clock):
    ref = build_snapshot(shop.id, DAY, clock=clock)
    with duckdb.connect(str(ref.cache), read_only=True) as session:
        days = [row[0] for row in session.execute("SELECT day FROM orders").fetchall()]
    assert days == sorted(days) and days[-1] == DAY and len(days) == 7


def test_no_direct_identifier_is_in_any_file(shop, clock, write):
    people = "customer_id,email,firstname,country\nA,canary.person@example.com,Canarybird,SE\n"
    service.import_attributes(shop.id, write("people.csv", people), clock=clock)
    build_snapshot(shop.id, DAY, clock=clock)
    view = service.get_customer(shop.id, "A")
    assert view.identity == {"email": "canary.person@example.com", "first_name": "Canarybird"}
    assert view.attributes["country"] == "SE"
    from tandem.planner.customers.storage import root

    for file in (f for f in root(shop.id).rglob("*") if f.is_file()):
        assert b"anary" not in file.read_bytes()


def test_a_second_snapshot_of_the_day_has_a_new_file_and_wins(shop, clock, write):
    first = build_snapshot(shop.id, DAY, clock=clock)
    service.import_orders(
        shop.id, write("more.csv", "customer_id,date,amount\nE,2026-06-29,3.50\n"), clock=clock
    )
    second = build_snapshot(shop.id, DAY, clock=clock)
    assert first.cache != second.cache and first.cache.exists()
    assert service.latest_snapshot(shop.id) == second and second.customers == first.customers + 1


def test_a_lost_cache_is_made_again(shop, clock):
    ref = build_snapshot(shop.id, DAY, clock=clock)
    before = rows(ref)
    ref.cache.unlink()
    again = service.latest_snapshot(shop.id)
    assert again.cache != ref.cache and rows(again) == before


def test_without_snapshot(account):
    with pytest.raises(NoSnapshot):
        service.latest_snapshot(account.id)


def test_yesterday_in_the_accounts_zone_is_the_default(shop, clock):
    assert build_snapshot(shop.id, clock=clock).as_of == date(2026, 6, 30)


def test_catalogue_has_choices_and_ranges(shop, clock, write):
    people = "customer_id,country,points,member\nA,SE,10,yes\nB,NO,20.5,no\nC,SE,,yes\n"
    service.import_attributes(shop.id, write("people.csv", people), clock=clock)
    build_snapshot(shop.id, DAY, clock=clock)
    known = {attribute.name: attribute for attribute in service.catalogue(shop.id)}
    assert (known["country"].choices, known["country"].set) == (("SE", "NO"), "Profile")
    assert (known["points"].kind, known["points"].low, known["points"].high) == ("number", 10, 20.5)
    assert (known["member"].kind, known["stage"].set, known["total_spent"].kind) == ("flag", "Model", "money")


def test_attributes_merge_newer_value_wins(shop, clock, write):
    first = service.import_attributes(
        shop.id, write("1.csv", "customer_id,country,tier\nA,SE,gold\nB,NO,\n"), clock=clock
    )
    service.import_attributes(
        shop.id, write("2.csv", "customer_id,country,age\nA,FI,40\nZ,DK,x\n"), clock=clock
    )
    again = service.import_attributes(
        shop.id, write("2.csv", "customer_id,country,age\nA,FI,40\nZ,DK,x\n"), clock=clock
    )
    found = rows(build_snapshot(shop.id, DAY, clock=clock))
    assert (first.new_customers, again.repeated) == (0, True)
    assert [found["A"][k] for k in ("country", "tier")] == ["FI", "gold"]
    assert (found["B"]["country"], found["Z"]["country"], found["Z"]["stage"]) == (
        "NO",
        "DK",
        "Registered only",
    )


def test_stage_limits_of_cdnow(account, real, clock):
    service.import_orders(account.id, real("CDNOW_master.txt"), clock=clock)
    ref = build_snapshot(account.id, date(1998, 6, 30), clock=clock)
    rules = stage_rules(account.id)
    assert (rules.at_risk_days, rules.churn_days, ref.customers) == (63, 217, 23_570)
    with duckdb.connect(str(ref.cache), read_only=True) as session:
        assert session.execute("SELECT sum(orders) FROM customers").fetchone() == (67_591,)


def test_stage_limits_of_uci(account, real, clock):
    service.import_orders(account.id, real("online_retail_uci.parquet"), clock=clock)
    build_snapshot(account.id, date(2011, 12, 9), clock=clock)
    rules = stage_rules(account.id)
    assert (rules.at_risk_days, rules.churn_days) == (119, 245) and "below 10 %" in rules.note


def consent(customer_id: str, *, email: bool = True, sms: bool = True) -> ConsentRow:
    return ConsentRow(
        customer_id=customer_id, has_email=True, email_consent=email, has_mobile=True, sms_consent=sms
    )


def at(hour: int) -> datetime:
    return datetime(2026, 7, 1, hour, tzinfo=UTC)


def test_consent_is_copied_and_shown(shop, clock):
    written = service.refresh_consent(
        shop.id, 7, [consent("A"), consent("B", email=False), consent("stranger")], full=True, read_at=at(1)
    )
    found = rows(build_snapshot(shop.id, DAY, clock=clock))
    assert written == 2
    assert (found["A"]["may_receive_email"], found["B"]["may_receive_email"], found["B"]["may_receive_sms"]) == (
        True, False, True,
    )  # fmt: skip
    assert not found["C"]["may_receive_email"]
    read = service.consent_read(shop.id, 7)
    assert (read.contacts, read.read_at, read.full_at) == (2, at(1), at(1))


def test_a_full_read_takes_out_who_is_gone_and_an_older_one_changes_nothing(shop):
    service.refresh_consent(shop.id, 7, [consent("A"), consent("B")], full=True, read_at=at(2))
    service.refresh_consent(shop.id, 7, [consent("A", email=False)], full=True, read_at=at(3))
    service.refresh_consent(shop.id, 7, [consent("A")], full=False, read_at=at(1))
    assert [c.email_consent for c in service.get_customer(shop.id, "A").consent] == [False]
    assert service.get_customer(shop.id, "B").consent == ()


def test_the_country_of_an_order_file_is_known_until_the_customer_file_says_otherwise(account, write, clock):
    orders = "customer_id,date,amount,country\nA,2026-01-01,5.5,SE\nA,2026-02-01,5.5,NO\n"
    orders += "B,2026-01-01,5.5,\nC,2026-01-01,1.5,FI\n"
    service.import_orders(account.id, write("orders.csv", orders), clock=clock)
    before = rows(build_snapshot(account.id, DAY, clock=clock))
    service.import_attributes(account.id, write("p.csv", "customer_id,country\nC,DK\n"), clock=clock)
    after = rows(build_snapshot(account.id, DAY, clock=clock))
    assert {k: row["country"] for k, row in before.items()} == {"A": "NO", "B": None, "C": "FI"}
    assert {k: row["country"] for k, row in after.items()} == {"A": "NO", "B": None, "C": "DK"}
    assert {a.name: a for a in service.catalogue(account.id)}["country"].choices == ("DK", "NO")
