"""Mails by people: kept and shown, passed on, never round; who asks to be left alone is marked."""

import json
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from tests.fixtures.returned import plain
from tests.fixtures.sendings import CLOCK, create_house
from tests.messenger.bounces.test_pages import browser_of, run, text

from tandem.kit.clock import FrozenClock
from tandem.messenger.bounces import answers, service, spool
from tandem.messenger.bounces.errors import BadReplyAddress, UnknownMail
from tandem.messenger.bounces.models import Bounce, InboundMail, Reply
from tandem.messenger.bounces.service import forwarding
from tandem.messenger.cli import bounces as command
from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery.domain import AttemptState, Outcome
from tandem.messenger.delivery.providers.memory import MemoryProvider

pytestmark = pytest.mark.django_db
DESK = "help@shop.example"


@pytest.fixture
def out(monkeypatch):
    provider = MemoryProvider()
    monkeypatch.setattr(forwarding, "provider_for", lambda *_, **__: provider)
    return provider


def passed_on(post, address=DESK, **more):
    service.set_address(post.account_id, address, actor="test", clock=CLOCK, **more)


def answer(post, content=None, customer="c1", **more):
    post.back(content or plain("Re: Hello", "Is it waterproof?"), customer, null_sender=False, **more)
    return Reply.objects.order_by("-id").first()


def test_a_reply_is_passed_on_once_and_kept(post, out):
    passed_on(post)
    answer(post)
    assert [service.forward_due(clock=CLOCK) for _ in range(2)] == [1, 0]
    [letter] = out.messages
    mail = message_from_bytes(letter.content, policy=policy.SMTP)
    assert (letter.sender, letter.recipient) == ("", DESK)
    assert (mail["From"], mail["To"], mail["Reply-To"]) == (
        "news@northwind.example",
        DESK,
        "ann@people.example",
    )
    assert (mail["Auto-Submitted"], mail["X-Tandem-Forwarded"]) == ("auto-generated", "bounces.example")
    assert "Is it waterproof?" in mail.get_body().get_content()
    [attached] = mail.iter_attachments()
    assert attached.get_content() == plain("Re: Hello", "Is it waterproof?")
    [shown] = service.list_replies(post.account_id)
    assert (shown.customer, shown.forward, shown.asks_to_stop) == ("c1", "forwarded", False)
    assert service.read_reply(post.account_id, shown.id).words == "Is it waterproof?"
    assert Bounce.objects.get().kind == "reply"


def test_without_an_address_it_is_only_shown(post, out):
    assert answer(post).forward == "shown"
    assert service.forward_due(clock=CLOCK) == 0 and out.messages == []


def test_one_senders_replies_go_elsewhere(post, out):
    passed_on(post)
    passed_on(post, "news-desk@shop.example", sender="News@northwind.example")
    passed_on(create_house("Other"), "theirs@other.example")
    answer(post)
    service.forward_due(clock=CLOCK)
    assert [one.recipient for one in out.messages] == ["news-desk@shop.example"]
    passed_on(post, "", sender="news@northwind.example")
    assert [one.address for one in service.reply_addresses(post.account_id)] == [DESK]


@pytest.mark.parametrize(
    "more",
    [
        "X-Tandem-Forwarded: bounces.example\r\n", "X-Loop: a\r\n", "Precedence: bulk\r\n", "Precedence: list\r\n",
        "List-Id: <x.example>\r\n",
    ],
)  # fmt: skip
def test_what_could_go_round_is_shown_only(post, out, more):
    passed_on(post)
    assert answer(post, plain("Re: x", "Hi", more=more)).forward == "shown"
    assert service.forward_due(clock=CLOCK) == 0


@pytest.mark.parametrize(
    ("content", "null_sender"),
    [
        (plain("Re: x", "Hi", more="Auto-Submitted: auto-replied\r\n"), False),
        (plain("Out of office"), False), (plain("Re: x", "Hi"), True),
    ],
)  # fmt: skip
def test_machines_are_no_replies(post, out, content, null_sender):
    passed_on(post)
    post.back(content, null_sender=null_sender)
    assert not Reply.objects.exists()


def test_few_of_one_message_are_passed_on(post, out):
    passed_on(post)
    for number in range(answers.MOST_OF_MESSAGE + 2):
        answer(post, plain("Re: x", f"number {number}"))
    assert service.forward_due(clock=CLOCK) == answers.MOST_OF_MESSAGE
    assert Reply.objects.filter(forward="shown").count() == 2


def test_addresses_that_lead_back_or_nowhere_are_refused(post):
    for wrong in ("b+x@bounces.example", "x", "a@b\r\nBcc: c@d", "a b@c.example", "<a@b.example>"):
        with pytest.raises(BadReplyAddress):
            passed_on(post, wrong)
    assert service.reply_addresses(post.account_id) == []


def test_a_large_one_is_passed_on_by_its_beginning(post, out):
    passed_on(post)
    answer(post, plain("Re: x", "y" * (answers.LARGEST_FORWARDED + 10)))
    service.forward_due(clock=CLOCK)
    assert len(out.messages[0].content) < 20_000 and b"too large" in out.messages[0].content


def test_what_is_not_taken_waits_and_what_is_not_heard_does_not_go_twice(post, out):
    passed_on(post)
    delivery.hold_all(post.account_id)
    row, clock = answer(post), FrozenClock(CLOCK.system())
    assert service.forward_due(clock=clock) == 0
    delivery.release_all(post.account_id)
    out.refuse[DESK] = Outcome(state=AttemptState.DEFERRED, detail="451 later")
    assert [service.forward_due(clock=clock) for _ in range(2)] == [0, 0]
    out.refuse[DESK] = Outcome(state=AttemptState.UNCERTAIN, detail="lost")
    clock.move(minutes=6)
    service.forward_due(clock=clock)
    out.refuse.clear()
    clock.move(hours=6)
    assert service.forward_due(clock=clock) == 0
    row.refresh_from_db()
    assert (row.forward, row.tries) == ("unheard", 2)


@pytest.mark.parametrize(
    ("subject", "body", "asks"),
    [
        ("unsubscribe", "", True), ("Re: Hello", "Please remove me from your list", True), ("Re: x", "STOP!", True),
        ("Re: x", "Avregistrera mig tack", True), ("Re: x", "Bitte abmelden", True),
        ("Re: x", "Great!\r\n\r\n> unsubscribe here", False), ("Re: x", "When do you stop selling it?", False),
        ("Re: x", "Thanks\r\n\r\nOn Mon, Ann wrote:\r\nunsubscribe", False),
    ],
)  # fmt: skip
def test_who_asks_to_be_left_alone_is_marked(subject, body, asks):
    assert answers.read(plain(subject, body)).asks_to_stop is asks


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\x00", b"From: <a@b.example\r\n\r\nx", b"Subject: =?utf-8?b?////?=\r\n\r\nx",
        b"Subject: =?x?q?a?=\r\nFrom: a@b\r\nContent-Type: text/plain; charset=rot13\r\n\r\nx",
        b"Content-Type: text/html\r\n\r\n<script>alert(1)</script><p>Hi &amp; bye</p>",
        b"From: a@b.example\r\n\r\n" + b">" * 200_000,
    ],
)  # fmt: skip
def test_whatever_strangers_write_is_read(raw):
    assert "<script>" not in answers.read(raw).words


def test_an_operator_reads_it_and_does_what_it_asks(post):
    row = answer(post, plain("<b>unsubscribe</b>", "please <script>alert(1)</script>"))
    browser = browser_of(post.account_id)
    assert "Replies (1)" in text(browser.get("/ui/bounces"))
    assert "To be left alone" in text(browser.get("/ui/bounces/replies"))
    shown = text(browser.get(f"/ui/bounces/replies/{row.pk}"))
    assert "&lt;script&gt;" in shown and "<script>alert" not in shown and "ann@people.example" in shown
    path = f"/ui/bounces/replies/{row.pk}/act"
    assert browser_of(post.account_id, "viewer", "v@b.example").post(path).status_code == 403
    other = browser_of(create_house("Other").account_id, email="o@b.example")
    assert other.get(f"/ui/bounces/replies/{row.pk}").status_code == 404
    assert other.post(path, {"do": "unsubscribe"}).status_code == 404
    browser.post(path, {"do": "unsubscribe"})
    assert post.contact().unsubscribed and not Reply.objects.exists()
    assert InboundMail.objects.get().state == "done"
    browser.post("/ui/bounces/replies/forward", {"address": DESK})
    assert DESK in text(browser.get("/ui/bounces/replies"))
    browser.post("/ui/bounces/replies/forward", {"address": "x@bounces.example"})
    assert "x@bounces.example" not in text(browser.get("/ui/bounces/replies")).split("To whom")[1]


def test_the_command_shows_and_finishes(post):
    row = answer(post)
    account = ("--account", post.account_id)
    assert json.loads(run(command, "replies", "--json", *account)[1])[0]["id"] == row.pk
    assert "Is it waterproof?" in run(command, "reply", row.pk, *account)[1]
    assert run(command, "forward-replies", DESK, *account)[0] == 0
    assert service.reply_addresses(post.account_id)[0].address == DESK
    assert run(command, "reply", row.pk, "--done", *account)[0] == 0
    with pytest.raises(UnknownMail):
        service.read_reply(post.account_id, row.pk)
    assert not post.contact().unsubscribed


def test_after_a_month_and_when_its_writer_is_forgotten_it_is_gone(post):
    answer(post)
    digest = InboundMail.objects.get().digest
    service.clear_old(clock=FrozenClock(CLOCK.system() + timedelta(days=29)))
    assert spool.read(digest) is not None
    answer(post, customer="c2")
    assert service.forget(post.account_id, "c2")["replies"] == 1
    assert Reply.objects.get().customer == "c1"
    service.clear_old(clock=FrozenClock(CLOCK.system() + timedelta(days=31)))
    assert spool.read(digest) is None and not Reply.objects.exists()
