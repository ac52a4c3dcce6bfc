"""Snapshots' files are shared, bounded and closed when they are no longer wanted."""

from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest
import sqlglot.expressions as exp

from tandem.planner.engine import duckdb as engine
from tandem.planner.engine.domain import Attribute, Kind

COUNT = exp.select(exp.Count(this=exp.Star())).from_("t")


@pytest.fixture
def file(tmp_path):
    return made(tmp_path / "it's.duckdb", 1000)


def made(path, rows):
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t AS SELECT range AS a FROM range(?)", [rows])
    return path


def test_many_threads_ask_one_file(file):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _n: engine.open_snapshot(file).value(COUNT.copy()), range(40)))
    assert answers == [1000] * 40
    assert engine.open_snapshot(file) is engine.open_snapshot(file)


def test_the_longest_unused_is_closed(tmp_path):
    first = engine.open_snapshot(made(tmp_path / "0.duckdb", 1))
    for number in range(1, engine.KEPT_OPEN + 1):
        engine.open_snapshot(made(tmp_path / f"{number}.duckdb", number))
    with pytest.raises(duckdb.Error):
        first.value(COUNT)
    assert engine.open_snapshot(tmp_path / "0.duckdb").value(COUNT) == 1


def test_a_forgotten_file_can_go_and_a_missing_one_is_said(file):
    engine.open_snapshot(file)
    engine.forget_snapshot(file)
    file.unlink()
    with pytest.raises(engine.SnapshotFileMissing, match="is not there"):
        engine.open_snapshot(file)


def test_nothing_can_be_written(file):
    with pytest.raises(duckdb.Error):
        engine.open_snapshot(file).rows(exp.Drop(this=exp.to_table("t"), kind="TABLE"))


def test_the_same_file_may_be_open_elsewhere_with_other_settings(file):
    engine.open_snapshot(file)
    with duckdb.connect(str(file), read_only=True, config={"memory_limit": "300MB"}) as other:
        assert other.execute("SELECT count(*) FROM t").fetchone() == (1000,)


def test_rows_become_a_csv_file_without_header(file, tmp_path):
    target = tmp_path / "o'clock.csv"
    query = exp.select("a").from_("t").where("a < 3").order_by("a")
    assert engine.open_snapshot(file).write_csv(query, target) == 3
    assert target.read_text() == "0\n1\n2\n"


def test_an_attribute_survives_storing():
    one = Attribute(name="country", label="Country", kind=Kind.TEXT, set="Profile", choices=("SE",))
    assert Attribute.from_json(one.as_json()) == one
