"""Pages, commands and files of what came back and of the record."""

import json

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from tests.fixtures.returned import arf, dsn, plain
from tests.fixtures.sendings import CLOCK
from typer.testing import CliRunner

from tandem.messenger.accounts import service as accounts
from tandem.messenger.bounces import service
from tandem.messenger.bounces.models import InboundMail
from tandem.messenger.cli import bounces as bounces_command
from tandem.messenger.cli import record as record_command
from tandem.messenger.contacts.models import Suppression
from tandem.messenger.delivery.models import Attempt

pytestmark = pytest.mark.django_db


def browser_of(account_id, role="administrator", email="a@b.example"):
    user = accounts.create_user(account_id, email=email, password="a long enough password", role=role)
    browser = Client()
    browser.force_login(get_user_model().objects.get(pk=user.id))
    return browser


@pytest.fixture
def browser(post):
    return browser_of(post.account_id)


def text(answer):
    assert answer.status_code == 200, answer.status_code
    return " ".join(answer.content.decode().split())


def run(command, *arguments):
    done = CliRunner().invoke(command.app, [str(one) for one in arguments])
    return done.exit_code, done.stdout


class TestPages:
    def test_bounces_by_kind_category_and_domain(self, post, browser):
        assert "Nothing has come back" in text(browser.get("/ui/bounces"))
        post.back(dsn())
        post.back(dsn("5.7.1", "<script>alert(1)</script> spam"), "c2")
        page = text(browser.get("/ui/bounces"))
        assert "bad-mailbox" in page and "people.example" in page
        assert "<script>alert(1)" not in page and "&lt;script&gt;" in page
        assert ">c2</a>" not in text(browser.get("/ui/bounces?kind=hard"))
        assert ">c1</a>" not in text(browser.get("/ui/bounces?category=spam-related"))
        assert "Nothing like this" in text(browser.get("/ui/bounces?domain=elsewhere.example"))
        assert ">c1</a>" in text(
            browser.get(f"/ui/bounces?sending={post.sending_id}&before=999999999&kind=nonsense")
        )

    def test_quarantine_shows_text_only(self, post, browser):
        assert "Nothing was put aside" in text(browser.get("/ui/bounces/quarantine"))
        post.back(plain("<img src=x onerror=alert(1)>", "<b>\0</b>", writer="MAILER-DAEMON@x"))
        row = InboundMail.objects.get()
        assert f"/ui/bounces/quarantine/{row.pk}" in text(browser.get("/ui/bounces/quarantine"))
        page = text(browser.get(f"/ui/bounces/quarantine/{row.pk}"))
        assert "&lt;img src=x" in page and "<img src=x" not in page and "<b>" not in page
        browser.post(f"/ui/bounces/quarantine/{row.pk}/act", {"do": "dismiss"})
        assert service.quarantine_size(post.account_id) == 0
        assert browser.get(f"/ui/bounces/quarantine/{row.pk}").status_code == 404

    def test_a_person_may_believe_a_complaint(self, post, browser):
        post.back(arf(recipients=("c1@people.example", "c2@people.example")), to="abuse@bounces.example")
        row = InboundMail.objects.get()
        browser.post(f"/ui/bounces/quarantine/{row.pk}/act", {"do": "believe"})
        assert Suppression.objects.count() == 2
        assert accounts.recent_activity(post.account_id)[0].action == "complaint believed"

    def test_who_may_only_look_cannot(self, post):
        post.back(arf(recipients=("c1@people.example",)), to="abuse@bounces.example")
        row = InboundMail.objects.get()
        reader = browser_of(post.account_id, role="viewer", email="r@b.example")
        assert reader.post(f"/ui/bounces/quarantine/{row.pk}/act", {"do": "believe"}).status_code == 403
        assert not Suppression.objects.exists()

    def test_mail_of_nobody_is_shown_where_there_is_one_account_only(self, post, browser):
        post.back(b"\xff\xfe", to="abuse@bounces.example")
        assert service.quarantine_size(post.account_id) == 1
        other = accounts.create_account(name="Birch", zone="UTC").id
        assert service.quarantine_size(post.account_id) == 0
        row = InboundMail.objects.get()
        assert (
            browser_of(other, email="o@b.example").get(f"/ui/bounces/quarantine/{row.pk}").status_code == 404
        )

    def test_the_last_bounce_on_the_contacts_page(self, post, browser):
        post.back(dsn())
        address = f"/ui/lists/{post.house.list_id}/contacts/c1"
        page = text(browser.get(address))
        assert "bad-mailbox" in page and "send mail again" in page
        browser.post(f"{address}/lift-bounce")
        assert not post.contact().bounced
        assert "send mail again" not in text(browser.get(address))

    def test_the_record_of_a_person(self, post, browser):
        post.back(dsn())
        assert "Customer id" in text(browser.get("/ui/record"))
        page = text(browser.get("/ui/record?customer=c1"))
        assert "Accepted" in page and "bad-mailbox" in page and "Welcome email" in page
        assert "was listed for nothing" in text(browser.get("/ui/record?customer=nobody"))
        answer = browser.get("/ui/record/file?customer=c1")
        lines = b"".join(answer.streaming_content).decode().splitlines()
        assert len(lines) == 2 and "hard bad-mailbox" in lines[1]

    def test_a_sending_as_a_file_and_its_breaches(self, post, browser):
        answer = browser.get(f"/ui/sendings/{post.sending_id}/file")
        assert len(b"".join(answer.streaming_content).decode().splitlines()) == 6
        assert "do not add up" not in text(browser.get("/ui/"))
        Attempt.objects.filter(sending_id=post.sending_id, customer="c5").delete()
        assert run(record_command, "check", post.sending_id)[0] == 1
        assert "do not add up" in text(browser.get(f"/ui/sendings/{post.sending_id}"))
        assert "do not add up" in text(browser.get("/ui/"))

    def test_a_sending_whose_rows_are_kept_no_more(self, post, browser):
        from datetime import timedelta

        from tandem.kit.clock import FrozenClock
        from tandem.messenger.record import service as record

        record.check_due(clock=CLOCK)
        record.drop_old(clock=FrozenClock(CLOCK.business() + timedelta(days=800)))
        page = text(browser.get(f"/ui/sendings/{post.sending_id}"))
        assert "Single rows were kept until" in page and "5 of them are sums now" in page
        assert "As a file" not in page and "Sent over time" in page


class TestCommands:
    def test_bounces(self, post, tmp_path):
        post.back(dsn())
        code, said = run(bounces_command, "list", "--json")
        assert (code, [one["kind"] for one in json.loads(said)]) == (0, ["hard"])
        assert "bad-mailbox" in run(bounces_command, "list", "--kind", "hard")[1]
        assert json.loads(run(bounces_command, "domains", "--json")[1])["kinds"] == {"hard": 1}
        assert "people.example" in run(bounces_command, "domains")[1]
        (tmp_path / "mail.eml").write_bytes(dsn("4.2.2", "full"))
        told = json.loads(run(bounces_command, "read", tmp_path / "mail.eml", "--json")[1])
        assert told["recipients"][0]["kind"] == "soft"
        assert "soft" in run(bounces_command, "read", tmp_path / "mail.eml")[1]

    def test_quarantine(self, post):
        post.back(plain("\x1b[31mred", "x", writer="MAILER-DAEMON@x"))
        row = InboundMail.objects.get()
        assert str(row.pk) in run(bounces_command, "quarantine")[1]
        shown = run(bounces_command, "show", row.pk)[1]
        assert "red" in shown and "\x1b" not in shown
        assert run(bounces_command, "dismiss", row.pk, "--dry-run")[0] == 0
        assert service.quarantine_size(post.account_id) == 1
        run(bounces_command, "dismiss", row.pk)
        assert json.loads(run(bounces_command, "quarantine", "--json")[1]) == []
        assert run(bounces_command, "believe", row.pk)[0] != 0

    def test_lift(self, post):
        post.back(dsn())
        run(bounces_command, "lift", post.house.list_id, "c1")
        assert not post.contact().bounced

    def test_record(self, post):
        code, said = run(record_command, "customer", "c1", "--json")
        assert (code, [one["state"] for one in json.loads(said)]) == (0, ["accepted"])
        assert "accepted" in run(record_command, "customer", "c1", "--sending", post.sending_id)[1]
        assert len(run(record_command, "customer", "c1", "--csv")[1].splitlines()) == 2
        assert len(json.loads(run(record_command, "sending", post.sending_id, "--json")[1])) == 5
        assert run(record_command, "sending", post.sending_id, "--state", "rejected")[1] == ""
        assert len(run(record_command, "sending", post.sending_id, "--csv")[1].splitlines()) == 6
        assert run(record_command, "check", post.sending_id)[0] == 0
        assert run(record_command, "breaches")[0] == 0
        assert run(record_command, "keep", 40)[0] == 0
        assert run(record_command, "keep", 1)[0] != 0
