"""During a warm-up the most engaged come first: by clicks, by openings, else as the list has them."""

from datetime import timedelta

import pytest
from tests.fixtures.sendings import CLOCK, create_contacts, create_sending

from tandem.messenger.delivery import ledger
from tandem.messenger.delivery.domain import Channel, PlannedTemplate
from tandem.messenger.delivery.models import Attempt
from tandem.messenger.delivery.staging import StagedList
from tandem.messenger.engagement import service
from tandem.messenger.engagement.domain import Happened, Kind
from tandem.messenger.pacing import service as pacing
from tandem.messenger.pacing.service import limits
from tandem.messenger.projects import service as projects

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(house):
    """Five; c4 clicked and opened, c2 opened twice, c5 once, c3 only long ago."""
    found = create_contacts(house, 5)
    for campaign, did in (
        (1, {"c4": Kind.CLICKED, "c2": Kind.OPENED}),
        (2, {"c2": Kind.OPENED, "c5": Kind.OPENED}),
    ):
        sending = create_sending(house, found, campaign_id=campaign)
        rows = dict(Attempt.objects.filter(sending_id=sending).values_list("customer", "id"))
        told = [(rows[customer], kind, timedelta()) for customer, kind in did.items()]
        told += [(rows["c3"], Kind.CLICKED, timedelta(days=91))] if campaign == 1 else []
        service.record(
            [
                Happened(
                    account_id=house.account_id,
                    attempt_id=row,
                    kind=kind,
                    at=CLOCK.business() - ago,
                    source="x",
                )
                for row, kind, ago in told
            ],
            clock=CLOCK,
        )
    return found


def order(house, people):
    """The list as the ledger has it."""
    target = projects.send_target(house.account_id, house.email_trigger)
    planned = PlannedTemplate(
        template_id=house.email_trigger,
        version_id=target.version_id,
        list_id=target.list_id,
        due_at=CLOCK.business(),
    )
    with StagedList() as staged:
        staged.add((one, house.email_trigger) for one in people)
        digest = staged.digest()
        service.engaged_first(house.account_id, staged, [house.email_trigger], clock=CLOCK)
        assert staged.digest() == digest
        sending = ledger.open_sending(
            house.account_id,
            source_key="x",
            channel=Channel.EMAIL,
            templates=[planned],
            rows=staged,
            clock=CLOCK,
        )
    rows = Attempt.objects.filter(sending_id=sending).order_by("seq")
    assert [row.seq for row in rows] == [1, 2, 3, 4, 5]
    return [row.customer for row in rows]


def warm_up(house, sender):
    pacing.start_warm_up(house.account_id, sender, "fast", actor="a", clock=CLOCK)


def test_without_a_warm_up_of_its_sender_a_list_keeps_its_order(house, people):
    warm_up(house, "other.example")
    assert order(house, people) == people


def test_in_a_warm_up_those_who_clicked_come_first_then_those_who_opened(house, people):
    warm_up(house, "northwind.example")
    assert order(house, people) == ["c4", "c2", "c5", "c1", "c3"]


def test_when_the_schedule_is_over_nobody_is_warmed_up(house, monkeypatch):
    warm_up(house, "northwind.example")
    assert pacing.is_warming(house.account_id, ["northwind.example"], CLOCK)
    monkeypatch.setattr(limits, "today", lambda *_: CLOCK.system().date() + timedelta(days=400))
    assert not pacing.is_warming(house.account_id, ["northwind.example"], CLOCK)
