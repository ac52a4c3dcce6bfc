"""Links of SMS whose clicks are counted: chosen by the template's author, short, and untouched where switched off."""

import re

import pytest
from tests.fixtures.sendings import CLOCK, create_contacts, create_house, create_sending, send_until
from tests.messenger.tracking.test_counting import Served

from tandem.messenger.contacts import counting as switches
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.domain import Counted
from tandem.messenger.delivery import tokens
from tandem.messenger.delivery.domain import Channel
from tandem.messenger.delivery.models import Attempt
from tandem.messenger.engagement.domain import Actor, Kind
from tandem.messenger.projects import service as projects
from tandem.messenger.projects.domain import SmsSource

pytestmark = pytest.mark.django_db
TEXT = (
    "Hej {{contact.firstName}}, https://shop.example/spring?a=1&b=2. Mer: https://shop.example/all! "
    "Din: https://shop.example/me?n={{contact.firstName}} https://shop.example/all"
)


class Sms:
    """A house with one SMS version, sent to its people."""

    def __init__(self, memory, text=TEXT, *, count_links=True):
        self.house, self.memory = create_house("Alder"), memory
        source = SmsSource(text=text, count_links=count_links)
        self.version = projects.add_active_version(
            self.house.account_id, self.house.sms_trigger, source, clock=CLOCK
        )
        self.people = create_contacts(self.house, 2)

    def send(self):
        sending = create_sending(self.house, self.people, channel=Channel.SMS)
        send_until(self.house, sending)
        self.rows = list(
            Attempt.objects.filter(sending_id=sending).order_by("seq").values_list("id", flat=True)
        )
        texts = [one.content.decode().split("\r\n\r\n", 1)[1].strip() for one in self.memory.messages]
        return sorted(texts)


def paths(text):
    return re.findall(r"http://127\.0\.0\.1:\d+(/s/[\w-]+)", text)


def test_a_short_link_leads_on_and_its_click_is_counted(memory):
    sms, served = Sms(memory), Served()
    first, second = sms.send()
    served.knows(sms.version.id)
    assert "https://shop.example/me?n=Ann%201 " in first, "a link of a person's own stays as written"
    spring, everything, again = paths(first)
    assert everything == again and len(spring) == len("/s/") + 17
    for path, target in (
        (spring, "https://shop.example/spring?a=1&b=2"),
        (again, "https://shop.example/all"),
    ):
        answer = served.get(path)
        assert (answer.status_code, answer.headers["location"]) == (302, target)
    served.get(paths(second)[0], agent="python-requests/2.32")
    clicked = served.write()
    assert clicked == [
        (sms.rows[0], Kind.CLICKED, 1, Actor.PERSON), (sms.rows[0], Kind.CLICKED, 2, Actor.PERSON),
        (sms.rows[1], Kind.CLICKED, 1, Actor.BOT),
    ]  # fmt: skip
    links = [(one.number, one.target) for one in projects.links_of(sms.house.account_id, sms.version.id)]
    assert links == [(1, "https://shop.example/spring?a=1&b=2"), (2, "https://shop.example/all")]


@pytest.mark.parametrize("place", ["template", "account", "list", "contact"])
def test_where_it_is_off_the_text_is_as_it_was_written(memory, place):
    sms = Sms(memory, count_links=place != "template")
    account = sms.house.account_id
    off = {"account": {}, "list": {"list_id": sms.house.list_id}}
    if place == "contact":
        off["contact"] = {"contact_id": contacts.contact_id_of(account, sms.house.list_id, "c1")}
    if place in off:
        switches.switch(account, Counted(opens=True, clicks=False), **off[place])
    first, second = sms.send()
    assert paths(first) == [] and "Hej Ann 1, https://shop.example/spring?a=1&b=2. Mer: " in first
    assert bool(paths(second)) == (place == "contact")


def test_a_guessed_one_is_nothing(memory, settings):
    sms, served = Sms(memory), Served()
    served.knows(sms.version.id)
    right = tokens.make_short(settings.SECRET_KEY, sms.version.id, 5, "1")
    for said in (
        right[:-1] + "2", "A" * 17, right[:-1], right + "1", right[:-1] + "é", "é" * 17, "", "=" * 17,
        tokens.make_short("another key", sms.version.id, 5, "1"), tokens.make_short(settings.SECRET_KEY, 9999, 5, "1"),
        tokens.make_short(settings.SECRET_KEY, sms.version.id, 5, "9"), right.swapcase(),
    ):  # fmt: skip
        assert served.get(f"/s/{said}").status_code == 404, said
    assert (
        served.get(f"/s/{right}?https://evil.example").headers["location"].startswith("https://shop.example/")
    )
    assert tokens.make_short("k", 1 << 24, 5, "1") == tokens.make_short("k", 5, 1 << 40, "1") == ""


def test_the_preview_is_as_long_as_the_message(memory):
    text = "https://a.example " + "x" * 112
    sms = Sms(memory, text=text)
    shown = projects.preview(sms.house.account_id, sms.house.sms_trigger, sms.version.id, values={})
    assert len(shown.sms.text) == len(sms.send()[0])
    assert "/s/" in shown.sms.text
    plain = projects.preview(
        sms.house.account_id,
        sms.house.sms_trigger,
        projects.save_draft(
            sms.house.account_id, sms.house.sms_trigger, SmsSource(text=text), clock=CLOCK
        ).id,
        values={},
    )
    assert plain.sms.text == text


def test_a_text_without_a_link_to_count_is_said(memory):
    sms = Sms(memory, text="https://a.example/{{contact.firstName}} www.a.example")
    assert [one for one in sms.version.warnings if one.startswith("No link of this text can be counted")]
    assert sms.send()[0] == "https://a.example/Ann%201 www.a.example"
