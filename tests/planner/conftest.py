"""An account with its own storage, a clock that stands, and the public logs where they are."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.contrib.auth.hashers import make_password

from tandem.kit.clock import FrozenClock
from tandem.planner.accounts.models import Account
from tandem.planner.accounts.service import people


@pytest.fixture(scope="session", autouse=True)
def _cheap_password_of_nobody() -> None:
    """Whom nobody knows is compared with a password as dear as a real one; here real ones are cheap."""
    people._SOMEBODY = make_password("nobody's password")


@pytest.fixture(autouse=True)
def _models_only_where_asked_for(request, monkeypatch) -> None:
    """Learning takes seconds: a snapshot's scores are empty except in tests marked `models`."""
    if request.node.get_closest_marker("models") is None:
        monkeypatch.setattr("tandem.planner.modelling.learning.running.LEAST_CUSTOMERS", 10**9)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 7, 1, 8, 0, tzinfo=UTC))


@pytest.fixture
def account(db, tmp_path, settings) -> Account:
    settings.TANDEM_STORAGE = tmp_path / "storage"
    return Account.objects.create(name="Test shop", zone="Europe/Stockholm", currency="EUR")


@pytest.fixture
def write(tmp_path) -> Callable[[str, str], Path]:
    def write_file(name: str, text: str) -> Path:
        file = tmp_path / name
        file.write_bytes(text.encode())
        return file

    return write_file


@pytest.fixture(scope="session")
def real() -> Callable[[str], Path]:
    folder = Path(os.environ.get("TANDEM_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))

    def find(name: str) -> Path:
        file = folder / name
        if not file.exists():
            pytest.skip(f"{file} is not there; set TANDEM_TEST_DATA to the folder of the public logs")
        return file

    return find
