"""A start with nothing to migrate starts no program; a new release does; a failure is not noted as done."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tandem.kit import embedded_postgres
from tandem.site import migrations
from tandem.site.settings.environment import home


@pytest.fixture
def started(monkeypatch):
    """The halves a migration was started for; the programs end with `started.code`."""

    class Started(list):
        code = 0

    halves = Started()

    def start(half):
        halves.append(half)
        return subprocess.Popen(["sh", "-c", f"exit {halves.code}"], stdout=subprocess.PIPE)

    server = embedded_postgres.ensure(home(), ("tandem_test_migrations",))
    monkeypatch.setenv("TANDEM_PLANNER_DATABASE_URL", server.url("tandem_test_migrations"))
    monkeypatch.setattr(migrations, "_start", start)
    with migrations._connection("planner") as connection:
        connection.execute("DROP TABLE IF EXISTS django_migrations")
        connection.execute("CREATE TABLE django_migrations (id int)")
    return halves


def test_only_once_per_release(started, monkeypatch):
    migrations.migrate(("planner",))
    migrations.migrate(("planner",))
    assert started == ["planner"]
    monkeypatch.setattr(migrations, "_release", lambda: "tandem next")
    migrations.migrate(("planner",))
    assert started == ["planner", "planner"]


def test_services_that_start_together_migrate_once(started, monkeypatch):
    def start(half):
        started.append(half)
        return subprocess.Popen(["sleep", "0.3"], stdout=subprocess.PIPE)

    monkeypatch.setattr(migrations, "_start", start)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(migrations.migrate, [("planner",), ("planner",)]))
    assert started == ["planner"]


def test_what_failed_is_tried_again(started):
    started.code = 1
    with pytest.raises(migrations.MigrationFailed):
        migrations.migrate(("planner",))
    started.code = 0
    migrations.migrate(("planner",))
    assert started == ["planner", "planner"]


@pytest.fixture
def list_sendings():
    """`tandem sendings list` on a database that holds what the statement makes."""

    def run(statement, release=""):
        server = embedded_postgres.ensure(home(), ("tandem_test_older",))
        url = server.url("tandem_test_older")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            connection.execute(f"CREATE TABLE django_migrations (id int); {statement}")
            connection.execute(f"COMMENT ON TABLE django_migrations IS '{release}'")
        return subprocess.run(
            [sys.executable, "-m", "tandem", "sendings", "list"],
            env={**os.environ, "TANDEM_MESSENGER_DATABASE_URL": url},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


@pytest.mark.parametrize("statement", ["", "CREATE TABLE messenger_accounts_account (id bigint)"])
def test_a_command_that_meets_older_tables_says_so(list_sendings, statement):
    done = list_sendings(statement, release="tandem older")
    assert done.returncode == 1
    said = " ".join(done.stderr.split())
    assert said.startswith(
        "The database is of another release. The messenger's tables are not of this release."
    )
    assert "tandem up" in said and "tandem doctor" in said
    assert "Traceback" not in said


def test_a_missing_table_of_this_release_is_not_explained_away(list_sendings):
    done = list_sendings("", release=migrations._release())
    assert done.returncode == 1
    assert "UndefinedTable" in done.stderr
