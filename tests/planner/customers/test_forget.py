"""A forgotten person is found nowhere, stays out, and others keep what is theirs."""

from datetime import UTC, date, datetime

import pytest

from tandem.planner.accounts.models import Account
from tandem.planner.customers import service
from tandem.planner.customers.domain import ConsentRow
from tandem.planner.customers.errors import UnknownCustomer
from tandem.planner.customers.storage import root
from tandem.planner.modelling.service import build_snapshot

ORDERS = "customer_id,date,amount\ncanary77,2026-01-01,10.50\ncanary77,bad,1.50\nB,2026-01-02,5.50\n"
MAPPING = "customer=customer_id,at=date,value=amount"
PEOPLE = "customer_id,email,city\ncanary77,canary77@example.com,Kiruna\nB,b@example.com,Oslo\n"


@pytest.fixture
def shop(account, write, clock):
    service.import_orders(account.id, write("orders.csv", ORDERS), mapping=MAPPING, clock=clock)
    service.import_attributes(account.id, write("people.csv", PEOPLE), clock=clock)
    row = ConsentRow(
        customer_id="canary77", has_email=True, email_consent=True, has_mobile=True, sms_consent=True
    )
    service.refresh_consent(account.id, 1, [row], full=True, read_at=datetime(2026, 7, 1, tzinfo=UTC))
    build_snapshot(account.id, date(2026, 6, 30), clock=clock)
    return account


def everything_stored(account_id: int) -> bytes:
    from django.core import serializers

    from tandem.planner.customers import models

    kinds = [
        m
        for m in vars(models).values()
        if isinstance(m, type) and hasattr(m, "_meta") and m.__module__ == models.__name__
    ]
    tables = serializers.serialize("json", [row for kind in kinds for row in kind.objects.all()])
    files = b"".join(file.read_bytes() for file in sorted(root(account_id).rglob("*")) if file.is_file())
    return tables.encode() + files


def test_nothing_of_the_person_is_left(shop, clock):
    before = service.get_customer(shop.id, "canary77")
    assert b"canary77" in everything_stored(shop.id)
    report = service.forget(shop.id, "canary77", clock=clock)
    places = dict(report.found)
    assert b"canary77" not in everything_stored(shop.id)
    assert {place.split("/")[0] for place in places} == {
        "customer id", "identity fields", "consent copies", "orders", "attributes", "snapshots", "errors", "cache",
    }  # fmt: skip
    assert report.remains
    with pytest.raises(UnknownCustomer):
        service.get_customer(shop.id, "canary77")
    ref = service.latest_snapshot(shop.id)
    assert service.get_customer(shop.id, "B").attributes["city"] == "Oslo"
    import duckdb

    with duckdb.connect(str(ref.cache), read_only=True) as session:
        for table in ("customers", "orders"):
            found = session.execute(
                f"SELECT count(*) FROM {table} WHERE customer = ?", [before.surrogate]
            ).fetchone()
            assert found == (0,)


def test_a_later_file_does_not_bring_the_person_back(shop, clock, write):
    service.forget(shop.id, "canary77", clock=clock)
    more = "customer_id,date,amount\ncanary77,2026-03-01,10.50\nB,2026-03-02,5.50\n"
    report = service.import_orders(shop.id, write("more.csv", more), clock=clock)
    assert (report.taken, report.reasons) == (1, {"person asked to be forgotten": 1})
    assert b"canary77" not in everything_stored(shop.id)


def test_forgetting_again_is_harmless_and_unknown_ids_are_refused(shop, clock):
    service.forget(shop.id, "canary77", clock=clock)
    assert service.forget(shop.id, "canary77", clock=clock).found == ()
    with pytest.raises(UnknownCustomer):
        service.forget(shop.id, "nobody", clock=clock)


def test_another_account_keeps_its_customer_of_the_same_id(shop, clock, write):
    other = Account.objects.create(name="Other", zone="UTC", currency="EUR")
    service.import_orders(other.id, write("other.csv", ORDERS), mapping=MAPPING, clock=clock)
    service.forget(shop.id, "canary77", clock=clock)
    assert service.get_customer(other.id, "canary77").customer_id == "canary77"
    assert service.count_customers(other.id) == 2 and service.count_customers(shop.id) == 1


def test_export_holds_everything(shop):
    document = service.export(shop.id, "canary77")
    assert document["identity"] == {"email": "canary77@example.com"}
    assert document["attributes"] == {"city": "Kiruna"} and len(document["orders"]) == 1
    assert document["consent"][0]["email_consent"] is True and document["features"]["orders"] == 1
