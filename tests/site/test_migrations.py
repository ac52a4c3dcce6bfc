"""A start with nothing to migrate starts no program; a new release does; a failure is not noted as done."""

import subprocess

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


def test_what_failed_is_tried_again(started):
    started.code = 1
    with pytest.raises(migrations.MigrationFailed):
        migrations.migrate(("planner",))
    started.code = 0
    migrations.migrate(("planner",))
    assert started == ["planner", "planner"]
