"""Idempotency-Key: asked twice, sent once; also at the same moment, and when the process dies before its answer."""

import json
import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from django.db import connection
from tests.fixtures.messages import create_desk

from tandem.messenger.delivery.models import Attempt, Sending
from tandem.messenger.messages.models import MessageKey

pytestmark = pytest.mark.django_db(transaction=True)

ONE_CALL = """
import sys
import django
django.setup()
from django.db import connection
from django.test.utils import setup_test_environment
name, path, token, body = sys.argv[1:]
setup_test_environment()
connection.settings_dict["NAME"] = name
from django.test import Client
headers = {"X-Carma-Authentication-Token": token, "Idempotency-Key": "order-7"}
Client().generic("POST", path, body, "application/json", headers=headers)
"""


@pytest.fixture
def desk():
    return create_desk()


def rows(desk) -> int:
    return Attempt.objects.filter(account_id=desk.account).count()


def test_the_same_again_is_answered_the_same(desk):
    said = [desk.send(key="order-7", properties={"bonus": "1"}, saveProps=True) for _ in range(3)]
    assert said[0] == said[1] == said[2]
    assert rows(desk) == 1


def test_the_same_in_other_words_is_the_same(desk):
    first = desk.send(key="k", deliveryTime="2031-02-09T11:00:00+0100", optOut=False)
    again = desk.send(key="k", customerId=0, deliveryTime="2031-02-09T10:00:00Z", properties=None)
    assert (first, rows(desk)) == (again, 1)


@pytest.mark.parametrize(
    "changed", [{"originalId": "a b/c@d"}, {"properties": {"bonus": "2"}}, {"optOut": True}]
)
def test_another_body_under_the_key_is_refused(desk, changed):
    desk.send(key="order-7")
    assert "under this key" in desk.send(422, key="order-7", **changed)["error"]
    assert (rows(desk), desk.contact()["unsubscribed"]) == (1, False)


def test_another_trigger_under_the_key_is_refused(desk):
    desk.send(key="order-7")
    desk.send(422, trigger=desk.sms, key="order-7")


def test_other_keys_and_none_are_other_messages(desk):
    for key in ("a", "b", "", ""):
        desk.send(key=key)
    assert rows(desk) == 4


def test_a_refused_call_uses_up_no_key(desk):
    desk.send(400, key="order-7", properties={"size": "M"})
    desk.send(key="order-7", properties={"size": "M"}, forceCreateMissingProperties=True)
    assert rows(desk) == 1


def test_keys_are_an_accounts_own(desk):
    other = create_desk(7002, "Other")
    desk.send(key="order-7")
    other.send(key="order-7", optOut=True)
    assert (rows(desk), rows(other)) == (1, 1)


def test_a_key_is_kept_for_a_day(desk):
    first = desk.send(key="order-7")
    kept = MessageKey.objects.get(account_id=desk.account)
    MessageKey.objects.filter(account_id=desk.account).update(at=kept.at - timedelta(hours=24, seconds=1))
    assert desk.send(key="order-7")["id"] != first["id"]
    assert MessageKey.objects.filter(account_id=desk.account).count() == 1


@pytest.mark.parametrize("key", ["x" * 201, "a\x7fb"])
def test_a_key_that_cannot_be_one(desk, key):
    desk.send(400, key=key)
    assert rows(desk) == 0


def test_two_calls_at_once_send_once(desk):
    start, said = threading.Barrier(6), []

    def call():
        try:
            start.wait(10)
            said.append(desk.send(key="order-7", properties={"size": "M"}, forceCreateMissingProperties=True))
        finally:
            connection.close()

    threads = [threading.Thread(target=call) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(said) == 6
    assert {one["id"] for one in said} == {said[0]["id"]}
    assert rows(desk) == 1


def test_two_calls_at_once_without_a_key_make_one_attribute(desk):
    start, said = threading.Barrier(4), []

    def call():
        try:
            start.wait(10)
            said.append(
                desk.send(properties={"size": "M"}, saveProps=True, forceCreateMissingProperties=True)
            )
        finally:
            connection.close()

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(said) == 4
    assert rows(desk) == 4
    assert desk.contact()["namedProperties"]["size"] == "M"


@pytest.mark.parametrize(("step", "kept"), [("m19", 1), ("m6", 0)])
def test_a_process_that_dies_before_its_answer(desk, settings, step, kept):
    body = json.dumps({"originalId": "bo", "properties": {"bonus": "7"}, "saveProps": True})
    path = f"/rest/{desk.account}/triggers/{desk.mail}/messages"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tandem.site.settings.messenger",
        "TANDEM_HOME": str(settings.TANDEM_HOME),
        "TANDEM_TEST_BUILD": "1",
        "TANDEM_FAILPOINT": f"{step}:1:kill",
    }
    done = subprocess.run(
        [sys.executable, "-c", ONE_CALL, connection.settings_dict["NAME"], path, desk.token, body],
        env=environment,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert (rows(desk), Sending.objects.filter(account_id=desk.account).count()) == (kept, kept)
    assert desk.contact()["namedProperties"]["bonus"] == ("7" if kept else "5")

    again = desk.send(key="order-7", properties={"bonus": "7"}, saveProps=True)

    assert again["id"] == Attempt.objects.get(account_id=desk.account).id
    assert desk.contact()["namedProperties"]["bonus"] == "7"
