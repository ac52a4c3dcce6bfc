"""The public client `sbcommons` against a running server; only its base address is ours.

Its pauses are where this messenger's worker gets its turn, so nothing here waits for a clock.
"""

import gc
import json
import socket
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest
from sbcommons.crm import client as base_client
from sbcommons.crm.parser import DataType, TranslationEntry
from sbcommons.crm.symplify import SymplifyClient, SymplifyParser
from sbcommons.crm.symplify import client as symplify_client
from tests.fixtures.sendings import CLOCK

from tandem.messenger.accounts import service as accounts
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.service import batches

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = b"originalId|emailAddress\n1|a@example.com"


@pytest.fixture
def shop(live_server, settings, tmp_path, monkeypatch):
    """An account, a list of two, and the client; the worker works while the client pauses."""
    settings.TANDEM_STORAGE = tmp_path
    account = accounts.create_account(name="Shop", zone="Europe/Stockholm", customer_id=5004)
    people = contacts.create_list(account.id, name="Customers", clock=CLOCK)
    monkeypatch.setattr(SymplifyClient, "BASE_URL", f"{live_server.url}/rest/")
    yield Shop(account.id, people.id, accounts.create_api_user(account.id, "client").token, monkeypatch)
    gc.collect()  # the client's connections are closed when nothing holds them, not even an error's frames


class Shop:
    """What the tests know of the messenger's side."""

    def __init__(self, account_id, list_id, token, monkeypatch):
        self.account_id, self.list_id, self.token, self.pauses = account_id, list_id, token, 0
        self.work_in_pauses = True
        for module in (base_client, symplify_client):
            monkeypatch.setattr(module, "sleep", self._pause)

    def _pause(self, seconds):
        self.pauses += 1
        assert self.pauses < 10
        if self.work_in_pauses:
            batches.run_waiting(clock=CLOCK)

    def client(self, token=None):
        made = SymplifyClient(
            token=token or self.token, customer_id=str(self.account_id), list_id=self.list_id, rate_limit=1
        )
        made.session.trust_env = False
        return made

    def active(self):
        return [view.original_id for view in contacts.page_contacts(self.account_id, self.list_id)]


def test_add(shop):
    with shop.client() as client:
        assert client.post_list_sync(ROWS, "ADD")
    assert (shop.active(), shop.pauses) == (["1"], 1)


def test_clean_list(shop):
    with shop.client() as client:
        assert client.post_list_sync(ROWS, "ADD")
        assert client.clean_list()
    assert shop.active() == []


def test_cells_as_its_parser_joins_them(shop):
    names = {"id": "originalId", "first": "firstName", "last": "lastName"}
    parser = SymplifyParser(
        [TranslationEntry(ours, theirs, DataType.STRING) for ours, theirs in names.items()]
    )
    with shop.client() as client:
        assert client.post_list_sync(parser.parse([*names], [("7", "Å|sa", None)]))
    one = contacts.get_contact(shop.account_id, shop.list_id, "7")
    assert (one.first_name, one.last_name) == ("Åsa", "")


def test_429_then_200(shop):
    with shop.client() as client:
        first = client.post_list_async("ADD", ROWS)
        assert client.post_list_sync(b"originalId\n2", "ADD")
        assert client.check_batch_status(first) == "FINISHED"
    assert (shop.active(), shop.pauses) == (["1", "2"], 2)


def test_429_twice(shop):
    with shop.client() as client:
        client.post_list_async("ADD", ROWS)
        shop.work_in_pauses = False
        with pytest.raises(HTTPError) as caught:
            client.post_list_sync(b"originalId\n2", "ADD")
    assert (caught.value.code, shop.pauses) == (429, 2)


def test_error(shop):
    with shop.client() as client:
        assert client.post_list_sync(b"id|emailAddress\n1|a@example.com") is False
    assert shop.active() == []


def test_async_then_import(shop):
    with shop.client() as client:
        first = client.post_list_async("ADD", ROWS)
        batches.run_waiting(clock=CLOCK)
        assert client.session.headers["Content-Type"] == "text/csv", "the next JSON goes under this name"
        assert client.post_list_async("ADD", b"originalId\n2") > first


@pytest.mark.parametrize("token", ["wrong", "x" * 300])
def test_wrong_token(shop, token):
    with shop.client(token) as client, pytest.raises(HTTPError) as caught:
        client.post_list_sync(ROWS, "ADD")
    assert caught.value.code == 401


def test_a_body_that_ends_too_early_is_not_taken(shop, live_server):
    with shop.client() as client:
        import_id = client.create_import("REPLACE")
    answer = _cut_off(live_server, shop, f"lists/{shop.list_id}/recipients/{import_id}", b"originalId\n1\n2")
    assert answer.startswith(b"HTTP/1.1 400") and json.loads(answer.split(b"\r\n\r\n", 1)[1]).keys() == {
        "error"
    }
    assert batches.run_waiting(clock=CLOCK) == 0


def _cut_off(live_server, shop, path, body):
    """The answer to a body that was announced longer than it is."""
    where = urlsplit(live_server.url)
    head = (
        f"POST /rest/{shop.account_id}/{path} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: text/csv\r\n"
        f"X-Carma-Authentication-Token: {shop.token}\r\nContent-Length: 900\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        connection.sendall(head.encode() + body)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer
