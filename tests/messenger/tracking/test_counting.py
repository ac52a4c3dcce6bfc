"""Openings and clicks at the door: what is answered, what is kept, and that it leads nowhere else."""

import asyncio
import os
import re
import socket
import subprocess
import time
from contextlib import contextmanager
from email import message_from_bytes, policy
from html import unescape
from types import SimpleNamespace

import httpx
import pytest
from django.db import OperationalError
from psycopg import conninfo
from tests.fixtures.sendings import (
    CLOCK,
    change_contact,
    create_contacts,
    create_house,
    create_sending,
    send_until,
)

from tandem.messenger.contacts import counting as switches
from tandem.messenger.contacts.domain import Counted
from tandem.messenger.delivery import outbox, tokens
from tandem.messenger.delivery.errors import BadToken
from tandem.messenger.delivery.models import Attempt
from tandem.messenger.engagement.domain import Actor, Kind
from tandem.messenger.engagement.models import Event, Seen
from tandem.messenger.projects import service as projects
from tandem.messenger.projects.domain import EmailSource
from tandem.messenger.tracking import buffer as buffers
from tandem.messenger.tracking import door
from tandem.site import services
from tandem.site.settings.environment import value

pytestmark = pytest.mark.django_db

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
HTML = """<html><body><p>Hi {{contact.firstName}}</p><a href="https://shop.example/one?a=1&amp;b=2">One</a>
<a href="https://shop.example/two?n={{contact.firstName}}&amp;z=1">Two</a> <a href="{{noEncode contact.city}}">Three</a>
<a href="{{message.unsubscribeUrl}}">Leave</a></body></html>"""


class Answer:
    """What the server would send."""

    async def __call__(self) -> bytes:
        return b""

    def response_empty(self, status, headers) -> None:
        self.response_bytes(status, headers, b"")

    def response_bytes(self, status, headers, body) -> None:
        self.made = httpx.Response(status, headers=headers, content=body)


class Served:
    """The door with its buffer written by hand, so that tests say when."""

    def __init__(self) -> None:
        self.door = door.build()
        self.buffer = self.door._buffer

    def knows(self, *versions: int) -> None:
        """The tables of these versions are read: no test's thread needs the database."""
        for version in versions:
            self.door._tables.account_of(version)

    def ask(self, method: str, path: str, agent: str = BROWSER, **more) -> httpx.Response:
        url = httpx.URL(f"http://door{path}", **more)
        scope = SimpleNamespace(
            method=method, path=url.path, query_string=url.query.decode(), client="198.51.100.4:1", scheme="http",
            http_version="1.1", headers={"host": "door", "user-agent": agent},
        )  # fmt: skip
        answer = Answer()
        asyncio.run(self.door.__rsgi__(scope, answer))
        return answer.made

    def get(self, path: str, **more) -> httpx.Response:
        return self.ask("GET", path, **more)

    def write(self) -> list[tuple[int, int, int, int]]:
        self.buffer.flush()
        rows = Event.objects.order_by("attempt_id", "kind", "id")
        return [(row.attempt_id, row.kind, row.link, row.actor) for row in rows]


@pytest.fixture
def served():
    return Served()


def create_letters(name: str = "Alder", people: int = 2):
    house = create_house(name)
    version = projects.add_active_version(
        house.account_id, house.email_trigger, EmailSource(subject="x", html=HTML), clock=CLOCK
    )
    sending = create_sending(
        house, create_contacts(house, people, city="https://else.example/?q=a b".replace(" ", ""))
    )
    rows = Attempt.objects.filter(sending_id=sending).order_by("seq").values_list("id", flat=True)
    return house, version.id, sending, list(rows)


def token(settings, version: int, attempt: int, purpose: bytes = tokens.TRACK) -> str:
    return tokens.make(settings.SECRET_KEY, purpose, version, attempt)


def test_a_picture_is_an_opening_and_a_link_a_click(served, settings):
    _, version, _, rows = create_letters()
    served.knows(version)
    mine = token(settings, version, rows[0])
    picture = served.get(f"/o/{mine}.gif")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/gif")
    assert picture.content[:6] == b"GIF89a" and "no-store" in picture.headers["cache-control"]
    assert "set-cookie" not in picture.headers
    for path, target in (
        ("1", "https://shop.example/one?a=1&b=2"),
        ("1?utm_source=x", "https://shop.example/one?a=1&b=2"),
        ("2?%C3%85sa&z=1", "https://shop.example/two?n=%C3%85sa&z=1"),
    ):
        answer = served.get(f"/c/{mine}/{path}")
        assert (answer.status_code, answer.headers["location"]) == (302, target)
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert served.write() == [
        (rows[0], Kind.OPENED, 0, Actor.PERSON), (rows[0], Kind.CLICKED, 1, Actor.PERSON),
        (rows[0], Kind.CLICKED, 2, Actor.PERSON),
    ]  # fmt: skip
    assert set(Seen.objects.values_list("ip", "agent")) == {("198.51.100.4", BROWSER)}


def test_no_link_of_strangers_is_followed(served, settings):
    _, version, _, rows = create_letters()
    served.knows(version)
    mine, sign = (
        token(settings, version, rows[0]),
        tokens.signer(settings.SECRET_KEY, token(settings, version, rows[0])),
    )
    evil = "https://evil.example/"
    other = token(settings, version, rows[1])
    for path in (
        "9", "4", "-1", "1/2", "x", "", "99999", "%C2%B2", f"d?k=3&u={evil}", f"d?k=3&u={evil}&s=AAAAAAAAAAAAAAAA",
        f"d?k=3&u={evil}&s={sign(4, evil)}", f"d?k=3&u={evil}x&s={sign(3, evil)}", "d?k=x&u=y&s=z", "d", "d?k=3",
        f"d?k=3&u=javascript:alert(1)&s={sign(3, 'javascript:alert(1)')}", "d?" + "k=3&" * 3000,
    ):  # fmt: skip
        answer = served.get(f"/c/{mine}/{path}")
        assert answer.status_code == 404 and "location" not in answer.headers, path
    assert served.get(f"/c/{other}/d?k=3&u={evil}&s={sign(3, evil)}").status_code == 404
    good = served.get(f"/c/{mine}/d", params={"k": "3", "u": evil, "s": sign(3, evil)})
    assert (good.status_code, good.headers["location"]) == (302, evil)
    begun = served.get(f"/c/{mine}/2?@evil.example/%0d%0aSet-Cookie:x=1")
    assert begun.headers["location"] == "https://shop.example/two?n=@evil.example/%0d%0aSet-Cookie:x=1"
    assert "set-cookie" not in begun.headers


def test_a_forged_token_is_nothing_and_kept_nowhere(served, settings):
    _, version, _, rows = create_letters()
    served.knows(version)
    right = token(settings, version, rows[0])
    for forged in (
        right[:-1] + ("A" if right[-1] != "A" else "B"),
        token(settings, version, rows[0], tokens.UNSUBSCRIBE),
        "A" * 32, "", "x", f"{right}x", f"{right}/1/1", "..%2f..%2fkey", "%00", "å" * 32, "=" * 32, right.lower() + "é",
    ):  # fmt: skip
        for path in ("/o/{}.gif", "/o/{}", "/c/{}/1", "/c/{}1"):
            answer = served.get(path.replace("{}", forged))
            assert answer.status_code == 404, path
            assert not forged or forged not in answer.text or len(forged) < 4
    assert served.write() == []


def test_machines_are_told_apart(served, settings):
    _, version, _, rows = create_letters()
    served.knows(version)
    mine = token(settings, version, rows[0])
    google = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
    assert served.ask("HEAD", f"/o/{mine}.gif").content == b""
    assert served.ask("HEAD", f"/c/{mine}/1").headers["location"].startswith("https://shop.example")
    served.get(f"/o/{mine}.gif", agent="Mozilla/5.0")
    served.get(f"/c/{mine}/2?x", agent="python-requests/2.32")
    assert served.get(f"/c/{mine}/0").status_code == 204
    served.get(f"/o/{token(settings, version, rows[1])}.gif", agent=google)
    assert served.write() == [
        (rows[0], Kind.OPENED, 0, Actor.PROXY), (rows[0], Kind.OPENED, 0, Actor.BOT),
        (rows[0], Kind.CLICKED, 0, Actor.BOT), (rows[0], Kind.CLICKED, 1, Actor.BOT),
        (rows[0], Kind.CLICKED, 2, Actor.BOT), (rows[1], Kind.OPENED, 0, Actor.PERSON),
    ]  # fmt: skip


def test_the_same_within_a_minute_counts_once(served, settings, monkeypatch):
    _, version, _, rows = create_letters()
    served.knows(version)
    monkeypatch.setattr("tandem.messenger.tracking.counting.time.time", lambda: 1_800_000_000.0)
    for _ in range(3):
        served.get(f"/o/{token(settings, version, rows[0])}.gif")
        assert served.write() == [(rows[0], Kind.OPENED, 0, Actor.PERSON)]


def test_each_account_s_messages_are_its_own(served, settings):
    first, second = create_letters("Alder"), create_letters("Birch")
    served.knows(first[1], second[1])
    crossed = token(
        settings, first[1], second[3][0]
    )  # nobody makes one: a version of one, a message of the other
    for path in (token(settings, first[1], first[3][0]), token(settings, second[1], second[3][0]), crossed):
        assert served.get(f"/o/{path}.gif").status_code == 200
    served.write()
    assert set(Event.objects.values_list("account_id", "attempt_id")) == {
        (first[0].account_id, first[3][0]), (second[0].account_id, second[3][0]),
    }  # fmt: skip


def test_links_lead_on_when_nothing_else_is_left(served, settings):
    _, version, _, rows = create_letters()
    served.knows(version)
    gone = token(settings, version, rows[-1] + 1000)
    assert served.get(f"/c/{gone}/1").status_code == 302
    assert served.write() == []


def test_links_of_an_earlier_key_count(settings):
    _, version, _, rows = create_letters()
    settings.TANDEM_OLD_LINK_KEYS = ("the key before",)
    served = Served()
    served.knows(version)
    old = tokens.make("the key before", tokens.TRACK, version, rows[0])
    assert served.get(f"/c/{old}/1").status_code == 302
    leaving = tokens.make("the key before", tokens.UNSUBSCRIBE, 7, rows[0])
    assert tokens.read(settings.SECRET_KEY, tokens.UNSUBSCRIBE, leaving) == (7, rows[0])
    with pytest.raises(BadToken):
        tokens.read(settings.SECRET_KEY, tokens.UNSUBSCRIBE, tokens.make("no key", tokens.UNSUBSCRIBE, 7, 1))


def test_other_verbs_are_refused(served, settings):
    _, version, _, rows = create_letters()
    served.knows(version)
    for verb in ("POST", "PUT", "DELETE"):
        assert served.ask(verb, f"/c/{token(settings, version, rows[0])}/1").status_code == 405
    assert served.get("/health").text == "ok"
    assert served.write() == []


def test_while_the_database_is_away_hits_wait_up_to_a_bound(served, settings, monkeypatch):
    _, version, _, rows = create_letters()
    served.knows(version)
    served.get(f"/c/{token(settings, version, rows[0])}/1")
    monkeypatch.setattr(buffers, "MOST", 2)

    def away(*_, **__):
        raise OperationalError("away")

    with monkeypatch.context() as patch:
        patch.setattr(buffers.engagement, "record_reactions", away)
        patch.setattr(buffers.connection, "close", lambda: None)  # it is the test's own
        for n in (0, 1, 0):
            served.get(f"/o/{token(settings, version, rows[n])}.gif")
        assert served.buffer._write_all() is False
    assert served.buffer.dropped == 2
    assert served.buffer._write_all() is True
    assert Event.objects.count() == 2 == served.buffer.written


def bodies(house, customer: str) -> tuple[str, str]:
    """HTML and text of the mail in the outbox."""
    found = next(one for one in outbox.outbox(house.account_id) if one.to == f"{customer}@people.example")
    raw = outbox.outbox_message(house.account_id, "email", found.name).raw
    message = message_from_bytes(raw, policy=policy.default)
    return tuple(message.get_body((kind,)).get_content() for kind in ("html", "plain"))


@pytest.mark.django_db(transaction=True)
def test_links_of_messages_that_left_lead_where_they_should(settings, tmp_path, monkeypatch):
    with served_apart(settings) as url:
        settings.TANDEM_HOME, settings.TANDEM_TRACKING_URL = tmp_path, url
        house, _, sending, rows = create_letters(people=3)
        change_contact(house, "c1", first_name="Åsa & Bo")
        switch_off(house, sending, "c2", Counted(opens=False))
        switch_off(house, sending, "c3", Counted(opens=False, clicks=False))
        send_until(house, sending)
        html, text = bodies(house, "c1")
        found = [unescape(address) for address in re.findall(r'(?:href|src)="([^"]+)"', html)]
        with httpx.Client(headers={"User-Agent": BROWSER}) as client:
            led = [client.get(address) for address in found]
            told = [client.get(address) for address in re.findall(r"\((http\S+/c/\S+)\)", text)]
        where = [
            "https://shop.example/one?a=1&b=2", "https://shop.example/two?n=%C3%85sa%20%26%20Bo&z=1",
            "https://else.example/?q=ab",
        ]  # fmt: skip
        assert [answer.headers.get("location", answer.status_code) for answer in led] == [
            *where,
            200,
            204,
            200,
        ]
        assert [answer.headers["location"] for answer in told] == where
        until_written(
            rows[0],
            {(Kind.CLICKED, 0), (Kind.CLICKED, 1), (Kind.CLICKED, 2), (Kind.CLICKED, 3), (Kind.OPENED, 0)},
        )
    html, _ = bodies(house, "c2")
    assert "/o/" not in html and html.count("/c/") == 4
    for body in bodies(house, "c3"):
        assert body.count(url) == 1 == body.count(f"{url}/u/")
        assert "https://shop.example/two?n=Ann%203&" in unescape(body)


def switch_off(house, sending: int, customer: str, counted: Counted) -> None:
    row = Attempt.objects.get(sending_id=sending, customer=customer)
    switches.switch(house.account_id, counted, contact_id=row.contact_id)


def until_written(attempt: int, wanted: set[tuple[int, int]]) -> None:
    deadline = time.monotonic() + 10
    while set(Event.objects.filter(attempt_id=attempt).values_list("kind", "link")) != wanted:
        assert time.monotonic() < deadline, set(Event.objects.values_list("attempt_id", "kind", "link"))
        time.sleep(0.02)


@contextmanager
def served_apart(settings):
    """The door as it is served, in a process of its own, on the test's database."""
    database = settings.DATABASES["default"]
    address = conninfo.make_conninfo(
        dbname=database["NAME"], user=database["USER"], password=database["PASSWORD"], host=database["HOST"],
        port=database["PORT"],
    )  # fmt: skip
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    child = services.tracking_child()
    words = [port if word == value("TANDEM_TRACKING_PORT") else word for word in child.arguments]
    environment = {**os.environ, **child.environment, "TANDEM_MESSENGER_DATABASE_URL": address}
    process = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        until_open(url)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def until_open(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            return httpx.get(f"{url}/health").raise_for_status()
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
