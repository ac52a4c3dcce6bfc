"""What people did with messages, as programs and pages see it."""

import json
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from tests.fixtures.sendings import CLOCK, create_contacts, create_house, create_sending

from tandem.messenger.accounts import service as accounts
from tandem.messenger.api.rest import wire_messages
from tandem.messenger.contacts import counting, queries
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.domain import Counted
from tandem.messenger.delivery import finishing
from tandem.messenger.delivery.models import Attempt, Block
from tandem.messenger.engagement import service as engagement
from tandem.messenger.engagement.domain import Actor, Happened, Kind
from tandem.messenger.exports import service as exports
from tandem.messenger.messages import service as messages
from tandem.messenger.projects import service as projects
from tandem.messenger.projects.domain import EmailSource
from tandem.messenger.webhooks import service as webhooks
from tandem.messenger.webhooks.domain import EventType
from tandem.messenger.webhooks.models import Event as WebhookEvent

pytestmark = pytest.mark.django_db

HTML = '<html><body><a href="https://shop.example/one">The shop</a> <a href="https://shop.example/two">x</a></body></html>'


class Sent:
    """A sending that left, of which people opened and clicked, and machines."""

    def __init__(self, name="Alder"):
        self.house = create_house(name)
        self.account = self.house.account_id
        source = EmailSource(subject="x", html=HTML)
        self.version = projects.add_active_version(
            self.account, self.house.email_trigger, source, clock=CLOCK
        ).id
        self.sending = create_sending(self.house, create_contacts(self.house, 4))
        now = CLOCK.business()
        Attempt.objects.filter(sending_id=self.sending).update(state=10, done_at=now - timedelta(minutes=9))
        Block.objects.filter(sending_id=self.sending).update(done=True)
        finishing.finish_due(now)
        self.rows = list(
            Attempt.objects.filter(sending_id=self.sending).order_by("seq").values_list("id", flat=True)
        )
        self.now = now

    def happened(self, *what):
        events = [
            Happened(
                account_id=self.account, attempt_id=self.rows[row], kind=kind, at=self.now - timedelta(minutes=5 - n),
                source=f"s{n}", actor=actor, link=link,
            )
            for n, (row, kind, actor, link) in enumerate(what)
        ]  # fmt: skip
        engagement.record_reactions(
            events, target=lambda one: f"https://shop.example/{one.link}", clock=CLOCK
        )


PERSON, BOT = Actor.PERSON, Actor.BOT


@pytest.fixture
def sent():
    made = Sent()
    made.happened(
        (0, Kind.OPENED, PERSON, 0), (0, Kind.CLICKED, PERSON, 1), (1, Kind.CLICKED, PERSON, 2),
        (2, Kind.CLICKED, BOT, 1), (3, Kind.COMPLAINED, PERSON, 0),
    )  # fmt: skip
    return made


def test_a_message_tells_what_was_done_with_it(sent):
    views = messages.messages_of_trigger(
        sent.account, sent.house.email_trigger, since=None, limit=9, clock=CLOCK
    )
    told = {view.id: wire_messages.message(view) for view in views}
    actions = [told[row]["actions"] for row in sent.rows]
    assert [(one["opened"], one["clicked"], one["complaint"]) for one in actions] == [
        (True, True, False), (True, True, False), (False, False, False), (False, False, True),
    ]  # fmt: skip
    assert (
        told[sent.rows[0]]["read"]
        and told[sent.rows[0]]["readTimestamp"] > told[sent.rows[0]]["sentTimestamp"]
    )
    assert (told[sent.rows[2]]["read"], told[sent.rows[2]]["readTimestamp"]) == (False, 0)


def test_a_version_s_numbers_are_people_once_each(sent):
    stat = wire_messages.stat(
        messages.version_numbers(sent.account, [sent.version])[sent.version], sent.version, 7
    )
    assert (stat["opened"], stat["clicked"], stat["uniqueClick"], stat["complaints"]) == (2, 2, 2, 1)
    assert messages.version_numbers(Sent("Birch").account, [sent.version]) == {}


def exported(account: int, kind: str) -> list[dict]:
    view = exports.start_export(account, kind, "LAST_DAY", defer=False, clock=CLOCK)
    exports.run_waiting(clock=CLOCK)
    url = exports.result_url(account, view.id, clock=CLOCK)
    return json.loads(b"".join(Client().get(url[url.index("/results/") :]).streaming_content))


def test_exports_have_what_people_did(sent):
    (opened,) = exported(sent.account, "OPENED")
    assert (opened["messageType"], opened["contactId"], opened["campaignId"]) == (
        "OPENED",
        "c1",
        sent.version,
    )
    clicked = exported(sent.account, "CLICKS")
    assert [(one["contactId"], one["linkTarget"]) for one in clicked] == [
        ("c1", "https://shop.example/one"), ("c2", "https://shop.example/two"),
    ]  # fmt: skip
    other = Sent("Birch")
    assert exported(other.account, "OPENS") == exported(other.account, "CLICKS") == []


def test_programs_that_asked_hear_of_it_once(sent):
    made, _ = webhooks.add(
        sent.account,
        url="https://hooks.example/x",
        events=[EventType.MAIL_OPENED, EventType.LINK_CLICKED],
        clock=CLOCK,
    )
    more = ((2, Kind.OPENED, PERSON, 0), (2, Kind.CLICKED, PERSON, 2), (3, Kind.CLICKED, BOT, 1))
    for _ in range(2):
        sent.happened(*more)
    told = WebhookEvent.objects.filter(account_id=sent.account).order_by("id")
    assert [(one.event_type, one.contact, one.more.get("linkTarget")) for one in told] == [
        (EventType.MAIL_OPENED, "c3", None), (EventType.LINK_CLICKED, "c3", "https://shop.example/2"),
    ]  # fmt: skip
    assert len(webhooks.latest(sent.account, made.id)) == 2


@pytest.fixture
def browser(sent):
    user = accounts.create_user(
        sent.account, email="a@b.example", password="a long enough password", role="administrator"
    )
    made = Client()
    made.force_login(get_user_model().objects.get(pk=user.id))
    return made


def page(browser, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_the_sending_s_page_shows_people_links_and_machines(sent, browser):
    shown = page(browser, f"/ui/sendings/{sent.sending}")
    assert "<dt>Opened</dt><dd>2 people</dd>" in shown and "<dt>Clicked</dt><dd>2 people</dd>" in shown
    assert "The shop" in shown and "https://shop.example/two" in shown
    assert "Openings over time" in shown and "Bots and scanners" in shown
    contact = page(browser, f"/ui/lists/{sent.house.list_id}/contacts/c1")
    assert f"{sent.now.astimezone(ZoneInfo('Europe/Stockholm')):%H:}" in contact.partition("Opened")[2]


def test_switches_of_account_list_and_contact(sent, browser):
    contact = contacts.get_contact(sent.account, sent.house.list_id, "c1").id
    asked = ({}, {"list": sent.house.list_id}, {"contact": contact})
    for path in ("settings", f"lists/{sent.house.list_id}", f"lists/{sent.house.list_id}/contacts/c1"):
        assert page(browser, f"/ui/{path}").count('s" checked') == 2
    for fields in asked:
        posted = browser.post("/ui/settings/counting", {**fields, "clicks": "on", "next": "//evil.example"})
        assert (posted.status_code, posted["Location"]) == (302, "/ui/settings")
    found = queries.recipients(sent.account, [contact])[contact].counted
    assert (found.opens, found.clicks) == (False, True)
    browser.post("/ui/settings/counting", {"opens": "on"})
    assert queries.recipients(sent.account, [contact])[contact].counted == Counted(opens=False, clicks=False)
    foreign = Sent("Birch").house.list_id
    assert browser.post("/ui/settings/counting", {"list": foreign}).status_code == 404
    assert counting.counted(sent.account, list_id=foreign) == Counted()
