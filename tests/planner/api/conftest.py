from functools import partial
from types import SimpleNamespace

import orjson
import pytest
from tests.fixtures import shop as shops

from tandem.kit import clock as clocks
from tandem.kit.clock import FrozenClock
from tandem.planner.accounts import service as accounts
from tandem.planner.accounts.models import Account, ApiCredential
from tandem.planner.accounts.service import programs

#: what a test may begin with; each has its fixture `kept_NAME`, and they exclude each other
KEPT = ("filled", "few", "stocked")


def pytest_itemcollected(item):
    """A test that takes `NAME` begins with what the file's fixture `kept_NAME` built, if it has one."""
    for name in KEPT:
        if name in item.fixturenames and f"kept_{name}" not in item.fixturenames:
            item.fixturenames.insert(0, f"kept_{name}")


@pytest.fixture(scope="module")
def kept_stocked(keep_shop):
    return keep_shop(lambda shop, folder: shops.build(folder, 20, Account.objects.get(pk=shop.account.id)))


@pytest.fixture(scope="module")
def keep_shop(keep):
    """Keep a shop with what `fill(shop, folder)` makes of it; under another name until a test takes it."""

    def build(fill, folder):
        made = _empty()
        made.filled = fill(made, folder)
        _rename(made, f" kept {made.account.id}")
        return made

    return lambda fill: keep(partial(build, fill))


@pytest.fixture
def shop(request, db, settings, tmp_path):
    """An account and its credentials; `stocked` and its like come with it filled."""
    programs._logins._failures.clear()
    programs._failures._failures.clear()
    kept = next((name for name in KEPT if name in request.fixturenames), None)
    if kept is None:
        return _empty()
    made = request.getfixturevalue(f"kept_{kept}").take(settings, tmp_path)
    _rename(made, "")
    return made


def _empty():
    clock = FrozenClock(shops.NOW)
    account = accounts.create_account(name="Shop", zone="Europe/Stockholm", clock=clock)
    full = accounts.create_api_credential(account.id, user_name="shop", clock=clock)
    third = accounts.create_api_credential(account.id, user_name="esp", rights="third party", clock=clock)
    return SimpleNamespace(account=account, full=full, third=third, clock=clock, filled=None)


def _rename(made, mark):
    Account.objects.filter(pk=made.account.id).update(name=f"Shop{mark}")
    for key, name in ((made.full, "shop"), (made.third, "esp")):
        ApiCredential.objects.filter(pk=key.id).update(user_name=name + mark)


@pytest.fixture
def stocked(shop):
    """The shop with customers c1 to c20, of whom 16 may get email, a group, a messenger and its templates."""
    return shop.filled


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
