"""Messages from prepared pieces are those that are made of addresses as a whole, wherever the links lead."""

import email
import email.policy
from datetime import UTC, datetime

import pytest
from tests.messenger.projects.letters import made
from tests.messenger.projects.test_counting import PERSON, SOURCE

from tandem.messenger.contacts.domain import Counted
from tandem.messenger.delivery import tokens
from tandem.messenger.delivery.stationery import Names, Stationery
from tandem.messenger.projects import compiled
from tandem.messenger.projects.errors import RenderError
from tandem.messenger.projects.parts import Counting

NOW = datetime(2029, 1, 1, 9, 0, 0, 5, tzinfo=UTC)
HEADERS = (("X-Tandem-Campaign", "7"), ("Feedback-ID", "7:campaign:1:tandem1"))
ROW = 2**31 + 5
PLACES = (
    "http://t.example",
    f"https://{'long.' * 12}shop.example/a?b=1&c='.x",
    "https://t.example/" + "y" * 200,
)


def pieces(version, where, bounces=""):
    names = Names(key="k" * 43, sending_id=3, version_id=4, tracking_url=where, bounce_domain=bounces)
    return Stationery(version, names, HEADERS)


@pytest.mark.parametrize("counted", [Counted(), Counted(opens=False), Counted(clicks=False, opens=False)])
@pytest.mark.parametrize("bounces", ["", "bounces.shop.example"])
@pytest.mark.parametrize(
    "where",
    ["http://t.example", f"https://{'long.' * 12}shop.example/a?b=1&c='.x", "https://t.example/" + "y" * 200],
)
def test_the_same_message(where, bounces, counted):
    version = compiled.load(made(SOURCE).data)
    paper = pieces(version, where, bounces)
    token = paper.unsubscribe_token(ROW)
    quick = version.put_together(
        PERSON, to="a@b.example", lines=paper.lines(ROW, token, NOW), slots=paper.slots(token),
        counts=paper.counting(ROW, counted),
    )  # fmt: skip
    ours, track = (
        tokens.make("k" * 43, purpose, number, ROW)
        for purpose, number in ((tokens.UNSUBSCRIBE, 3), (tokens.TRACK, 4))
    )
    counts = Counting(
        url=f"{where}/c/{track}/" if counted.clicks else "",
        pixel_url=f"{where}/o/{track}.gif" if counted.opens else "",
        sign=tokens.signer("k" * 43, track),
    )
    slow = version.render(
        PERSON, to="a@b.example", message_id=f"{tokens.make('k' * 43, tokens.MESSAGE_ID, 3, ROW)}@shop.example",
        unsubscribe_url=f"{where}/u/{ours}", date=NOW, headers=HEADERS, counts=counts,
        unsubscribe_mail=paper.own_address("u", tokens.UNSUBSCRIBE_MAIL, ROW),
    )  # fmt: skip
    head, _, body = quick.partition(b"\r\n\r\n")
    assert head == slow.partition(b"\r\n\r\n")[0]
    assert max(map(len, body.split(b"\r\n"))) <= 76 and b"\r\n." not in body
    read = [email.message_from_bytes(one, policy=email.policy.default) for one in (quick, slow)]
    for kind in ("plain", "html"):
        assert len({one.get_body((kind,)).get_content() for one in read}) == 1


def test_a_sender_or_an_address_that_is_none_is_told_before_anything_is_made():
    version = compiled.load(made(SOURCE).data)
    with pytest.raises(RenderError, match="unsubscribe address"):
        pieces(version, "ftp://t.example")
    version.sender = "news@shop example"
    with pytest.raises(RenderError, match="address"):
        pieces(version, "http://t.example")
