"""Signatures of real mails, judged by another implementation; keys from their making to their retirement."""

import base64
import contextlib
import re

import dkim as oracle
import pytest
from tests.fixtures.sendings import CLOCK, create_contacts, create_house, create_sending, send_until
from typer.testing import CliRunner

from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery.dkim import keys, service
from tandem.messenger.delivery.dkim.keys import Algorithm, KeyState
from tandem.messenger.delivery.dkim.signing import Signature, Signer
from tandem.messenger.delivery.errors import KeyExists, KeyNotFound, KeyRefused
from tandem.messenger.delivery.models import DkimKey

AT = 1_764_000_000
MADE = {algorithm: keys.generate(algorithm) for algorithm in Algorithm}
MAIL = (
    b"From: Shop <news@shop.example>\r\nTo: ann@people.example\r\nSubject: =?utf-8?q?H=C3=A4lsning?=\r\n"
    b"Date: Mon, 23 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@shop.example>\r\n"
    b"List-Unsubscribe: <https://t.example/u/x>, <mailto:u@shop.example>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nFeedback-ID: 42:campaign:5004:tandem5004\r\n"
    b"X-Long: folded\r\n\t header\r\n  line\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\n.first  line\r\n\r\nlast\r\n\r\n\r\n"
)


def signature(algorithm=Algorithm.RSA, domain="shop.example"):
    return Signature(domain=domain, selector=f"{algorithm}1", key=keys.load(MADE[algorithm][0]))


def dns(records):
    def ask(name, timeout=5):
        return records.get(name.decode().rstrip("."), "").encode() or None

    return ask


DNS = dns({f"{algorithm}1._domainkey.shop.example": MADE[algorithm][1] for algorithm in Algorithm})


def is_right(content, number=0, ask=DNS):
    return oracle.DKIM(content).verify(idx=number, dnsfunc=ask)


@pytest.fixture
def house(db, settings, tmp_path):
    settings.TANDEM_HOME = tmp_path
    return create_house()


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_another_implementation_agrees(algorithm):
    signed = Signer([signature(algorithm)]).sign(MAIL, AT)
    assert signed.endswith(MAIL) and is_right(signed)
    head = signed[: -len(MAIL)].decode()
    assert f"a={algorithm}-sha256; c=relaxed/simple;\r\n\td=shop.example; s={algorithm}1; t={AT};" in head
    assert max(len(line) for line in head.split("\r\n")) <= 80


def test_both_at_once_are_right_each():
    signed = Signer([signature(algorithm) for algorithm in Algorithm]).sign(MAIL, AT)
    assert signed.count(b"DKIM-Signature:") == 2 and is_right(signed, 0) and is_right(signed, 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"last\r\n", b"lost\r\n"),
        (b".first", b"first"),
        (b"Subject: ", b"Subject: x"),
        (b"To: ann", b"To: bob"),
        (b"<https://t.example", b"<https://evil.example"),
        (b"List-Unsubscribe=One-Click", b"List-Unsubscribe=Two-Click"),
        (b"42:campaign", b"43:campaign"),
        (b"MIME-Version", b"From: other@evil.example\r\nMIME-Version"),
        (b"MIME-Version", b"Subject: other\r\nMIME-Version"),
        (b"MIME-Version", b"To: other\r\nMIME-Version"),
    ],
)
def test_what_is_signed_cannot_change_nor_be_added(old, new):
    signed = Signer([signature(Algorithm.ED25519)]).sign(MAIL, AT)
    changed = signed[: -len(MAIL)] + MAIL.replace(old, new, 1)
    assert is_right(signed) and changed != signed
    with contextlib.suppress(oracle.DKIMException):
        assert not is_right(changed)


@pytest.mark.parametrize(
    "body", [b"", b"\r\n", b"a", b"a\r\n\r\n\r\n", b"\r\n\r\n", b" a \t b\r\n \r\n", "ä\r\n".encode()]
)
def test_bodies_of_every_end(body):
    mail = b"From: a@shop.example\r\nSubject:  two   blanks \r\n folded\r\n\r\n" + body
    assert is_right(Signer([signature()]).sign(mail, AT))


def test_without_a_key_nothing_changes():
    assert Signer([]).sign(MAIL, AT) is MAIL


def test_real_mails_are_signed_by_both_keys_and_have_their_headers_in_one_line(house):
    records = {}
    for algorithm in Algorithm:
        made = service.make_key(
            house.account_id,
            domain="northwind.example",
            selector=f"t-{algorithm}",
            algorithm=algorithm,
            clock=CLOCK,
        )
        records[made.name] = made.record
        service.use_key(
            house.account_id,
            domain="northwind.example",
            selector=made.selector,
            look_up=lambda _: [*records.values()],
        )
    sending = create_sending(house, create_contacts(house, 3))
    send_until(house, sending)
    mails = [
        delivery.outbox_message(house.account_id, "email", one.name).raw
        for one in delivery.outbox(house.account_id, "email")
    ]
    assert len(mails) == 3
    for mail in mails:
        assert is_right(mail, 0, dns(records)) and is_right(mail, 1, dns(records))
        assert re.search(rb"\r\nList-Unsubscribe: <http[^\r\n]*>\r\nList-Unsubscribe-Post: List-Unsub", mail)
        feedback = re.search(rb"\r\nFeedback-ID: ([^\r\n]*)", mail)[1].decode()
        assert feedback == f"42:campaign:{house.account_id}:tandem{house.account_id}"
        assert 5 <= len(feedback.rpartition(":")[2]) <= 15
        signed = re.search(rb"h=([^;]*);", mail)[1].replace(b"\r\n\t ", b"").split(b":")
        assert {b"list-unsubscribe", b"list-unsubscribe-post", b"feedback-id"} <= set(signed)
        assert [signed.count(name) for name in (b"from", b"to", b"subject", b"date")] == [2, 2, 2, 1]


class TestKeys:
    def test_a_key_signs_once_its_record_is_published_and_the_old_one_retires(self, house):
        account = house.account_id
        first = self.make(account, "t1")
        assert (first.state, first.name) == (KeyState.NEW, "t1._domainkey.shop.example")
        assert service.signer_for(account, "news@shop.example").sign(MAIL, AT) is MAIL
        with pytest.raises(KeyRefused, match="no TXT record"):
            service.use_key(account, domain="shop.example", selector="t1", look_up=lambda _: [])
        service.use_key(
            account, domain="shop.example", selector="t1", look_up=lambda _: ["other", first.record]
        )
        second = self.make(account, "t2")
        with pytest.raises(KeyRefused, match="another key"):
            service.use_key(account, domain="shop.example", selector="t2", look_up=lambda _: [first.record])
        service.use_key(account, domain="shop.example", selector="t2", check=False)
        assert [one.state for one in service.list_keys(account)] == [KeyState.RETIRED, KeyState.ACTIVE]
        signed = service.signer_for(account, "news@deep.shop.example").sign(MAIL, AT)
        assert is_right(signed, 0, dns({second.name: second.record}))
        service.retire_key(account, domain="shop.example", selector="t2")
        assert service.signer_for(account, "news@shop.example").sign(MAIL, AT) is MAIL

    def make(self, account, selector, domain="shop.example"):
        return service.make_key(account, domain=domain, selector=selector, algorithm="ed25519", clock=CLOCK)

    def test_the_secret_is_sealed_and_of_its_account(self, house):
        made = self.make(house.account_id, "t1")
        row = DkimKey.objects.get(pk=made.id)
        assert "PRIVATE" not in row.secret and "PRIVATE" not in repr(made)
        other = create_house("Other")
        with pytest.raises(KeyNotFound):
            service.use_key(other.account_id, domain="shop.example", selector="t1", check=False)
        assert service.list_keys(other.account_id) == []

    @pytest.mark.parametrize(
        ("domain", "selector", "algorithm"),
        [
            ("shop", "t1", "rsa"),
            ("shop.example\r\nx", "t1", "rsa"),
            ("bücher.example", "t1", "rsa"),
            ("shop.example", "t 1", "rsa"),
            ("shop.example", "", "rsa"),
            ("shop.example", "t1;", "rsa"),
            ("shop.example", "t1", "dsa"),
        ],
    )
    def test_bad_names_leave_nothing(self, house, domain, selector, algorithm):
        with pytest.raises(KeyRefused):
            service.make_key(
                house.account_id, domain=domain, selector=selector, algorithm=algorithm, clock=CLOCK
            )
        assert service.list_keys(house.account_id) == []

    def test_a_selector_is_never_used_again(self, house):
        self.make(house.account_id, "t1")
        with pytest.raises(KeyExists):
            self.make(house.account_id, "T1")

    def test_dns_that_cannot_be_asked_is_said(self, house):
        self.make(house.account_id, "t1")

        def ask(name):
            raise OSError("Timeout")

        said = service.check_key(house.account_id, domain="shop.example", selector="t1", look_up=ask)
        assert said == "DNS cannot be asked about t1._domainkey.shop.example: Timeout."

    def test_records_are_compared_by_what_they_say(self):
        record = MADE[Algorithm.RSA][1]
        public = record.rpartition("p=")[2]
        assert keys.same_key(record, record)
        assert keys.same_key(f"p={public[:100]} {public[100:]};", record)
        assert keys.same_key(f"v=DKIM1;k=rsa;t=s;p={public}", record)
        assert not keys.same_key(f"v=DKIM1; k=ed25519; p={public}", record)
        assert not keys.same_key("v=DKIM1; k=rsa; p=", record)
        zone = keys.as_zone("t._domainkey.shop.example", record)
        assert all(len(piece) <= 255 for piece in re.findall('"([^"]*)"', zone)) and public[-20:] in zone
        assert base64.b64decode(public)

    def test_commands(self, house, monkeypatch):
        from tandem.messenger.cli.dkim import app

        monkeypatch.setattr(service, "text_records", lambda _: [])
        run = lambda *words: CliRunner().invoke(app, [*words, "--account", str(house.account_id)])  # noqa: E731
        named = ("--domain", "shop.example", "--selector", "t1")
        made = run("make", *named, "--algorithm", "ed25519")
        assert (
            made.exit_code == 0
            and 't1._domainkey.shop.example. IN TXT ( "v=DKIM1; k=ed25519; p=' in made.output
        )
        assert run("check", *named).exit_code == 1
        assert run("use", *named).exit_code != 0
        assert "active" in run("use", *named, "--unchecked").output
        assert "retired" in run("retire", *named).output
        assert "t1" in run("list").output


@pytest.mark.parametrize(
    ("now", "then"), [("t1", "t3"), ("t2026", "t2027"), ("news", "news2"), ("2026a", "2026a2")]
)
def test_the_next_keys_name(now, then):
    assert keys.next_selector(now, {now, "t2"}) == then


def test_nobody_is_asked_about_inside_names_nor_where_nothing_leaves(house, settings, monkeypatch):
    service.make_key(
        house.account_id, domain="shop.internal", selector="t1", algorithm="ed25519", clock=CLOCK
    )
    said = service.check_key(house.account_id, domain="shop.internal", selector="t1", look_up=pytest.fail)
    assert "inside networks" in said
    service.make_key(house.account_id, domain="shop.example", selector="t1", algorithm="ed25519", clock=CLOCK)
    settings.TANDEM_SENDING = {**settings.TANDEM_SENDING, "TANDEM_PROVIDER_LOCK": "1"}
    said = service.check_key(house.account_id, domain="shop.example", selector="t1")
    assert "TANDEM_PROVIDER_LOCK" in said
