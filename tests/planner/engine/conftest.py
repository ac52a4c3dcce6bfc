"""Two engines over the same snapshot: DuckDB, which is compared with, and the one that has to conform."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from tests.planner.engine.made import snapshot

from tandem.planner.engine import postgres
from tandem.planner.engine.domain import Engine
from tandem.planner.engine.duckdb import DuckEngine

SCHEMA = "conformance"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return snapshot(tmp_path_factory.mktemp("engine") / "snapshot.duckdb", seed=20260630)


@pytest.fixture(scope="session")
def reference(made: Path) -> Iterator[Engine]:
    engine = DuckEngine(made)
    yield engine
    engine.retire()


@pytest.fixture(scope="session")
def where(django_db_setup: None) -> dict[str, Any]:
    """What psycopg connects to the test database by."""
    given = connections["default"].get_connection_params()
    return {name: given[name] for name in ("host", "port", "user", "password", "dbname") if given.get(name)}


@pytest.fixture(scope="session")
def candidate(made: Path, where: dict[str, Any]) -> Iterator[Engine]:
    engine = postgres.load(made, where, SCHEMA)
    yield engine
    engine.close()
    postgres.unload(where, SCHEMA)
