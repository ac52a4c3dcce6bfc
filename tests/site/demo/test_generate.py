"""The made-up customers: the same seed, the same files; nobody real can be reached."""

import csv
import hashlib
import re

import duckdb

from tandem.site.demo.generate import generate, make_contacts_for

SAFE_NUMBER = re.compile(r"\+1\d{3}55501\d\d|\+467017406\d\d")


def contacts(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_same_seed_makes_the_same_files(tmp_path):
    first, second = (generate(tmp_path / name, customers=500) for name in "ab")
    other = generate(tmp_path / "c", customers=500, seed=2)
    for name in ("orders", "attributes", "contacts"):
        one, two, three = (
            hashlib.sha256(getattr(g, name).read_bytes()).digest() for g in (first, second, other)
        )
        assert one == two != three


def test_shape_of_the_orders(tmp_path):
    made = generate(tmp_path, customers=3_000)
    buyers, first, last, once = duckdb.execute(
        "SELECT count(*), min(f)::DATE, max(l)::DATE, count(*) FILTER (n = 1) / count(*) FROM (SELECT "
        "min(ordered_at) AS f, "
        "max(ordered_at) AS l, count(*) AS n FROM read_parquet(?) GROUP BY customer_id)",
        [str(made.orders)],
    ).fetchone()
    assert 2_700 < buyers < 3_000 and 0.3 < once < 0.6
    assert made.first_day <= first and last <= made.last_day


def test_contacts_cannot_reach_anybody(tmp_path):
    rows = contacts(generate(tmp_path, customers=2_000).contacts)
    mails = [row["emailAddress"] for row in rows if row["emailAddress"]]
    numbers = [row["mobileNumber"] for row in rows if row["mobileNumber"]]
    assert all(re.fullmatch(r"[a-z.0-9]+@example\.(com|org|net)", mail) for mail in mails)
    assert all(SAFE_NUMBER.fullmatch(number) for number in numbers)
    assert len(set(mails)) == len(mails) and len(set(numbers)) == len(numbers)
    assert 0.9 < len(mails) / 2_000 < 1 and 0.5 < len(numbers) / 2_000 < 0.7
    assert 0.02 < sum(row["unsubscribed"] == "1" for row in rows) / 2_000 < 0.07


def test_contacts_for_a_log(tmp_path):
    ids = ["1", 'with "quotes", commas', "00042", "a b"]
    assert make_contacts_for(ids, tmp_path / "contacts.csv") == 4
    assert [row["originalId"] for row in contacts(tmp_path / "contacts.csv")] == ids
