"""Calls of the own API with a key of a small shop."""

from types import SimpleNamespace

import orjson
import pytest
from tests.fixtures import shop as shops

from tandem.kit import clock as clocks
from tandem.planner.accounts import service as accounts


@pytest.fixture
def built(db, tmp_path, settings):
    """A shop of 20 customers without a snapshot; a test that needs one takes `with_snapshot` as well."""
    settings.TANDEM_STORAGE = tmp_path / "storage"
    return shops.small(20)


@pytest.fixture
def stocked(built, monkeypatch):
    """The shop and a key with full rights; the clock is the shop's."""
    monkeypatch.setattr(clocks, "from_environment", lambda: built.clock)
    return SimpleNamespace(shop=built, id=built.account.pk, key=_key(built.account.pk, built.clock))


def _key(account_id, clock, **more):
    return accounts.create_api_credential(account_id, clock=clock, **more).api_key


@pytest.fixture
def ask(client, stocked):
    """One call: (status, document); method GET without a body, POST with one."""

    def run(path, body=None, *, method=None, key=stocked.key):
        headers = {"X-API-KEY": key} if key else {}
        content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        method = method or ("GET" if body is None else "POST")
        answer = client.generic(method, f"/api/v1{path}", content, "application/json", headers=headers)
        return answer.status_code, orjson.loads(answer.content or b"null")

    return run
