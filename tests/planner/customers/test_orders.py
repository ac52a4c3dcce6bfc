"""Import of orders: the public logs, bad rows, the same file again, a killed import."""

import csv
from datetime import date
from decimal import Decimal

import duckdb
import pytest

from tandem.planner.customers import service
from tandem.planner.customers.errors import AmbiguousFile, BadMapping, NothingUsable, UnreadableFile
from tandem.planner.customers.models import Customer, FileImport
from tandem.planner.customers.service import ledger, orders

HEADER = "customer_id,ordered_at,amount\n"


def stored(account_id: int) -> list[tuple]:
    files = [str(file) for file in ledger.order_files(account_id)]
    return duckdb.execute(
        'SELECT customer, "at", value, kind FROM read_parquet(?) ORDER BY 2, 3', [files]
    ).fetchall()


def errors_of(report) -> list[dict[str, str]]:
    with report.errors.open(newline="") as file:
        return list(csv.DictReader(file))


def test_whitespace_log_of_cdnow(account, real, clock):
    report = service.import_orders(account.id, real("CDNOW_master.txt"), clock=clock)
    assert report.mapping == "at=date,customer=customer_id,quantity=number_of_cds,value=dollar_value"
    assert (report.rows, report.taken, report.customers, report.buyers) == (69_659, 69_659, 23_570, 23_570)
    assert report.amount == Decimal("2500315.63")
    assert (report.first_day, report.last_day) == (date(1997, 1, 1), date(1998, 6, 30))
    assert Customer.objects.filter(account=account).count() == 23_570


def test_parquet_of_uci_with_returns_and_missing_customers(account, real, clock):
    report = service.import_orders(account.id, real("online_retail_uci.parquet"), clock=clock)
    assert "Amount = Quantity x UnitPrice." in report.guessed
    assert (report.rows, report.sales, report.buyers) == (541_909, 397_884, 4_338)
    assert report.reasons == {"no customer": 135_080, "price is zero": 40}
    assert abs(report.amount - Decimal("8911407.904")) < 1
    assert len(errors_of(report)) == 135_120


def test_uci_with_a_mapping_given(account, real, clock):
    mapping = "customer=CustomerID,at=InvoiceDate,quantity=Quantity,price=UnitPrice,category=StockCode"
    report = service.import_orders(
        account.id, real("online_retail_uci.parquet"), mapping=mapping, clock=clock, dry_run=True
    )
    assert (report.mapping, report.sales, report.buyers) == (mapping, 397_884, 4_338)


def test_broken_rows_go_to_the_error_file_with_their_lines(account, write, clock):
    file = write(
        "orders.csv",
        HEADER + "A,2026-01-01,5\nB,2026-01-02,6,7,8\nC,2026-13-03,7\nD\n,2026-01-05,9\nE,2026-01-06,many\n"
        "F,2026-01-07,nan\nG,,4\nH,2026-01-08,-3\nI,2026-01-09,12.345\n",
    )
    mapping = "customer=customer_id,at=ordered_at,value=amount"
    report = service.import_orders(account.id, file, mapping=mapping, clock=clock)
    assert (report.rows, report.taken, report.sales, report.returns) == (10, 3, 2, 1)
    assert [(int(e["line"]), e["reason"]) for e in errors_of(report)] == [
        (3, "line has too many fields"),
        (4, "date not understood"),
        (5, "line has too few fields"),
        (6, "no customer"),
        (7, "amount not understood"),
        (8, "amount not understood"),
        (9, "no date"),
    ]
    assert [row[2:] for row in stored(account.id)] == [
        (Decimal("5.00"), "sale"), (Decimal("3.00"), "return"), (Decimal("12.35"), "sale"),
    ]  # fmt: skip


def test_the_same_file_again_changes_nothing(account, write, clock):
    file = write("orders.csv", HEADER + "A,2026-01-01,5.5\nB,2026-01-02,6.5\n")
    first = service.import_orders(account.id, file, clock=clock)
    again = service.import_orders(account.id, file, clock=clock)
    assert (first.repeated, again.repeated, again.id, again.amount) == (False, True, first.id, first.amount)
    assert len(stored(account.id)) == 2


def test_another_mapping_takes_the_place_of_the_first(account, write, clock):
    file = write("orders.csv", "customer_id,ordered_at,amount,net_amount\nA,2026-01-01,5.5,4.5\n")
    service.import_orders(account.id, file, clock=clock)
    service.import_orders(
        account.id, file, clock=clock, mapping="customer=customer_id,at=ordered_at,value=net_amount"
    )
    assert [row[2] for row in stored(account.id)] == [Decimal("4.50")]


def test_a_dry_run_leaves_nothing(account, write, clock):
    report = service.import_orders(
        account.id, write("o.csv", HEADER + "A,2026-01-01,5.5\n"), clock=clock, dry_run=True
    )
    assert (report.dry_run, report.taken) == (True, 1)
    assert not Customer.objects.exists() and not FileImport.objects.exists()


@pytest.mark.parametrize("step", ["map_customers", "_write", "write_errors", "ledger.finish"])
def test_an_import_that_broke_off_is_finished_by_the_next(account, write, clock, monkeypatch, step):
    file = write("orders.csv", HEADER + "A,2026-01-01,5.5\nB,2026-01-02,6.5\n,2026-01-03,7.5\n")

    def die(*_, **__):
        raise KeyboardInterrupt

    place = {"map_customers": orders.identities, "ledger.finish": ledger}.get(step, orders)
    with monkeypatch.context() as broken:
        broken.setattr(place, step.split(".")[-1], die)
        with pytest.raises(KeyboardInterrupt):
            service.import_orders(account.id, file, clock=clock)
    assert service.imports(account.id) == ()
    report = service.import_orders(account.id, file, clock=clock)
    assert (report.taken, report.rejected, len(stored(account.id))) == (2, 1, 2)
    assert Customer.objects.filter(account=account).count() == 2


def test_an_ambiguous_file_stops_with_its_columns_and_the_line_to_give(account, write, clock):
    file = write("o.csv", "alpha,beta,gamma,when\nx1,y1,5.5,2026-01-01\nx2,y2,6.5,2026-01-02\n")
    with pytest.raises(AmbiguousFile) as caught:
        service.import_orders(account.id, file, clock=clock)
    assert "alpha (text, as x" in caught.value.detail
    assert 'MAPPING="customer=COLUMN,at=when,value=gamma"' in caught.value.advice
    assert not Customer.objects.exists()


def test_a_sample_without_header_asks_for_the_customer(account, real, clock):
    with pytest.raises(AmbiguousFile) as caught:
        service.import_orders(account.id, real("CDNOW_sample.txt"), clock=clock)
    assert "customer: column1 or column2" in caught.value.detail
    report = service.import_orders(
        account.id, real("CDNOW_sample.txt"), clock=clock, mapping="customer=column1,at=column3,value=column5"
    )
    assert (report.taken, report.customers) == (6_919, 2_357)


def test_dates_that_can_be_read_two_ways_stop_the_import(account, write, clock):
    file = write("o.csv", HEADER + "A,03/04/2026,5.5\nB,05/06/2026,6.5\n")
    with pytest.raises(AmbiguousFile, match=r"%d/%m/%Y and as %m/%d/%Y"):
        service.import_orders(account.id, file, clock=clock)
    mapping = "customer=customer_id,at=ordered_at,value=amount,at_format=%m/%d/%Y"
    service.import_orders(account.id, file, clock=clock, mapping=mapping)
    assert [row[1].month for row in stored(account.id)] == [3, 5]


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        (
            "customer;date;amount\nA;31.12.2025;1.234,50\nB;01.01.2026;5,00\n",
            [Decimal("1234.50"), Decimal("5.00")],
        ),
        (
            'customer,date,amount\nA,2025-12-31,"$1,234.50"\nB,2026-01-01,$5.00\n',
            [Decimal("1234.50"), Decimal("5.00")],
        ),
        (
            "customer\tdate\tamount\r\nA\t20251231\t1234.5\r\nB\t20260101\t5\r\n",
            [Decimal("1234.50"), Decimal("5.00")],
        ),
    ],
)
def test_ways_of_writing_numbers_and_dates(account, write, clock, text, amounts):
    service.import_orders(account.id, write("o.txt", text), clock=clock)
    assert [row[2] for row in stored(account.id)] == amounts


def test_latin_1_and_a_path_with_glob_characters(account, tmp_path, clock):
    file = tmp_path / "orders [1]*.csv"
    file.write_bytes((HEADER + "Åsa,2026-01-01,5.5\n").encode("latin-1"))
    service.import_orders(account.id, file, clock=clock)
    assert list(service.customer_ids(account.id)) == ["Åsa"]


def test_times_with_a_zone_become_the_accounts_local_time(account, write, clock):
    file = write("o.csv", HEADER + "A,2026-06-01T22:30:00+00:00,5.5\n")
    service.import_orders(account.id, file, clock=clock)
    assert stored(account.id)[0][1].isoformat() == "2026-06-02T00:30:00"


def test_another_currency_is_refused_by_row(account, write, clock):
    file = write("o.csv", "customer_id,date,amount,currency\nA,2026-01-01,5.5,EUR\nB,2026-01-02,6.5,SEK\n")
    assert service.import_orders(account.id, file, clock=clock).reasons == {"another currency than EUR": 1}


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ("customer=customer_id,at=nowhere,value=amount", "no column 'nowhere'"),
        ("customer=customer_id,at=ordered_at", "value, or quantity and price"),
        ("customer=customer_id,when=ordered_at,value=amount", "is not one of"),
        ("customer=customer_id,customer=amount,at=ordered_at,value=amount", "given twice"),
    ],
)
def test_a_wrong_mapping_is_refused(account, write, clock, mapping, says):
    with pytest.raises(BadMapping, match=says):
        service.import_orders(
            account.id, write("o.csv", HEADER + "A,2026-01-01,5\n"), mapping=mapping, clock=clock
        )


def test_nothing_usable_is_refused(account, write, clock):
    file = write("o.csv", HEADER + ",2026-01-01,5.5\n,2026-01-02,6.5\n")
    with pytest.raises(NothingUsable, match=r"no customer \(2\)"):
        service.import_orders(
            account.id, file, mapping="customer=customer_id,at=ordered_at,value=amount", clock=clock
        )
    assert not FileImport.objects.exists()


@pytest.mark.parametrize("content", [b"", b"one line\n", b"\0\1\2binary" * 50, b"PAR1 and no more PAR1"])
def test_files_that_are_none(account, tmp_path, clock, content):
    file = tmp_path / "broken.bin"
    file.write_bytes(content)
    with pytest.raises(UnreadableFile):
        service.import_orders(account.id, file, clock=clock)


def test_a_missing_file(account, tmp_path, clock):
    with pytest.raises(UnreadableFile, match="cannot be read"):
        service.import_orders(account.id, tmp_path / "none.csv", clock=clock)


def test_progress_runs_from_nought_to_one(account, write, clock):
    seen = []
    service.import_orders(
        account.id,
        write("o.csv", HEADER + "A,2026-01-01,5.5\n"),
        clock=clock,
        progress=lambda _, share: seen.append(share),
    )
    assert seen[0] == 0.0 and seen[-1] == 1.0 and seen == sorted(seen)
