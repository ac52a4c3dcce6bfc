from datetime import UTC, datetime

import pytest
from django.test import Client

from tandem.kit.clock import FrozenClock
from tandem.planner.accounts import service as accounts

PASSWORD = "correct horse battery"


@pytest.fixture
def clock(monkeypatch):
    frozen = FrozenClock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    monkeypatch.setattr("tandem.kit.clock.from_environment", lambda: frozen)
    return frozen


@pytest.fixture(autouse=True)
def storage(settings, tmp_path):
    settings.TANDEM_STORAGE = tmp_path / "planner"


@pytest.fixture
def account(db, clock):
    return accounts.create_account(name="Aster", zone="Europe/Stockholm", currency="SEK", clock=clock)


@pytest.fixture
def other_account(db, clock):
    return accounts.create_account(name="Birch", zone="Europe/Oslo", currency="NOK", clock=clock)


@pytest.fixture
def sign_in(clock):
    def signed(account, role="administrator"):
        email = f"{role}@{account.name.lower()}.example"
        accounts.create_user(account.id, email=email, password=PASSWORD, role=role, clock=clock)
        client = Client()
        answer = client.post("/ui/sign-in", {"email": email, "password": PASSWORD})
        assert answer.status_code == 302, answer.content
        return client

    return signed


@pytest.fixture
def client(account, sign_in):
    return sign_in(account)
