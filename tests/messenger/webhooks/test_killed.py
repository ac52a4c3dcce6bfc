"""The calling process is killed (SIGKILL, real commits) right after the answer, before it is kept."""

import os
import signal
import subprocess
import sys
import time
from urllib.parse import quote

import pytest
from django.db import connection
from tests.fixtures.hooks import receiver
from tests.fixtures.messages import create_desk
from tests.fixtures.sendings import CLOCK
from tests.messenger.webhooks.test_vendor_way import opened

from tandem.messenger.webhooks import service as webhooks
from tandem.messenger.webhooks.domain import EventType

pytestmark = pytest.mark.django_db(transaction=True)
PROGRAM = """
import django
django.setup()
from tandem.kit import clock
from tandem.messenger.webhooks import service
service.call_due(clock.from_environment())
"""


def killed(home, pair):
    place = connection.settings_dict
    address = f"postgresql://{quote(place['USER'])}:{quote(place['PASSWORD'] or '')}@/{place['NAME']}"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")},
        "DJANGO_SETTINGS_MODULE": "tandem.site.settings.messenger",
        "TANDEM_HOME": str(home),
        "TANDEM_MESSENGER_DATABASE_URL": f"{address}?host={quote(place['HOST'], safe='')}&port={place['PORT']}",
        "TANDEM_ALLOW_PRIVATE": pair,
        "TANDEM_TEST_BUILD": "1",
        "TANDEM_FAILPOINT": "webhook.answered:1:kill",
    }
    words = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr


def called_when_let_go():
    """How many were called at the first turn that called any: the dead one's lock goes when PostgreSQL notices."""
    deadline = time.monotonic() + 60
    while not (called := webhooks.call_due(CLOCK)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return called


def test_the_vendor_s_way_is_fired_once_all_the_same(settings, tmp_path):
    with receiver() as hook:
        settings.TANDEM_ALLOW_PRIVATE = (hook.pair,)
        desk = create_desk(7011, "Killed")
        webhooks.add(desk.account, url=hook.url(), events=["mail-opened"], clock=CLOCK)
        events = [opened(CLOCK, contact=str(n)) for n in range(3)]
        webhooks.publish(desk.account, EventType.MAIL_OPENED, events, clock=CLOCK)

        killed(tmp_path, hook.pair)
        assert called_when_let_go() == 2
        assert webhooks.call_due(CLOCK) == 0

        assert [got.json["contactId"] for got in hook.got] == ["0", "1", "2"]
