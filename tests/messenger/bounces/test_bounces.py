"""What came back, and what follows: flags, suppressions, events, numbers; once, for the right person only."""

import pytest
from tests.fixtures.returned import arf, dsn, message_id, plain, verp
from tests.fixtures.sendings import CLOCK, create_sending, send_until

from tandem.messenger.accounts import service as accounts
from tandem.messenger.bounces import service, spool
from tandem.messenger.bounces.domain import Kind
from tandem.messenger.bounces.errors import NotOurs
from tandem.messenger.bounces.models import Bounce, InboundMail
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.models import Contact, Suppression
from tandem.messenger.contacts.proofs import Door, Origin
from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery.domain import AttemptState
from tandem.messenger.delivery.models import Attempt
from tandem.messenger.engagement import service as engagement
from tandem.messenger.engagement.domain import Kind as Event

pytestmark = pytest.mark.django_db


def kinds():
    return sorted(Bounce.objects.values_list("customer", "kind"))


def events_of(post, customer="c1"):
    attempt = post.attempt(customer)
    return [one.kind for one in engagement.events_of(post.account_id, [attempt.id]).get(attempt.id, [])]


class TestReports:
    def test_a_hard_bounce_makes_the_contact_unusable(self, post):
        assert post.back(dsn()) == 1
        bounce = Bounce.objects.get()
        assert (bounce.kind, bounce.category, bounce.status) == ("hard", "bad-mailbox", "5.1.1")
        assert bounce.diagnosis == "550 5.1.1 <(address)>: Recipient address rejected: User unknown"
        assert (bounce.mta, bounce.remote_mta, bounce.domain) == (
            "mx.example",
            "mail.people.example",
            "people.example",
        )
        assert post.contact().bounced and post.contact().invalidated_at
        assert not Contact.objects.exclude(original_id="c1").filter(bounced=True).exists()
        assert events_of(post) == [Event.BOUNCED_HARD]

    def test_the_content_is_gone_once_it_is_worked_off(self, post):
        post.back(dsn())
        row = InboundMail.objects.get()
        assert (row.state, row.kept, row.account_id) == ("done", False, post.account_id)
        assert spool.read(row.digest) is None

    def test_the_same_mail_counts_once(self, post):
        post.back(dsn())
        Contact.objects.update(bounced=False)
        assert post.back(dsn()) == 0
        assert not post.contact().bounced

    def test_a_second_report_of_the_same_kind_counts_once(self, post):
        post.back(dsn())
        post.back(dsn(words="550 5.1.1 said otherwise"))
        assert kinds() == [("c1", "hard")]
        assert len(events_of(post)) == 1

    def test_others_of_the_account_with_the_same_address_are_spared_too(self, post):
        first = post.contact()
        Contact.objects.filter(original_id="c5").update(email=first.email, email_key=first.email_key)
        post.back(dsn())
        assert post.contact("c5").bounced

    @pytest.mark.parametrize(
        ("status", "words", "kind"),
        [
            ("5.7.1", "550 5.7.1 blocked using zen.spamhaus.org", "blocked"),
            ("5.7.26", "550 5.7.26 unauthenticated", "blocked"),
            ("5.4.4", "unable to route", "blocked"),
            ("5.1.1", "552 5.1.1 mailbox is full", "soft"),
            ("4.2.2", "452 4.2.2 over quota", "soft"),
            ("4.4.7", "delivery time expired", "soft"),
        ],
    )
    def test_what_is_not_the_recipients_for_good_leaves_the_contact_alone(self, post, status, words, kind):
        post.back(dsn(status, words))
        assert kinds() == [("c1", kind)]
        assert not post.contact().bounced
        assert events_of(post) == [Event.BOUNCED_SOFT]

    def test_a_delay_is_only_recorded(self, post):
        post.back(dsn("4.4.1", "still trying", action="delayed"))
        assert kinds() == [("c1", "delayed")]
        assert events_of(post) == []

    def test_a_report_of_success_is_a_delivery(self, post):
        post.back(dsn("2.0.0", "250 ok", action="delivered"))
        assert kinds() == [("c1", "delivered")]
        assert events_of(post) == [Event.DELIVERED]

    def test_by_the_returned_message_where_the_address_says_nothing(self, post):
        post.back(dsn(returned=message_id(post.key, post.attempt("c2")), recipient="c2@people.example"),
                  to="postmaster@bounces.example")  # fmt: skip
        assert kinds() == [("c2", "hard")]

    def test_a_report_proves_that_an_uncertain_message_was_taken_over(self, post):
        Attempt.objects.filter(id=post.attempt().id).update(state=AttemptState.UNCERTAIN)
        row = delivery.get_sending(post.account_id, post.sending_id)
        from tandem.messenger.delivery.models import Sending

        sending = Sending.objects.get(id=post.sending_id)
        template = post.house.email_trigger
        sending.totals = [
            {"template": template, "state": 10, "reason": "", "rows": 4},
            {"template": template, "state": 12, "reason": "", "rows": 1},
        ]
        sending.save()
        post.back(dsn("2.0.0", "250 ok", action="delivered"))
        assert AttemptState(post.attempt().state) is AttemptState.ACCEPTED
        assert delivery.get_sending(post.account_id, row.id).counts == {"accepted": 5}

    def test_an_old_address_that_bounces_does_not_touch_the_new_one(self, post):
        Contact.objects.filter(original_id="c1").update(
            email="new@people.example", modified_at=CLOCK.system()
        )
        post.back(dsn())
        assert kinds() == [("c1", "hard")]
        assert not post.contact().bounced

    def test_a_server_that_writes_no_report(self, post):
        text = "Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver your message to "
        text += "the "
        text += (
            "following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n"
        )
        text += "<c1@people.example>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 5.1.1 no such user\n\n"
        text += "--- Below this line is a copy of the message.\n"
        post.back(plain("failure notice", text, writer="MAILER-DAEMON@mx.example"))
        [bounce] = Bounce.objects.all()
        assert (bounce.kind, bounce.source, bounce.status) == ("hard", "text", "5.1.1")
        assert post.contact().bounced

    def test_a_reply_quoted_in_no_known_form(self, post):
        text = "Leider ging es nicht:\n\n  550 5.1.1 unknown user\n"
        post.back(plain("Zustellung gescheitert", text, writer="Post-Master <post@x.example>"))
        assert kinds() == [("c1", "hard")]

    def test_a_server_that_is_still_trying_in_no_known_form(self, post):
        text = "Your message has not yet been delivered:\n\n  451 4.4.1 no answer\n"
        post.back(plain("Warning", text, writer="MAILER-DAEMON@x.example"))
        assert kinds() == [("c1", "delayed")]


class TestSoftInARow:
    def send_again(self, post, number):
        sending_id = create_sending(post.house, ["c1", "c2"], campaign_id=100 + number)
        send_until(post.house, sending_id)
        post.sending_id = sending_id

    def test_five_in_a_row_make_it_unusable(self, post):
        for number in range(5):
            assert not post.contact().bounced
            self.send_again(post, number)
            post.back(dsn("4.2.2", "mailbox full"))
        assert post.contact().bounced and post.contact().invalidated_at
        assert not post.contact("c2").bounced

    def test_one_that_arrived_between_begins_anew(self, post):
        for number in range(6):
            self.send_again(post, number)
            if number != 3:
                post.back(dsn("4.2.2", "mailbox full"))
        assert not post.contact().bounced

    def test_one_that_was_blocked_says_nothing_of_the_address(self, post):
        for number in range(6):
            self.send_again(post, number)
            post.back(dsn("5.7.1", "spam") if number == 3 else dsn("4.2.2", "mailbox full"))
        assert post.contact().bounced


class TestComplaints:
    def test_a_complaint_suppresses_in_the_whole_account_with_proof(self, post):
        post.back(arf())
        assert kinds() == [("c1", "complaint")]
        assert list(Suppression.objects.values_list("reason", "channel", "list_id")) == [
            ("complaint", "email", None)
        ]
        [proof] = contacts.proofs_of(post.account_id, "c1")
        assert (proof.change, proof.door, proof.sending_id) == (
            "unsubscribed",
            Door.COMPLAINT,
            post.sending_id,
        )
        assert Suppression.objects.get().origin == Origin.COMPLAINT
        assert post.contact().unsubscribed
        assert accounts.recent_activity(post.account_id)[0].action == "complaint"
        assert events_of(post) == [Event.COMPLAINED]

    @pytest.mark.parametrize("kind", ["fraud", "virus", "other", "miscategorized"])
    def test_so_does_every_kind_that_blames_the_message(self, post, kind):
        post.back(arf(kind))
        assert Suppression.objects.count() == 1

    def test_an_opt_out_ends_without_being_a_complaint(self, post):
        post.back(arf("opt-out"))
        assert kinds() == [("c1", "unsubscribed")]
        assert Suppression.objects.get().reason == "opt-out by complaint"
        assert events_of(post) == []

    @pytest.mark.parametrize("kind", ["not-spam", "auth-failure"])
    def test_what_blames_nothing_is_only_recorded(self, post, kind):
        post.back(arf(kind))
        assert kinds() == [("c1", "feedback")]
        assert not Suppression.objects.exists()
        assert not post.contact().unsubscribed

    def test_by_the_message_id_at_the_abuse_address(self, post):
        content = arf(returned=message_id(post.key, post.attempt("c3")))
        post.back(content, to="abuse@bounces.example")
        assert kinds() == [("c3", "complaint")]

    def test_a_recipient_cannot_complain_in_the_name_of_others(self, post):
        post.back(arf(recipients=("c1@people.example", "c2@people.example")))
        assert kinds() == [("c1", "complaint")]
        assert not post.contact("c2").unsubscribed
        assert Suppression.objects.count() == 1
        [row] = InboundMail.objects.all()
        assert row.state == "quarantined"
        assert "names 1 more without proof" in row.why

    def test_one_that_proves_nothing_is_put_aside(self, post):
        post.back(arf(recipients=("c1@people.example",)), to="abuse@bounces.example")
        assert kinds() == []
        assert not Suppression.objects.exists()
        assert InboundMail.objects.get().state == "quarantined"


class TestOtherMail:
    def test_mail_to_the_unsubscribe_address_ends_the_subscription(self, post):
        post.back(plain("unsubscribe"), kind="u", null_sender=False)
        assert post.contact().unsubscribed
        [proof] = contacts.proofs_of(post.account_id, "c1")
        assert (proof.door, proof.sending_id) == (Door.LINK, post.sending_id)
        assert not post.contact("c2").unsubscribed

    def test_a_report_at_the_unsubscribe_address_unsubscribes_nobody(self, post):
        post.back(dsn(), kind="u")
        assert not post.contact().unsubscribed

    @pytest.mark.parametrize(
        "content",
        [
            plain("Out of office: back on Monday"),
            plain("Automatic reply: Hello"),
            plain("Autosvar: Hello"),
            plain("=?utf-8?q?Fr=C3=A5nvaro?="),
            plain("Re: Hello", more="Auto-Submitted: auto-replied\r\n"),
            plain("Re: Hello", more="X-Autoreply: yes\r\n"),
            plain("Abwesenheitsnotiz"),
        ],
    )
    def test_an_automatic_reply_is_no_bounce(self, post, content):
        post.back(content, null_sender=True)
        assert kinds() == [("c1", "automatic reply")]
        assert not post.contact().bounced
        assert events_of(post) == [Event.REPLIED]

    def test_a_persons_reply_is_counted_and_kept_for_a_person(self, post):
        post.back(plain("Re: Hello", "Dear shop, ..."), null_sender=False)
        assert kinds() == [("c1", "reply")]
        assert Bounce.objects.get().diagnosis == ""
        assert (InboundMail.objects.get().state, InboundMail.objects.get().kept) == ("reply", True)

    def test_what_a_server_writes_in_no_known_form_is_put_aside(self, post):
        post.back(plain("Something", "odd", writer="MAILER-DAEMON@x.example"))
        row = InboundMail.objects.get()
        assert (row.state, row.kept, row.account_id) == ("quarantined", True, post.account_id)

    @pytest.mark.parametrize(
        "recipient",
        ["someone@elsewhere.example", "x@bounces.example", "b+x@bounces.example", "b+@bounces.example", "", "@",
         "b+" + "a" * 45 + "@bounces.example", "abuse@elsewhere.example", "ABUSE@bounces.example.evil"],
    )  # fmt: skip
    def test_no_other_address_is_taken(self, post, recipient):
        with pytest.raises(NotOurs):
            service.take(recipient, b"x", null_sender=True, source="smtp", clock=CLOCK)
        assert not InboundMail.objects.exists()

    def test_a_message_whose_row_is_gone_is_put_aside(self, post):
        address = verp(post.key, post.attempt())
        Attempt.objects.filter(id=post.attempt().id).delete()
        post.back(dsn(), to=address)
        assert InboundMail.objects.get().state == "quarantined"

    def test_an_error_of_one_mail_does_not_stop_the_next(self, post, monkeypatch):
        from tandem.messenger.bounces.service import judging

        true_apply = judging.apply

        def trips(ours, mail, message, **more):
            if message.customer == "c1":
                raise RuntimeError("a bug")
            return true_apply(ours, mail, message, **more)

        monkeypatch.setattr(judging, "apply", trips)
        service.take(verp(post.key, post.attempt("c1")), dsn(), null_sender=True, source="smtp", clock=CLOCK)
        assert post.back(dsn(recipient="c2@people.example"), "c2") == 1
        assert kinds() == [("c2", "hard")]
        for _ in range(6):
            service.work_due(clock=CLOCK)
        assert InboundMail.objects.get(why__contains="could not be worked off").state == "quarantined"


class TestKills:
    """What is left when a process dies at each step, and what the next try makes of it."""

    @pytest.fixture
    def dies(self, monkeypatch):
        from tandem.messenger.bounces.service import taking, working

        def at(step):
            def reach(reached):
                if reached == step:
                    raise KeyboardInterrupt(step)

            for module in (taking, working):
                monkeypatch.setattr(module, "failpoint", reach)

        return at

    def test_between_disk_and_database_the_sender_tries_again(self, post, dies):
        dies("b1")
        with pytest.raises(KeyboardInterrupt):
            post.back(dsn())
        assert not InboundMail.objects.exists()
        dies("")
        assert post.back(dsn()) == 1
        assert kinds() == [("c1", "hard")]

    def test_after_both_it_is_taken_once(self, post, dies):
        dies("b2")
        with pytest.raises(KeyboardInterrupt):
            post.back(dsn())
        dies("")
        assert post.back(dsn()) == 1
        assert kinds() == [("c1", "hard")]

    def test_before_the_commit_nothing_happened(self, post, dies):
        dies("b3")
        with pytest.raises(KeyboardInterrupt):
            post.back(dsn())
        assert kinds() == [] and not post.contact().bounced
        dies("")
        assert service.work_due(clock=CLOCK) == 1
        assert kinds() == [("c1", "hard")]

    def test_a_file_that_no_row_knows_goes_after_a_day(self, post):
        import os

        spool.write("ab" * 32, b"left")
        path = next(spool.files())
        service.clear_old(clock=CLOCK)
        assert path.exists()
        os.utime(path, (1, 1))
        service.clear_old(clock=CLOCK)
        assert not path.exists()


class TestKeeping:
    def test_contents_go_after_a_week(self, post):
        from datetime import timedelta

        post.back(plain("Something", "odd", writer="MAILER-DAEMON@x.example"))
        row = InboundMail.objects.get()
        assert service.clear_old(clock=CLOCK) == 0
        assert spool.read(row.digest) is not None
        InboundMail.objects.update(arrived_at=CLOCK.system() - timedelta(days=8))
        assert service.clear_old(clock=CLOCK) == 1
        assert spool.read(row.digest) is None
        assert InboundMail.objects.get().kept is False

    def test_of_another_accounts_message_nothing_follows_here(self, post, settings):
        from tests.fixtures.sendings import create_contacts, create_house

        other = create_house("Birch")
        create_contacts(other, 1)
        Contact.objects.filter(account_id=other.account_id).update(
            email="c1@people.example", email_key=post.contact().email_key
        )
        post.back(dsn())
        assert not Contact.objects.get(account_id=other.account_id).bounced
        assert Bounce.objects.get().account_id == post.account_id
        assert Bounce.objects.get().kind == Kind.HARD.value


class TestRead:
    def test_the_status_of_a_contact(self, post):
        from tandem.messenger.messages import service as messages

        def status(customer="c1"):
            return messages.bounce_status(post.account_id, post.house.list_id, customer)

        assert status() == "NONE"
        post.back(dsn("4.2.2", "mailbox full"))
        assert (status(), status("c2")) == ("SOFT", "NONE")
        again = create_sending(post.house, ["c1"], campaign_id=43)
        send_until(post.house, again)
        assert status() == "NONE"
        post.sending_id = again
        post.back(dsn())
        assert status() == "HARD"

    def test_the_last_bounce_of_a_contact(self, post):
        from tandem.messenger.api.rest import wire_messages
        from tandem.messenger.messages import service as messages

        assert messages.last_bounce(post.account_id, post.house.list_id, post.contact().id) is None
        post.back(dsn())
        found = messages.last_bounce(post.account_id, post.house.list_id, post.contact().id)
        dto = wire_messages.bounce(found)
        assert dto["messageId"] == str(post.attempt().id)
        assert (dto["bounceType"], dto["bncCat"], dto["dsnStatus"]) == ("HARD", "bad-mailbox", "5.1.1")
        assert (dto["domain"], dto["recipient"]) == ("people.example", "c1@people.example")
        assert (dto["mta"], dto["remoteMta"]) == ("mx.example", "mail.people.example")
        assert "c1@" not in dto["dsnDiagnosis"]

    def test_exports_of_bounces(self, post):
        from datetime import timedelta

        from tandem.messenger.exports import queries
        from tandem.messenger.exports.domain import ExportType

        post.back(dsn())
        post.back(dsn("5.7.1", "spam"), "c2")
        now = CLOCK.business()

        def exported(kind):
            since, until = now - timedelta(days=1), now + timedelta(days=1)
            return [
                one.original_id for one in queries.events(post.account_id, kind, since, until, timedelta())
            ]

        assert exported(ExportType.HARD_BOUNCES) == ["c1"]
        assert exported(ExportType.SOFT_BOUNCES) == ["c2"]


class TestWebhooks:
    def test_hard_bounces_are_told_once(self, post):
        from tandem.messenger.webhooks import service as webhooks
        from tandem.messenger.webhooks.models import Call

        webhooks.add(post.account_id, url="https://shop.example/hook", events=["bounce"], clock=CLOCK)
        post.back(dsn("4.2.2", "full"), "c2")
        assert not Call.objects.exists()
        post.back(dsn())
        post.back(dsn(words="550 5.1.1 again"))
        event = Call.objects.get().event
        assert (event.event_type, event.contact, event.more["bncCat"]) == ("bounce", "c1", "bad-mailbox")
        assert "c1@people.example" not in str(event.more)


class TestTold:
    def told(self):
        from tandem.messenger.reporting.models import UnsubscribeReport

        return dict(UnsubscribeReport.objects.order_by("id").values_list("metric", "value"))

    def test_the_planner_is_told_of_bounces_and_complaints(self, post):
        from tandem.messenger.reporting import responses

        post.back(dsn())
        post.back(dsn("5.7.1", "spam"), "c2")
        post.back(dsn("4.2.2", "later", action="delayed"), "c3")
        post.back(arf(), "c4")
        responses.prepare(clock=CLOCK)
        assert self.told() == {6: 1, 9: 2}
        responses.prepare(clock=CLOCK)
        assert self.told() == {6: 1, 9: 2}

    def test_what_was_refused_at_once_is_not_told_twice(self, post):
        from tandem.messenger.reporting import responses

        Attempt.objects.filter(id=post.attempt().id).update(state=11, detail="550 5.1.1 no such user")
        assert service.take_up_refusals(clock=CLOCK) == 1
        assert events_of(post) == [Event.BOUNCED_HARD]
        responses.prepare(clock=CLOCK)
        assert self.told() == {}
