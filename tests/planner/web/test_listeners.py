"""The pages of listeners and of their log."""

from datetime import timedelta

import pytest
from django.db import transaction
from tests.fixtures.processes import free_port

from tandem.planner.listeners import service as listeners
from tandem.planner.listeners.models import EventOutbox, Registration


@pytest.fixture
def closed(settings):
    """An address at which nobody listens."""
    port = free_port()
    settings.TANDEM_ALLOW_PRIVATE = (f"127.0.0.1:{port}",)
    return f"http://127.0.0.1:{port}/hook?brand=x"


@pytest.fixture
def listener(account, closed, clock):
    return listeners.register(account.id, event_type=13, channel_id=504, url=closed, clock=clock)


@pytest.fixture
def told(account, listener, clock):
    """An event that nobody took."""
    with transaction.atomic():
        listeners.enqueue_event(account.id, 13, 7, 504, clock=clock)
    listeners.deliver_due(clock=clock)
    EventOutbox.objects.filter(account_id=account.id).update(
        state="failed", cause="All 7 attempts failed. Nobody answered.", next_at=None
    )
    return listeners.event_log(account.id)[0]


def test_an_address_is_registered_and_its_secret_shown_once(client, account, closed):
    answer = client.post("/ui/listeners", {"event_type": "2", "channel_id": "", "url": closed})
    secret = answer.context["secret"].secret
    assert secret.startswith("whsec_")
    assert secret in answer.content.decode()
    later = client.get("/ui/listeners").content.decode()
    assert closed in later
    assert secret not in later
    assert [(one.event_type, one.channel_id) for one in listeners.listeners(account.id)] == [(2, None)]


@pytest.mark.parametrize(
    "form", [{"event_type": "5", "channel_id": "504", "url": "https://x.example"},
             {"event_type": "13", "url": "ftp://x.example"}, {"event_type": "13", "url": ""},
             {"event_type": "14", "url": "https://x.example"}],
)  # fmt: skip
def test_what_cannot_be_registered_is_said_beside_the_form(client, account, form):
    answer = client.post("/ui/listeners", form)
    assert answer.status_code == 422
    assert answer.context["errors"]
    assert listeners.listeners(account.id) == ()


def test_a_new_secret_signs_beside_the_old_one(client, listener, account):
    first = client.post(f"/ui/listeners/{listener.id}/secret")
    second = client.post(f"/ui/listeners/{listener.id}/secret")
    assert first.context["secret"].secret != second.context["secret"].secret
    assert "The one before signs too until" in second.content.decode()
    assert "The one before signs too until" not in first.content.decode()


def test_a_test_event_and_the_end_of_a_registration(client, listener, account):
    answer = client.post(f"/ui/listeners/{listener.id}/test", follow=True)
    assert "The test event was not taken" in answer.content.decode()
    client.post(f"/ui/listeners/{listener.id}/remove")
    assert listeners.listeners(account.id) == ()
    assert client.post(f"/ui/listeners/{listener.id}/test").status_code == 404


def test_the_log_shows_cause_attempts_and_bytes(client, told):
    page = client.get("/ui/listeners/log").content.decode()
    for words in ("All 7 attempts failed.", "Not told", "no answer", "&quot;CampaignID&quot;:7", "1 event"):
        assert words in page
    assert "1 event could not be told" in client.get("/ui/listeners").content.decode()


@pytest.mark.parametrize(
    ("query", "number"),
    [("", 1), ("state=not+told", 1), ("state=done", 0), ("event_type=13", 1), ("event_type=1", 0),
     ("since=2026-11-23&until=2026-11-23", 1), ("since=2026-11-24", 0), ("until=2026-11-22", 0), ("campaign=7", 1),
     ("campaign=8", 0), ("since=rubbish&event_type=x&campaign=-1&listener=9&state=odd&before=x", 1)],
)  # fmt: skip
def test_the_log_is_filtered(client, told, query, number):
    answer = client.get(f"/ui/listeners/log?{query}")
    assert (answer.status_code, len(answer.context["events"])) == (200, number)


def test_one_and_a_range_are_told_again(client, told, account, clock):
    client.post("/ui/listeners/log/replay", {"event": told.id})
    assert listeners.event_log(account.id)[0].state == "waiting"
    EventOutbox.objects.filter(account_id=account.id).update(state="failed")
    client.post("/ui/listeners/log/replay", {"event_type": "1"})
    assert listeners.event_log(account.id)[0].state == "failed"
    answer = client.post("/ui/listeners/log/replay", {"state": "not told"}, follow=True)
    assert "1 are told again; 0 are too late" in answer.content.decode()
    assert listeners.event_log(account.id)[0].state == "waiting"


def test_what_is_late_is_not_told_again(client, told, account, clock):
    clock.now += timedelta(minutes=61)
    answer = client.post("/ui/listeners/log/replay", {"event": told.id})
    assert answer.status_code == 422
    assert "late cut-off is over" in answer.content.decode()


def test_a_listener_that_is_switched_off_is_on_the_overview(client, account, listener):
    assert "See the listeners" not in client.get("/ui/").content.decode()
    Registration.objects.filter(account_id=account.id).update(
        is_active=False, disabled_reason="The listener answered 410: it is gone."
    )
    page = client.get("/ui/").content.decode()
    assert (
        "Nobody is told of event 13 at one address any more. The listener answered 410: it is gone." in page
    )
    assert listener.url not in page


class TestOthers:
    def test_a_viewer_sees_no_address_and_changes_nothing(self, account, sign_in, told, listener):
        viewer = sign_in(account, "viewer")
        page = viewer.get("/ui/listeners").content.decode()
        assert "hidden from your role" in page
        assert listener.url not in page
        assert viewer.get("/ui/listeners/log").status_code == 200
        for path, form in (
            ("/ui/listeners", {"event_type": "13", "url": "https://x.example"}),
            (f"/ui/listeners/{listener.id}/secret", {}),
            (f"/ui/listeners/{listener.id}/remove", {}),
            ("/ui/listeners/log/replay", {"event": told.id}),
        ):
            assert viewer.post(path, form).status_code == 403

    def test_another_accounts_listener_and_log_are_closed(self, other_account, sign_in, told, listener):
        stranger = sign_in(other_account)
        assert listener.url not in stranger.get("/ui/listeners").content.decode()
        assert stranger.get("/ui/listeners/log").context["events"] == []
        for verb in ("secret", "test", "remove"):
            assert stranger.post(f"/ui/listeners/{listener.id}/{verb}").status_code == 404
        assert stranger.post("/ui/listeners/log/replay", {"event": told.id}).status_code == 404
