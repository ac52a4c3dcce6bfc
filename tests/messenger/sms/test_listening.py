"""SMSCs are listened to while nothing is sent: one listener, bound again after a cut, gone when a gateway closes."""

import asyncio
import threading
import time

import pytest
from django.db import connections
from tests.fixtures.sendings import CLOCK

from tandem.messenger.accounts import service as accounts
from tandem.messenger.gateways import lines
from tandem.messenger.gateways import service as gateways
from tandem.messenger.gateways.models import CallBack
from tandem.messenger.sms import listening
from tandem.simulators.smsc import Smsc

pytestmark = pytest.mark.django_db


@pytest.fixture
def smsc(settings):
    one = Smsc().start()
    settings.TANDEM_ALLOW_PRIVATE = (f"127.0.0.1:{one.port}",)
    yield one
    one.stop()


@pytest.fixture
def account(smsc):
    made = accounts.create_account(name="Northwind", zone="UTC").id
    gateways.set_gateway(
        made, profile="smpp", url=f"smpp://127.0.0.1:{smsc.port}", user="simulator", secret="secret", actor="t",
        clock=CLOCK,
    )  # fmt: skip
    return made


@pytest.fixture
def listen(account, monkeypatch):
    """A listener in a thread; its database is the test's own transaction."""
    ours = connections["default"]
    ours.inc_thread_sharing()
    monkeypatch.setattr(listening, "connection", ours)
    monkeypatch.setattr(listening, "_close", lambda: None)
    monkeypatch.setattr(lines, "BIND_AGAIN", (0.01,))
    wanted = listening.Listening._wanted

    def shared(self):
        connections["default"] = ours
        return wanted(self)

    monkeypatch.setattr(listening.Listening, "_wanted", shared)
    stop, threads = threading.Event(), []

    def start():
        one = listening.Listening(stop, seconds=0.02)
        threads.append(threading.Thread(target=lambda: asyncio.run(one.run())))
        threads[-1].start()

    yield start
    stop.set()
    for thread in threads:
        thread.join()
    ours.dec_thread_sharing()


def until(seen):
    deadline = time.monotonic() + 5
    while not seen():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_what_comes_is_kept_and_after_a_cut_again(smsc, account, listen):
    listen()
    until(lambda: smsc.binds == 1)
    smsc.deliver(b"Stop", sender="46701740001", to="1000")
    until(lambda: smsc.unread == [0])
    smsc.cut()
    until(lambda: smsc.binds == 2)
    smsc.deliver(b"id:1 stat:DELIVRD", sender="46701740001", to="1000", esm_class=4)
    until(lambda: smsc.unread == [0, 0])
    assert sorted(CallBack.objects.filter(account_id=account).values_list("kind", flat=True)) == [
        "incoming",
        "receipt",
    ]


def test_a_gateway_that_is_closed_is_left(smsc, account, listen):
    listen()
    until(lambda: smsc.binds == 1)
    gateways.close_gateway(account, actor="t", clock=CLOCK)
    until(lambda: not smsc._sessions)


def test_only_one_process_listens(smsc, account, listen, monkeypatch):
    class Held:
        """Another process has the lock."""

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

        def execute(self, *_):
            return None

        def fetchone(self):
            return (False,)

    monkeypatch.setattr(listening.connection, "cursor", Held)
    one = listening.Listening(threading.Event())
    assert one._wanted() == {}
