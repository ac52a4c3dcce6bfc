"""Everything ended, one list started again, by the person alone; the proof of it is never changed."""

import csv
import io
import json

import pytest
from django.db import DatabaseError, transaction
from typer.testing import CliRunner

from tandem.kit import clock as clocks
from tandem.messenger.accounts import service as accounts
from tandem.messenger.cli import contacts as command
from tandem.messenger.contacts import queries, service
from tandem.messenger.contacts.domain import Changes
from tandem.messenger.contacts.errors import NotYours, StillSuppressed
from tandem.messenger.contacts.models import ConsentEvent, ConsentText, Suppression
from tandem.messenger.contacts.proofs import Door, Origin, Proof
from tandem.messenger.contacts.service import numbers

CLOCK = clocks.from_environment()
PAGE = Proof(door=Door.PAGE)
HOME = "home@x.example"


class Shop:
    def __init__(self, name="Shop"):
        self.account = accounts.create_account(name=name, zone="Europe/Stockholm").id
        self.news, self.club = (
            service.create_list(self.account, name=name, clock=CLOCK).id for name in ("News", "Club")
        )

    def add(self, who, where, address=HOME, **flags):
        changes = Changes(columns={"email": address, "mobile": "+46701234567"}, flags=flags)
        made = service.save_contact(
            self.account, where, who, changes, force=True, may_subscribe=False, source="test", clock=CLOCK
        )
        return made.id

    def why(self, pk, channel="email"):
        return queries.reasons(self.account, channel, [pk], now=CLOCK.system()).get(pk)

    def end_all(self, pk):
        service.end_everything(self.account, pk, "email", proof=PAGE, clock=CLOCK)

    def again(self, pk, proof=PAGE):
        return service.subscribe_again(
            self.account, pk, "email", source="the person", proof=proof, clock=CLOCK
        )


@pytest.fixture
def shop(db, settings, tmp_path):
    settings.TANDEM_STORAGE = tmp_path
    return Shop()


def test_one_list_again_opens_no_other_that_came_meanwhile(shop):
    news = shop.add("1", shop.news)
    shop.end_all(news)
    club, other = shop.add("1", shop.club), shop.add("2", shop.club)
    assert {shop.why(pk) for pk in (news, club, other)} == {"unsubscribed", "suppressed"}
    assert shop.why(news, "sms") is None, "the other channel is another consent"
    assert shop.again(news) is True
    assert [shop.why(pk) for pk in (news, club, other)] == [None, "unsubscribed", "unsubscribed"]
    assert not Suppression.objects.filter(account_id=shop.account).exists()


def test_another_customer_at_the_address_cannot_take_it_back(shop):
    mine, theirs = shop.add("1", shop.news), shop.add("2", shop.news)
    shop.end_all(mine)
    with pytest.raises(StillSuppressed):
        shop.again(theirs)
    assert {place.state for place in service.places_of(shop.account, theirs) if place.channel == "email"} == {
        "paused"
    }
    assert shop.why(mine) == "unsubscribed"


def test_who_sent_stop_may_start_one_list_again_on_the_page(shop):
    news, club = shop.add("1", shop.news), shop.add("1", shop.club)
    numbers.stop_sms(shop.account, "+46701234567", proof=Proof(door=Door.KEYWORD), clock=CLOCK)
    assert shop.why(news, "sms") == "suppressed"
    service.subscribe_again(shop.account, news, "sms", source="the person", proof=PAGE, clock=CLOCK)
    assert [shop.why(pk, "sms") for pk in (news, club)] == [None, "unsubscribed"]


@pytest.mark.parametrize("origin", [Origin.COMPLAINT, Origin.OPERATOR, Origin.ERASURE])
def test_what_somebody_else_holds_back_stays(shop, origin):
    pk = shop.add("1", shop.news)
    shop.end_all(pk)
    service.suppress(
        shop.account, address=HOME, channel="email", reason="said so", origin=origin, clock=CLOCK
    )
    held = {row.origin for row in Suppression.objects.filter(account_id=shop.account, kind="address")}
    assert held == {max((origin, Origin.PERSON), key=["operator", "person", "complaint", "erasure"].index)}
    row = Suppression.objects.get(account_id=shop.account, kind="address")
    with pytest.raises(NotYours):
        service.lift_suppression(shop.account, row.pk)
    assert shop.why(pk) == "unsubscribed"


def test_a_forgotten_customer_with_an_old_suppression_is_not_stored_again(shop, tmp_path):
    shop.add("1", shop.news)
    service.suppress(shop.account, original_id="1", reason="by hand", clock=CLOCK)
    service.forget(shop.account, "1", clock=CLOCK)
    file = tmp_path / "again.csv"
    file.write_text(f"originalId,emailAddress\n1,{HOME}\n")
    assert service.import_file(shop.account, shop.news, file, clock=CLOCK).affected == 0


def test_proofs_are_added_never_changed_and_outlive_the_person(shop):
    pk = shop.add("1", shop.news)
    text = service.keep_text(shop.account, "subscribe", "sv", "Ja, jag vill.", clock=CLOCK)
    assert service.keep_text(shop.account, "subscribe", "sv", "Ja, jag vill.", clock=CLOCK) == text
    service.unsubscribe(shop.account, pk, "email", source="test", clock=CLOCK)
    shop.again(pk, Proof(door=Door.PAGE, url="http://t/u/abc…", language="sv", text_id=text, detail="remark"))
    event = ConsentEvent.objects.filter(account_id=shop.account, text_id=text)
    for spoil in (
        lambda: event.update(change="unsubscribed"),
        lambda: event.update(url="http://t/other"),
        lambda: event.delete(),
        lambda: ConsentText.objects.filter(pk=text).update(words="Nej"),
        lambda: ConsentText.objects.filter(pk=text)._raw_delete("default"),
    ):
        with pytest.raises(DatabaseError, match="kept as"), transaction.atomic():
            spoil()
    service.forget(shop.account, "1", clock=CLOCK)
    newest = service.proofs_of(shop.account, "1")[0]
    assert (newest.text, newest.language, newest.text_version, newest.door) == (
        "Ja, jag vill.",
        "sv",
        1,
        "page",
    )
    assert (newest.url, newest.detail) == ("", "")
    assert service.keep_text(shop.account, "subscribe", "sv", "Ja.", clock=CLOCK) != text
    assert ConsentText.objects.get(account_id=shop.account, words="Ja.").version == 2


def test_the_command_tells_the_proof_of_one_account_only(shop):
    other = Shop("Other")
    for one in (shop, other):
        service.unsubscribe(
            one.account, one.add("=1", one.news), "email", source="test", clock=CLOCK,
            proof=Proof(door=Door.KEYWORD, detail=f"STOP to {one.account}"),
        )  # fmt: skip

    def said(*more):
        done = CliRunner().invoke(command.app, ["consent", "=1", "--account", str(shop.account), *more])
        assert done.exit_code == 0, done.output
        return done.stdout

    [line] = json.loads(said("--json"))
    assert (line["door"], line["detail"]) == ("keyword", f"STOP to {shop.account}")
    [row] = csv.DictReader(io.StringIO(said("--csv")))
    assert (row["door"], row["channel"], row["change"]) == ("keyword", "email", "unsubscribed")
    assert str(other.account) not in said() + said("--csv")


def test_the_command_unsubscribes_with_a_reason(shop):
    pk = shop.add("1", shop.news)
    arguments = ["unsubscribe", "1", "--list", str(shop.news), "--reason", "asked by telephone"]
    arguments += ["--account", str(shop.account)]
    assert CliRunner().invoke(command.app, [*arguments, "--dry-run"]).exit_code == 0
    assert shop.why(pk) is None
    assert CliRunner().invoke(command.app, arguments).exit_code == 0
    [proof] = service.proofs_of(shop.account, "1")
    assert (proof.door, proof.detail, shop.why(pk)) == ("cli", "asked by telephone", "unsubscribed")
    assert proof.business_at is not None
