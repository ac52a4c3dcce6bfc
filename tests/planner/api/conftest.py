from types import SimpleNamespace

import orjson
import pytest
from tests.fixtures import shop as shops

from tandem.kit import clock as clocks
from tandem.kit.clock import FrozenClock
from tandem.planner.accounts import service as accounts
from tandem.planner.accounts.models import Account
from tandem.planner.accounts.service import programs


@pytest.fixture
def shop(db):
    """An account and its credentials; `stocked` fills it."""
    clock = FrozenClock(shops.NOW)
    account = accounts.create_account(name="Shop", zone="Europe/Stockholm", clock=clock)
    full = accounts.create_api_credential(account.id, user_name="shop", clock=clock)
    third = accounts.create_api_credential(account.id, user_name="esp", rights="third party", clock=clock)
    programs._logins._failures.clear()
    programs._failures._failures.clear()
    return SimpleNamespace(account=account, full=full, third=third, clock=clock)


@pytest.fixture
def stocked(shop, tmp_path, settings):
    """The shop with customers c1 to c20, of whom 16 may get email, a group, a messenger and its templates."""
    settings.TANDEM_STORAGE = tmp_path / "storage"
    return shops.build(tmp_path, 20, Account.objects.get(pk=shop.account.id))


@pytest.fixture
def listed(stocked):
    """A campaign of the shop with its list made: 16 customers, no control group."""
    return shops.frozen(stocked, control_percent=0)


@pytest.fixture
def in_time(stocked, monkeypatch):
    """Calls come at the shop's time."""
    monkeypatch.setattr(clocks, "from_environment", lambda: stocked.clock)


@pytest.fixture
def call(client, shop):
    """Calls a function with the full key, unless other headers are given."""

    def run(path, body=None, *, key=None, headers=None, method=None):
        headers = {"X-API-KEY": key or shop.full.api_key} if headers is None else headers
        if body is None:
            return client.generic(method or "GET", path, headers=headers)
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        return client.generic(method or "POST", path, content, "application/json", headers=headers)

    return run
