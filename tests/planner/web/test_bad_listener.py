"""A listener that does not answer, as the connection's page tells it."""

import pytest
from django.db import transaction
from tests.fixtures.processes import free_port

from tandem.planner.channels import service as channels
from tandem.planner.listeners import service as listeners


@pytest.fixture
def closed(settings):
    """An address at which nobody listens."""
    port = free_port()
    settings.TANDEM_ALLOW_PRIVATE = (f"127.0.0.1:{port}",)
    return f"http://127.0.0.1:{port}/listener/x"


@pytest.fixture
def page(account, closed, clock):
    """The page of a connection whose email channel has that listener."""
    made = channels.add_account(
        account.id, name="Shop", api_url="http://127.0.0.1:9/rest", customer_id="5004", token="t0ken"
    )
    listeners.register(account.id, event_type=13, channel_id=504, url=closed, clock=clock)
    return f"/ui/connections/{made.id}"


def test_the_test_button_says_that_nobody_answered_and_tells_no_campaign(client, account, page):
    (listener,) = listeners.listeners(account.id)
    answer = client.post(
        f"/ui/connections/listeners/{listener.id}/test", {"connection": page.rpartition("/")[2]}, follow=True
    )
    assert "The test event was not taken" in answer.content.decode()
    assert listeners.events_of(account.id, 7) == ()


def test_an_event_that_is_not_taken_waits_and_the_page_shows_why(client, account, page, clock):
    with transaction.atomic():
        listeners.enqueue_event(
            account.id, 13, 7, 504, deadline=clock.business().replace(hour=23), clock=clock
        )
    assert listeners.deliver_due(clock=clock) == 1
    (event,) = listeners.events_of(account.id, 7)
    assert event.state == "waiting"
    assert listeners.deliver_due(clock=clock) == 0, "not before its next turn"
    (listener,) = listeners.listeners(account.id)
    assert listener.last_answer
    assert listener.last_answer in client.get(page).content.decode()
