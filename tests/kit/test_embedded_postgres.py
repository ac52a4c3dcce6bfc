"""The embedded server: made, found, stopped by a crash, started again with its data."""

import psycopg
import pytest

from tandem.kit import embedded_postgres
from tandem.kit.embedded_postgres import DatabaseUnavailable


@pytest.fixture
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    server = embedded_postgres.ensure(home, ("one",))
    yield home, server
    embedded_postgres.stop(server, mode="immediate")


def test_committed_rows_survive_a_crash(server):
    home, running = server
    with psycopg.connect(running.url("one"), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (7)")
    embedded_postgres.stop(running, mode="immediate")
    assert not embedded_postgres.is_running(running)
    again = embedded_postgres.ensure(home, ("one",))
    with psycopg.connect(again.url("one")) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(7,)]


def test_only_the_socket_is_open(server):
    _, running = server
    with psycopg.connect(running.url("one")) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)


def test_a_data_folder_of_another_major_version_is_refused(server):
    home, running = server
    embedded_postgres.stop(running)
    (running.data / "PG_VERSION").write_text("14\n")
    with pytest.raises(DatabaseUnavailable, match=r"made by PostgreSQL 14.*tandem db dump"):
        embedded_postgres.ensure(home, ("one",))
    (running.data / "PG_VERSION").write_text("18\n")
