"""Pages of webhooks, Send Gates and the event hub: what they keep, show once, refuse, and to whom."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from tests.fixtures.hooks import receiver
from tests.fixtures.messages import create_desk
from tests.fixtures.sendings import CLOCK

from tandem.messenger.accounts import service as accounts
from tandem.messenger.delivery import ledger
from tandem.messenger.delivery.domain import Channel, PlannedTemplate
from tandem.messenger.delivery.models import Sending
from tandem.messenger.eventhub import service as hub
from tandem.messenger.projects import service as projects
from tandem.messenger.sendgate import service as gates
from tandem.messenger.webhooks import service as webhooks
from tandem.messenger.webhooks.domain import Event, EventType

pytestmark = pytest.mark.django_db
FORM = {"url": "https://shop.example/hook", "events": ["opt-out"], "way": "signed", "auth": "none"}


@pytest.fixture(scope="module")
def kept_desks(keep):
    return keep(lambda _: (create_desk(), create_desk(7002, "Other")))


@pytest.fixture
def desks(kept_desks, db, settings, tmp_path):
    settings.TANDEM_HOME = tmp_path
    return kept_desks.take(settings, tmp_path)


@pytest.fixture
def desk(desks):
    return desks[0]


@pytest.fixture
def client(desk):
    return signed_in(desk.account)


def signed_in(account, role="administrator"):
    user = accounts.create_user(
        account, email=f"{role}@{account}.example", password="a long enough one", role=role
    )
    client = Client()
    client.force_login(get_user_model().objects.get(pk=user.id))
    return client


def said(answer, status=200):
    assert answer.status_code == status, answer.content[:500]
    return answer.content.decode()


def test_a_signed_webhook_shows_its_secret_once_and_is_changed_and_removed(desk, client):
    page = said(client.post("/ui/webhooks/new", FORM))
    secret = re.search(r"whsec_[\w+/=]+", page)[0]
    (view,) = webhooks.list_all(desk.account)
    one = f"/ui/webhooks/{view.id}"
    assert secret not in said(client.get(one)) + said(client.get("/ui/webhooks"))

    rotated = said(client.post(f"{one}/act", {"do": "rotate"}))
    assert secret not in rotated and "whsec_" in rotated and "signs too" in rotated

    changed = {
        "url": "https://shop.example/b",
        "events": ["optin", "bounce"],
        "auth": "basic",
        "auth_name": "me",
    }
    assert "token is missing" in said(client.post(one, changed), 422)
    said(client.post(one, {**changed, "auth_secret": "s3cr3t"}), 302)
    page = said(client.get(one))
    assert "https://shop.example/b" in page and "s3cr3t" not in page
    assert [event.value for event in webhooks.get(desk.account, view.id).events] == ["bounce", "optin"]

    client.post(f"{one}/act", {"do": "off"})
    assert "Switched off by hand" in said(client.get(one))
    client.post(f"{one}/act", {"do": "on"})
    assert webhooks.get(desk.account, view.id).enabled
    assert "not told any more" in said(client.post(f"{one}/act", {"do": "remove"}))
    client.post(f"{one}/act", {"do": "remove", "sure": "yes"})
    assert webhooks.list_all(desk.account) == []
    actions = {line.action for line in accounts.recent_activity(desk.account)}
    assert {"webhook made", "webhook changed", "webhook secret rotated", "webhook removed"} <= actions


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"url": ""}, "Enter the address that is called."),
        ({"url": "gopher://x"}, "The address cannot be called."),
        ({"events": []}, "Choose at least one event type."),
        ({"auth": "header", "auth_name": "Host", "auth_secret": "x"}, "name cannot be used"),
    ],
)
def test_what_cannot_be_kept_is_said_beside_its_field(desk, client, wrong, words):
    page = said(client.post("/ui/webhooks/new", {**FORM, **wrong}), 422)
    assert words in page and "One thing to mend" in page
    assert webhooks.list_all(desk.account) == []


def test_a_test_event_failures_and_telling_again(desk, client, settings):
    with receiver() as hook:
        settings.TANDEM_ALLOW_PRIVATE = (hook.pair,)
        view, _ = webhooks.add(desk.account, url=hook.url(), events=["opt-out"], way="signed", clock=CLOCK)
        one = f"/ui/webhooks/{view.id}"
        assert "answered 200" in said(client.post(f"{one}/act", {"do": "test"}, follow=True))
        assert hook.got[0].json["test"] is True and hook.got[0].json["eventId"] == 0

        hook.status = 410
        events = [Event(at=CLOCK.business(), contact=f"c{n}") for n in range(2)]
        webhooks.publish(desk.account, EventType.OPT_OUT, events, clock=CLOCK)
        webhooks.call_due(CLOCK)
        page = said(client.get(one))
        assert "wants no more calls" in page and "c1" in page and "Tell all of these again" in page

        hook.status = 200
        client.post(f"{one}/act", {"do": "on"})
        first, last = (row.event_id for row in reversed(webhooks.failures(desk.account, view.id)))
        client.post(f"{one}/act", {"do": "replay", "first": first, "last": last})
        webhooks.call_due(CLOCK)
        assert [got.json["contactId"] for got in hook.got[-2:]] == ["c0", "c1"]


def test_a_gate_is_set_and_its_sending_let_go_or_cancelled(desk, client):
    form = {"url": "https://gate.example/", "project": "", "auth": "none", "minutes": "0", "enabled": "on"}
    said(client.post("/ui/webhooks/gates/new", {**form, "minutes": "-1"}), 422)
    said(client.post("/ui/webhooks/gates/new", form), 302)
    (gate,) = webhooks.list_gates(desk.account)
    said(client.post(f"/ui/webhooks/gates/{gate.id}", {**form, "minutes": "15"}), 302)
    assert "sent after 15 minutes" in said(client.get("/ui/webhooks"))

    first, second = plan(desk, 1), plan(desk, 2)
    gates.look(CLOCK)
    page = said(client.get(f"/ui/sendings/{first}"))
    assert (
        "Waits for the Send Gate" in page and "Let it go" in page and "Without an answer it is sent" in page
    )
    client.post(f"/ui/sendings/{first}/act", {"do": "let-go"})
    assert not Sending.objects.get(id=first).gate_held
    assert "let go by hand" in said(client.get(f"/ui/sendings/{first}"))
    client.post(f"/ui/sendings/{second}/act", {"do": "cancel", "sure": "yes"})
    gates.look(CLOCK)
    assert "was ended while it waited" in said(client.get(f"/ui/sendings/{second}"))

    client.post(f"/ui/webhooks/gates/{gate.id}/remove")
    assert webhooks.list_gates(desk.account) == []


def plan(desk, number):
    target = projects.send_target(desk.account, desk.mail)
    template = PlannedTemplate(
        template_id=desk.mail, version_id=target.version_id, list_id=desk.people, due_at=CLOCK.business()
    )
    return ledger.open_sending(
        desk.account,
        source_key=f"campaign:{number}:504",
        channel=Channel.EMAIL,
        templates=[template],
        rows=[("bo", desk.mail)],
        clock=CLOCK,
        campaign_id=number,
    )


def test_an_event_is_mapped_and_taken_up(desk, client):
    page = "/ui/webhooks/event-hub"
    desk.call("POST", "/eventhub/events", body={"Type": "NEWS", "OriginalId": "n9"})
    assert "mapped to nothing" in said(client.get(page))
    assert "Enter the selector" in said(client.post(page, {"do": f"create-user {desk.people}"}), 422)
    assert "Choose what" in said(client.post(page, {"selector": "news"}), 422)
    said(client.post(page, {"selector": "News", "do": f"create-user {desk.people}"}), 302)
    (event,) = hub.events(desk.account)
    client.post(f"{page}/act", {"do": "take-up", "id": event.id})
    assert desk.contact("n9")["originalId"] == "n9"
    assert "No event is in this state" in said(client.get(page, {"state": "kept"}))
    (mapping,) = hub.mappings(desk.account)
    client.post(f"{page}/act", {"do": "unmap", "id": mapping.id})
    assert hub.mappings(desk.account) == []


def test_a_viewer_may_look_and_change_nothing(desk):
    view, _ = webhooks.add(desk.account, url="https://shop.example/", events=["opt-out"], clock=CLOCK)
    viewer = signed_in(desk.account, "viewer")
    for path in ("webhooks", f"webhooks/{view.id}", "webhooks/event-hub"):
        page = said(viewer.get(f"/ui/{path}"))
        assert "Send a test event" not in page and "Add a webhook" not in page
    for path in ("webhooks/new", f"webhooks/{view.id}", f"webhooks/{view.id}/act", "webhooks/gates/new",
                 "webhooks/event-hub", "webhooks/event-hub/act"):  # fmt: skip
        said(viewer.post(f"/ui/{path}", {**FORM, "do": "remove", "sure": "yes"}), 403)
    assert len(webhooks.list_all(desk.account)) == 1


def test_another_account_s_are_not_there(desks):
    mine, other = desks
    view, _ = webhooks.add(mine.account, url="https://shop.example/", events=["opt-out"], clock=CLOCK)
    gate = webhooks.set_gate(mine.account, url="https://shop.example/", clock=CLOCK)
    client = signed_in(other.account)
    said(client.get(f"/ui/webhooks/{view.id}"), 404)
    said(client.get(f"/ui/webhooks/gates/{gate.id}"), 404)
    client.post(f"/ui/webhooks/{view.id}/act", {"do": "remove", "sure": "yes"})
    client.post(f"/ui/webhooks/gates/{gate.id}/remove")
    assert len(webhooks.list_all(mine.account)) == len(webhooks.list_gates(mine.account)) == 1
    assert "shop.example" not in said(client.get("/ui/webhooks"))
