"""Failed rows once more: only they, under the same Message-ID, told to the planner as what was added."""

import pytest
from tests.fixtures.sendings import (
    CLOCK,
    change_contact,
    create_contacts,
    create_house,
    create_sending,
    turn_once,
)

from tandem.messenger.delivery import counting
from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery.domain import AttemptState, Outcome, SendingState
from tandem.messenger.delivery.errors import NothingFailed, SendingNotFound, SendingOver
from tandem.messenger.delivery.models import Attempt, SendingTemplate
from tandem.messenger.delivery.providers.memory import MemoryProvider
from tandem.messenger.reporting import service as reporting
from tandem.messenger.reporting.models import MetricReport

pytestmark = pytest.mark.django_db
REFUSED = Outcome(state=AttemptState.REJECTED, detail="554 5.7.1 not today")


@pytest.fixture
def hop(settings, monkeypatch):
    """A next hop that refuses whom it is told to; what it was offered."""
    settings.TANDEM_SENDING = {
        **settings.TANDEM_SENDING,
        "TANDEM_PROVIDER": "memory",
        "TANDEM_PROVIDER_LOCK": "0",
    }
    refused, offered = set(), []

    def send(self, message, leave):
        offered.append(
            (message.recipient, message.content.partition(b"\r\nMessage-ID: ")[2].split(b"\r\n")[0])
        )
        if not leave():
            return None
        return REFUSED if message.recipient in refused else Outcome(state=AttemptState.ACCEPTED, detail="250")

    monkeypatch.setattr(MemoryProvider, "send", send)
    return refused, offered


def counts(house, sending_id):
    return delivery.get_sending(house.account_id, sending_id).counts


def told(house, sending_id):
    return [(row.metric_id, row.value) for row in reporting.reports(house.account_id, sending_id)]


def test_only_the_failed_ones_get_another_turn(house, hop):
    refused, offered = hop
    customers = create_contacts(house, 6)
    refused |= {"c2@people.example", "c5@people.example"}
    sending_id = create_sending(house, customers)
    turn_once()
    assert counts(house, sending_id) == {"accepted": 4, "rejected": 2}
    reporting.prepare_reports(CLOCK)
    assert told(house, sending_id) == [(0, 4), (5, 0), (9, 2)]
    MetricReport.objects.update(state="posted")
    first = dict(offered)

    refused.clear()
    offered.clear()
    change_contact(house, "c5", unsubscribed=True)
    assert delivery.retry_failed(house.account_id, sending_id, clock=CLOCK) == 2
    assert delivery.get_sending(house.account_id, sending_id).state is SendingState.SENDING
    turn_once()
    assert counts(house, sending_id) == {"accepted": 5, "suppressed": 1}
    assert offered == [("c2@people.example", first["c2@people.example"])], "the same message, to nobody else"
    reporting.prepare_reports(CLOCK)
    assert sorted(told(house, sending_id)) == [(0, 1), (0, 4), (5, 0), (5, 1), (9, 2)]

    version = SendingTemplate.objects.get(sending_id=sending_id).version_id
    sums = {what: n for what, n in counting.of_versions(house.account_id, [version])[version].items() if n}
    assert sums == {int(AttemptState.ACCEPTED): 5, int(AttemptState.SUPPRESSED): 1}


def test_what_cannot_be_tried_again_is_said(house, hop):
    sending_id = create_sending(house, create_contacts(house, 2))
    turn_once()
    with pytest.raises(NothingFailed):
        delivery.retry_failed(house.account_id, sending_id, clock=CLOCK)
    with pytest.raises(SendingNotFound):
        delivery.retry_failed(create_house("Other").account_id, sending_id, clock=CLOCK)
    waiting = create_sending(house, ["c1"], campaign_id=43)
    delivery.cancel(house.account_id, waiting, clock=CLOCK)
    with pytest.raises(SendingOver):
        delivery.retry_failed(house.account_id, waiting, clock=CLOCK)
    assert set(Attempt.objects.values_list("state", flat=True)) == {10, 24}
