"""A sender is killed between the bytes of an SMS and its answer: nobody gets it twice, what is in doubt is shown."""

import os
import signal
import subprocess
import sys
from collections import Counter
from urllib.parse import quote

import pytest
from django.conf import settings as django_settings
from django.db import connection
from tests.fixtures.sendings import CLOCK, create_contacts, create_house, create_sending, send_until

from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery import tokens
from tandem.messenger.delivery.domain import AttemptState, Channel
from tandem.messenger.delivery.models import Attempt
from tandem.messenger.gateways import inbox, rules
from tandem.messenger.gateways import service as gateways
from tandem.messenger.gateways.domain import Came, Receipt
from tandem.messenger.gateways.lines import HTTP_AT_ONCE
from tandem.messenger.sms import service
from tandem.simulators.server import Server, Simulator
from tandem.simulators.sms_gateway import SmsGateway
from tandem.simulators.smsc import Smsc

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 40
PROGRAM = """
import django; django.setup()
import threading
from tandem.messenger.delivery.sender import life
life.run(threading.Event())
"""


def killed(home, step, allowed):
    """Run a sender that is killed at the step."""
    place = connection.settings_dict
    address = f"postgresql://{quote(place['USER'])}:{quote(place['PASSWORD'] or '')}@/{place['NAME']}"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")},
        "DJANGO_SETTINGS_MODULE": "tandem.site.settings.messenger",
        "TANDEM_HOME": str(home),
        "TANDEM_KEY_FILE": os.path.join(os.environ["TANDEM_HOME"], "key"),
        "TANDEM_MESSENGER_DATABASE_URL": f"{address}?host={quote(place['HOST'], safe='')}&port={place['PORT']}",
        "TANDEM_ALLOW_PRIVATE": allowed,
        "TANDEM_TEST_BUILD": "1",
        "TANDEM_FAILPOINT": f"{step}:3:kill",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, f"{step} was not reached: {done.stderr[-2000:]}"


def over_http(step):
    gateway = SmsGateway()
    with Server(Simulator(gateway)) as server:
        where = {"profile": "46elks", "url": server.url, "user": "AC1"}
        yield f"127.0.0.1:{server.port}", where, lambda: [one.to for one in gateway.taken], HTTP_AT_ONCE


def over_smpp(step):
    smsc = Smsc().start()
    where = {
        "profile": "smpp",
        "url": f"smpp://127.0.0.1:{smsc.port}",
        "user": "simulator",
        "options": {"window": 7},
    }
    yield f"127.0.0.1:{smsc.port}", where, lambda: ["+" + one.to for one in smsc.taken], 7
    smsc.stop()


@pytest.mark.parametrize(("way", "step"), [(over_http, "m14"), (over_smpp, "m14")])
def test_nobody_gets_it_twice(way, step, settings, tmp_path):
    settings.TANDEM_HOME = tmp_path
    for allowed, where, taken, window in way(step):
        settings.TANDEM_ALLOW_PRIVATE = (allowed,)
        house = create_house()
        account = house.account_id
        gateways.set_gateway(account, **where, secret="secret", default_sender="Shop", actor="t", clock=CLOCK)
        rules.set_rules(account, quiet=False, actor="t", clock=CLOCK)
        sending = create_sending(house, create_contacts(house, PEOPLE), channel=Channel.SMS)
        killed(tmp_path, step, allowed)
        counts = send_until(house, sending).counts
        assert counts["accepted"] + counts["uncertain"] == PEOPLE
        assert 0 < counts["uncertain"] <= window
        assert max(Counter(taken()).values()) == 1
        assert len(taken()) >= counts["accepted"]
        reached = set(taken())  # the gateway may still be at the last one of the dead sender
        _settle_by_receipts(account, sending, reached)
        assert delivery.get_sending(account, sending).counts.get("accepted") == len(reached)


def _settle_by_receipts(account, sending, reached):
    """The gateway tells of each message that it has."""
    rows = Attempt.objects.filter(account_id=account, sending_id=sending, state=AttemptState.UNCERTAIN)
    marks = [
        tokens.make(django_settings.SECRET_KEY, tokens.RECEIPT, sending, row.pk)
        for row in rows
        if f"+4670174{int(row.customer[1:]):04}" in reached
    ]
    told = [Receipt(gateway_id="", came=Came.DELIVERED, mark=mark) for mark in marks]
    inbox.keep(account, told, CLOCK.system())
    service.work_due(CLOCK)
