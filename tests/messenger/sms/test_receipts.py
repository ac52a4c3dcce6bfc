"""Delivery receipts at the door: once each, whatever is told how often, in which order and by whom."""

import random

import pytest
from django.test import Client
from tests.fixtures.sendings import CLOCK

from tandem.messenger.engagement import service as engagement
from tandem.messenger.engagement.domain import Kind
from tandem.messenger.gateways import inbox
from tandem.messenger.gateways import service as gateways
from tandem.messenger.gateways.domain import Came, Receipt
from tandem.messenger.gateways.inbox import Part
from tandem.messenger.gateways.models import CallBack
from tandem.messenger.sms import service
from tandem.messenger.sms.service.doors import MOST_BODY


def kinds(side, customer="c1"):
    row = side.row(customer)
    return sorted(one.kind for one in engagement.events_of(side.account_id, [row.pk]).get(row.pk, []))


def test_a_receipt_is_an_event_of_its_message(ours):
    assert ours.receipt().status_code == 204
    service.work_due(CLOCK)
    assert kinds(ours) == [Kind.DELIVERED]


def test_an_uncertain_message_is_settled_by_its_receipt(ours):
    ours.receipt(customer="c2")
    service.work_due(CLOCK)
    assert ours.row("c2").state == 10


def test_told_again_and_again_it_is_one_event(ours):
    for _ in range(3):
        ours.receipt()
        service.work_due(CLOCK)
    assert kinds(ours) == [Kind.DELIVERED]
    assert CallBack.objects.filter(account_id=ours.account_id).count() == 1


def test_the_order_makes_no_difference(ours):
    told = [
        ("sent", "c1"),
        ("delivered", "c1"),
        ("failed", "c2"),
        ("sent", "c2"),
        ("delivered", "c1"),
        ("queued", "c3"),
    ]
    random.shuffle(told)
    for status, customer in told:
        ours.receipt(status, customer)
    service.work_due(CLOCK)
    assert (kinds(ours), kinds(ours, "c2"), kinds(ours, "c3")) == ([Kind.DELIVERED], [Kind.FAILED], [])


def test_without_the_right_signature_nothing_is_kept(ours):
    fields = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    query = f"m={ours.mark()}"
    assert ours.post(fields, query=query, signed=False).status_code == 403
    assert ours.post(fields, query=query, secret="another").status_code == 403
    assert not CallBack.objects.filter(account_id=ours.account_id).exists()


def test_an_address_that_is_none(two):
    for path in ("/sms/guess/receipt", "/sms/guess/incoming", "/sms/x/y"):
        assert Client().post(path).status_code == 404
    ours = two[0].address()
    assert Client().post("/" + ours.split("/", 3)[3].replace("receipt", "other")).status_code == 404
    assert Client().get("/" + ours.split("/", 3)[3]).status_code == 405


def test_a_message_of_another_account_is_not_touched(ours, theirs):
    """Signed by our own gateway, with the mark of their message."""
    ours.post({"MessageSid": "SM1", "MessageStatus": "delivered"}, query=f"m={theirs.mark('c2')}")
    service.work_due(CLOCK)
    assert kinds(theirs, "c2") == [] and theirs.row("c2").state == 12
    assert not engagement.events_of(ours.account_id, [theirs.row("c2").pk])


@pytest.mark.parametrize("mark", ["", "A" * 32, "x", "%00", "../..", "m" * 5000])
def test_a_forged_mark_finds_nothing(ours, mark):
    ours.post({"MessageSid": "SM1", "MessageStatus": "delivered"}, query=f"m={mark}")
    service.work_due(CLOCK)
    assert [kinds(ours, one) for one in ("c1", "c2", "c3")] == [[], [], []]


def test_a_failure_for_good_marks_the_number(ours, theirs):
    ours.receipt("undelivered", ErrorCode="30006")
    service.work_due(CLOCK)
    assert ours.contact().mobile_bounced and not theirs.contact().mobile_bounced
    assert not ours.contact("c2").mobile_bounced


def test_a_failure_of_the_moment_does_not(ours):
    ours.receipt("undelivered", ErrorCode="30008")
    service.work_due(CLOCK)
    assert not ours.contact().mobile_bounced


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"x" * (MOST_BODY + 1), "application/x-www-form-urlencoded", 413),
        (b"&".join(b"a=1" for _ in range(300)), "application/x-www-form-urlencoded", 400),
        (b"{", "application/json", 400),
        (b"[1]", "application/json", 400),
        (b"\xff\xfe\x00=\xff", "application/x-www-form-urlencoded", 204),
        (b"[]", "application/json", 204),
    ],
)
def test_bodies_that_are_none(two, body, kind, status):
    ours = two[0]
    gateways.set_gateway(ours.account_id, profile="46elks", user="u", secret="s", actor="test", clock=CLOCK)
    path = "/" + ours.address().split("/", 3)[3]
    answer = Client().post(path, body, content_type=kind)
    assert answer.status_code in (status, 422 if status == 400 else status)
    assert not CallBack.objects.filter(account_id=ours.account_id).exists()


class TestByTheGatewaysOwnNames:
    """As SMPP tells: no address of ours, the SMSC's name of each part."""

    def remember(self, side, customer, *names):
        row = side.row(customer)
        parts = [
            Part(gateway_id=name, sending_id=side.sending_id, attempt_id=row.pk, part=n, parts=len(names))
            for n, name in enumerate(names, 1)
        ]
        inbox.remember(side.account_id, parts, CLOCK.system())

    def tell(self, side, name, came=Came.DELIVERED):
        inbox.keep(side.account_id, [Receipt(gateway_id=name, came=came)], CLOCK.system())
        service.work_due(CLOCK)

    def test_in_hex_and_in_decimal(self, ours):
        self.remember(ours, "c1", "a1b2c3")
        self.tell(ours, str(0xA1B2C3))
        assert kinds(ours) == [Kind.DELIVERED]

    def test_a_long_message_is_delivered_when_all_of_it_is(self, ours):
        self.remember(ours, "c2", "a1", "a2")
        self.tell(ours, "a2")
        assert kinds(ours, "c2") == []
        self.tell(ours, "a1")
        assert kinds(ours, "c2") == [Kind.DELIVERED] and ours.row("c2").state == 10

    def test_one_lost_part_is_a_failure(self, ours):
        self.remember(ours, "c1", "b1", "b2")
        self.tell(ours, "b1")
        self.tell(ours, "b2", Came.FAILED)
        assert kinds(ours) == [Kind.FAILED]

    def test_a_receipt_that_overtakes_its_answer_waits(self, ours):
        self.tell(ours, "c9")
        assert kinds(ours) == []
        self.remember(ours, "c1", "c9")
        CallBack.objects.filter(account_id=ours.account_id).update(next_at=CLOCK.system())
        service.work_due(CLOCK)
        assert kinds(ours) == [Kind.DELIVERED]

    def test_an_answers_or_a_tests_is_no_rows(self, ours):
        row = ours.row("c2")
        part = Part(gateway_id="d1", sending_id=0, attempt_id=row.pk, part=1, parts=1)
        inbox.remember(ours.account_id, [part], CLOCK.system())
        self.tell(ours, "d1")
        assert kinds(ours, "c2") == [] and ours.row("c2").state == 12

    def test_one_of_nobody_ends(self, ours):
        self.tell(ours, "nobody's")
        for _ in range(10):
            CallBack.objects.filter(account_id=ours.account_id, next_at__isnull=False).update(
                next_at=CLOCK.system()
            )
            service.work_due(CLOCK)
        row = CallBack.objects.get(account_id=ours.account_id)
        assert (row.next_at, row.outcome, row.said) == (None, "of an unknown message", None)

    def test_the_same_name_at_two_accounts(self, ours, theirs):
        self.remember(ours, "c1", "same")
        self.remember(theirs, "c1", "same")
        self.tell(theirs, "same")
        assert (kinds(ours), kinds(theirs)) == ([], [Kind.DELIVERED])
