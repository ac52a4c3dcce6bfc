"""An account with its own storage, a clock that stands, and the public logs where they are."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.contrib.auth.hashers import make_password

from tandem.kit.clock import FrozenClock
from tandem.planner.accounts.models import Account
from tandem.planner.accounts.service import people
from tandem.planner.modelling.learning import running

LEAST_CUSTOMERS = running.LEAST_CUSTOMERS


@pytest.fixture(scope="session", autouse=True)
def _cheap_password_of_nobody() -> None:
    """Whom nobody knows is compared with a password as dear as a real one; here real ones are cheap."""
    people._SOMEBODY = make_password("nobody's password")


@pytest.fixture(scope="session", autouse=True)
def _models_nowhere() -> Iterator[None]:
    """Learning takes seconds: the scores of snapshots are empty, also of those that a file's tests begin with."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "LEAST_CUSTOMERS", 10**9)
        yield


@pytest.fixture(autouse=True)
def _models_where_asked_for(request, monkeypatch) -> None:
    """Tests marked `models` learn."""
    if request.node.get_closest_marker("models") is not None:
        monkeypatch.setattr(running, "LEAST_CUSTOMERS", LEAST_CUSTOMERS)


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
