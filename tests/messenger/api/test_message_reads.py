"""What is read back of messages: lists, numbers, links, bounces, and the page of a browser."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from tests.fixtures.messages import create_contact, create_desk
from tests.fixtures.sendings import CLOCK, send_until, turn_once
from tests.fixtures.sendings import House as SendingHouse

from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.models import Contact
from tandem.messenger.delivery import ledger
from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery.domain import AttemptState, Channel, Outcome, PlannedTemplate
from tandem.messenger.delivery.models import Attempt, Sending
from tandem.messenger.messages.service import showing
from tandem.messenger.projects import service as projects
from tandem.messenger.projects.domain import EmailSource

pytestmark = pytest.mark.django_db


def campaign(desk, customers, campaign_id=42):
    """A campaign's sending that has ended."""
    target = projects.send_target(desk.account, desk.mail)
    planned = PlannedTemplate(
        template_id=desk.mail, version_id=target.version_id, list_id=desk.people, due_at=CLOCK.business()
    )
    sending_id = ledger.open_sending(
        desk.account,
        source_key=f"campaign:{campaign_id}",
        channel=Channel.EMAIL,
        templates=[planned],
        rows=[(customer, desk.mail) for customer in customers],
        clock=CLOCK,
        campaign_id=campaign_id,
    )
    house = SendingHouse(account_id=desk.account, list_id=desk.people, email_trigger=desk.mail, sms_trigger=0)
    send_until(house, sending_id)
    return sending_id


def token_of(url: str) -> str:
    return urlsplit(url).path.removeprefix("/v/")


class TestLists:
    def test_the_full_shape(self, desk, memory):
        answer = desk.send()
        turn_once()
        (one,) = desk.get(f"/triggers/{desk.mail}/messages")
        version = projects.get_trigger(desk.account, desk.mail).active_version_id
        assert (one["id"], one["deliveryId"], one["contactId"]) == (
            answer["id"],
            version,
            desk.contact()["id"],
        )
        assert (one["type"], one["module"], one["name"]) == ("EMAIL", "TRIGGER", "Receipt")
        assert (one["read"], one["readTimestamp"], one["archived"]) == (False, 0, False)
        assert type(one["sentTimestamp"]) is int
        assert abs(one["sentTimestamp"] / 1000 - CLOCK.business().timestamp()) < 60
        assert one["actions"] == {
            "opened": False, "recieved": True, "clicked": False, "converted": False, "softBounce": False,
            "hardBounce": False, "unsubscribed": False, "complaint": False,
        }  # fmt: skip
        assert (one["state"], one["reason"]) == ("accepted", "")
        assert "/v/" in one["openInBrowserUrl"]

    def test_by_trigger_list_and_contact_newest_first(self, desk, memory):
        first, second = desk.send()["id"], desk.send(trigger=desk.sms, originalId="a b/c@d")["id"]
        third = desk.send(originalId="a b/c@d")["id"]
        ids = lambda path: [one["id"] for one in desk.get(path)]  # noqa: E731
        assert ids(f"/triggers/{desk.mail}/messages") == [third, first]
        assert ids(f"/triggers/{desk.sms}/messages") == [second]
        assert ids(f"/lists/{desk.people}/messages") == [third, second, first]
        people = f"/lists/{desk.people}/contacts"
        assert ids(f"{people}/bo/messages") == [first]
        assert (
            ids(f"{people}/a+b%2Fc%40d/messages") == ids(f"{people}/a%20b%2Fc@d/messages") == [third, second]
        )
        assert ids(f"/lists/{desk.people}/messages?noOfMessages=2&nostat=true") == [third, second]
        assert len(ids(f"/lists/{desk.people}/messages?noOfMessages=0")) == 3

    def test_from_a_moment_on(self, desk, memory):
        old, new = desk.send(), desk.send()
        an_hour_ago = CLOCK.business() - timedelta(hours=1)
        Attempt.objects.filter(id=old["id"]).update(due_at=an_hour_ago)
        start = int((CLOCK.business() - timedelta(minutes=1)).timestamp() * 1000)
        for path in (f"/triggers/{desk.mail}", f"/lists/{desk.people}", f"/lists/{desk.people}/contacts/bo"):
            found = desk.get(f"{path}/messages?startDate={start}")
            assert [one["id"] for one in found] == [new["id"]], path
        assert len(desk.get(f"/triggers/{desk.mail}/messages?startDate=99999999999999999")) == 2
        desk.get(f"/triggers/{desk.mail}/messages?startDate=x", 400)

    def test_what_is_not_due_is_no_message_yet(self, desk):
        desk.send(deliveryTime="2031-02-09T11:00:00Z")
        assert desk.get(f"/triggers/{desk.mail}/messages") == []
        assert desk.get(f"/lists/{desk.people}/contacts/bo/messages") == []

    def test_what_did_not_leave_says_why(self, desk):
        Contact.objects.filter(account_id=desk.account, original_id="bo").update(unsubscribed=True)
        desk.send()
        (one,) = desk.get(f"/lists/{desk.people}/messages")
        assert (one["state"], one["reason"], one["sentTimestamp"]) == ("suppressed", "unsubscribed", 0)
        assert one["openInBrowserUrl"] == ""

    def test_campaigns_are_among_them(self, desk, memory):
        campaign(desk, ["bo", "a b/c@d"])
        found = desk.get(f"/triggers/{desk.mail}/messages")
        assert [(one["module"], one["state"]) for one in found] == [("CAMPAIGN", "accepted")] * 2

    def test_who_left_by_its_link(self, desk, memory):
        desk.send()
        desk.send(originalId="a b/c@d")
        turn_once()
        turn_once()
        message = next(m for m in memory.messages if m.recipient == "bo@people.example")
        words = message.content.replace(b"=\r\n", b"").decode()
        token = words.partition("List-Unsubscribe: <")[2].partition(">")[0].rpartition("/")[2]
        delivery.unsubscribe_by_token(token, clock=CLOCK)
        found = desk.get(f"/lists/{desk.people}/messages")
        assert [one["actions"]["unsubscribed"] for one in found] == [False, True]
        (version,) = desk.get(f"/triggers/{desk.mail}/campaigns")
        assert version["statDtos"]["unsubscribed"] == 1

    def test_what_is_not_there(self, desk):
        for path in (
            "/triggers/999999/messages", "/lists/999999/messages", "/lists/999999/contacts/bo/messages",
            f"/lists/{desk.people}/contacts/nobody/messages", f"/lists/{desk.people}/contacts/999999/lastbounce",
            f"/lists/{desk.people}/contacts/999999/messagecount/email", "/lists/999999/unsubscribeurl",
            f"/lists/{desk.people}/contacts/1/messagecount/fax", "/triggers/999999/links", "/triggers/999999/tags",
        ):  # fmt: skip
            assert set(desk.get(path, 404 if "fax" not in path else 501)) == {"error"}

    def test_another_accounts_messages_are_not_there(self, desk):
        desk.send()
        other = create_desk(7002, "Other")
        for path in (f"/triggers/{desk.mail}/messages", f"/lists/{desk.people}/messages"):
            other.get(path, 404)
        contact = desk.contact()["id"]
        for path in ("bo/messages", f"{contact}/lastbounce", f"{contact}/messagecount/email"):
            other.get(f"/lists/{desk.people}/contacts/{path}", 404)
        other.get(f"/lists/{other.people}/contacts/{contact}/lastbounce", 404)
        assert other.get(f"/lists/{other.people}/contacts/bo/messages") == []


class TestNumbers:
    def test_a_version_of_which_nothing_was_sent_has_none(self, desk):
        assert desk.get(f"/triggers/{desk.mail}")["campaignVersions"][0]["statDtos"] is None

    def test_of_a_version(self, desk, memory):
        for n in range(4):
            create_contact(desk, f"n{n}", email=f"n{n}@people.example")
        memory.refuse["n1@people.example"] = Outcome(state=AttemptState.REJECTED, detail="550 5.1.1 no")
        campaign(desk, ["n0", "n1", "n2", "nobody"])
        desk.send(originalId="n3")
        turn_once()
        stat = desk.get(f"/triggers/{desk.mail}/campaigns")[0]["statDtos"]
        assert type(stat) is dict
        named = ("recipients", "sent", "notBounced", "hardBounced", "nonDeliverable", "softBounced", "opened")
        assert [stat[name] for name in named] == [5, 4, 3, 1, 1, 0, 0]
        assert {name for name, value in stat.items() if type(value) is not int} == {"amount"}
        assert desk.get("/triggers")[0]["campaignVersions"][0]["statDtos"] == stat
        assert "campaignVersions" not in desk.get("/triggers?basic=true")[0]

    def test_a_running_sending_counts_too(self, desk, memory):
        memory.refuse["bo@people.example"] = Outcome(state=AttemptState.DEFERRED, detail="451 later")
        desk.send()
        turn_once()
        assert Sending.objects.get(account_id=desk.account).finished_at is None
        stat = desk.get(f"/triggers/{desk.mail}/campaigns")[0]["statDtos"]
        assert (stat["recipients"], stat["sent"], stat["softBounced"]) == (1, 0, 1)

    def test_by_contact_and_channel(self, desk, memory):
        campaign(desk, ["bo"])
        desk.send()
        desk.send(trigger=desk.sms)
        turn_once()
        turn_once()
        path = f"/lists/{desk.people}/contacts/{desk.contact()['id']}/messagecount"
        assert desk.get(f"{path}/email") == {"normal": 1, "trigger": 1, "auto": 0, "total": 2}
        assert desk.get(f"{path}/sms") == {"normal": 0, "trigger": 1, "auto": 0, "total": 1}

    def test_the_last_bounce(self, desk, memory):
        path = f"/lists/{desk.people}/contacts/{desk.contact()['id']}/lastbounce"
        assert set(desk.get(path).values()) == {None}
        memory.refuse["bo@people.example"] = Outcome(
            state=AttemptState.REJECTED, detail="550 5.1.1 no such user"
        )
        answer = desk.send()
        turn_once()
        bounce = desk.get(path)
        assert (bounce["messageId"], bounce["bounceType"]) == (str(answer["id"]), "HARD")
        assert (bounce["dsnStatus"], bounce["domain"]) == ("5.1.1", "people.example")
        assert (bounce["recipient"], type(bounce["bounceDate"])) == ("bo@people.example", int)
        assert desk.get(f"/triggers/{desk.mail}/messages")[0]["actions"]["hardBounce"] is True


class TestTriggersAndLists:
    def test_links_and_tags(self, desk):
        (link,) = desk.get(f"/triggers/{desk.mail}/links")
        assert (link["name"], link["tags"]) == ("To the shop", ["shop", "sale"])
        assert link["linkTarget"] == "https://shop.example/?c={{contact.city}}"
        tags = desk.get(f"/triggers/{desk.mail}/tags")
        assert tags == [{"blockLinkId": link["id"], "tag": tag} for tag in ("shop", "sale")]
        assert type(link["id"]) is int

    def test_zapier(self, desk):
        found = {one["key"]: one for one in desk.get("/properties/zapier")}
        assert found["originalId"]["required"] is True
        assert found["bonus"] == {
            "key": "bonus", "type": "integer", "required": False, "label": "bonus", "help_text": "In kr",
        }  # fmt: skip

    def test_a_contact_with_its_list_in_the_body(self, desk):
        made = desk.call(
            "POST", "/contacts", body={"listId": desk.people, "originalId": "new", "firstName": "N"}
        )
        assert (made["originalId"], made["listId"], made["firstName"]) == ("new", desk.people, "N")
        assert (
            desk.call("POST", "/contacts", body={"listId": str(desk.people), "originalId": "new"}) is not None
        )
        desk.call("POST", "/contacts", 404, body={"listId": 999999, "originalId": "new"})
        for body in (
            {"originalId": "x"},
            {"listId": True, "originalId": "x"},
            {"listId": desk.people},
            [],
            "x",
        ):
            desk.call("POST", "/contacts", 400, body=body)

    def test_journeys_are_not_offered(self, desk):
        assert set(desk.call("POST", "/journeys/7/commence", 501, body={})) == {"error"}


class TestShowing:
    def sent(self, desk, **more):
        desk.send(**more)
        turn_once()
        return token_of(desk.get(f"/lists/{desk.people}/messages")[0]["openInBrowserUrl"])

    def test_the_very_message_after_a_new_version(self, desk, memory):
        token = self.sent(desk, properties={"bonus": "10", "order": "A7"})
        newer = EmailSource(subject="New", html="<p>new</p>")
        projects.add_active_version(desk.account, desk.mail, newer, clock=CLOCK)
        shown = showing.show(token, clock=CLOCK)
        assert (shown.subject, shown.exact) == ("Hi Bo", True)
        assert "Bonus 10, order A7 A7" in shown.html
        mail = memory.messages[0].content.replace(b"=\r\n", b"").decode()
        link = mail.partition("List-Unsubscribe: <")[2].partition(">")[0]
        assert link in shown.html

    def test_of_a_contact_that_changed_it_says_so(self, desk, memory):
        token = self.sent(desk)
        create_contact(desk, "bo", first_name="Bob")
        shown = showing.show(token, clock=CLOCK)
        assert (shown.subject, shown.exact) == ("Hi Bob", False)

    def test_a_text_message(self, desk, memory):
        token = self.sent(desk, trigger=desk.sms)
        shown = showing.show(token, clock=CLOCK)
        assert (shown.html, shown.text) == ("", "Hej Bo, 5 kr, https://shop.example/s.")

    def test_what_did_not_leave_or_is_forgotten_is_not_shown(self, desk, memory):
        token = self.sent(desk)
        Attempt.objects.filter(account_id=desk.account).update(state=AttemptState.SUPPRESSED)
        with pytest.raises(showing.NoMessage):
            showing.show(token, clock=CLOCK)
        Attempt.objects.filter(account_id=desk.account).update(state=AttemptState.ACCEPTED)
        contacts.forget(desk.account, "bo", clock=CLOCK)
        with pytest.raises(showing.NoMessage):
            showing.show(token, clock=CLOCK)
