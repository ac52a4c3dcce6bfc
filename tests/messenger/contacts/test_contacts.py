"""Imports, consent, suppression and erasure, through the services."""

import re

import pytest

from tandem.kit import clock as clocks
from tandem.messenger.accounts import service as accounts
from tandem.messenger.contacts import queries, service
from tandem.messenger.contacts.domain import email_address, mobile_number
from tandem.messenger.contacts.errors import UnknownContact
from tandem.messenger.contacts.storage import import_path

CLOCK = clocks.from_environment()
HEADER = "originalId,emailAddress,mobileNumber,firstName,unsubscribed,mobileUnsubscribed\n"


@pytest.fixture
def account(db) -> int:
    return accounts.create_account(name="Shop", zone="Europe/Stockholm").id


@pytest.fixture
def people(account) -> int:
    return service.create_list(account, name="Customers", clock=CLOCK).id


@pytest.fixture
def load(account, people, tmp_path):
    def run(text: str, kind: str = "ADD", list_id: int | None = None):
        path = tmp_path / "contacts.csv"
        path.write_text(text)
        return service.import_file(account, list_id or people, path, kind=kind, clock=CLOCK)

    return run


def why(account: int, people: int, original_id: str, channel: str = "email") -> str | None:
    pk = service.contact_id_of(account, people, original_id)
    return queries.reasons(account, channel, [pk], now=CLOCK.system()).get(pk)


class TestImport:
    def test_upserts_merges_and_counts(self, account, people, load):
        done = load(
            HEADER + "1,a@x.example,+46701111111,Anna,0,0\n2,b@x.example,,Bo,1,0\n1,c@x.example,,Anna,0,0\n"
        )
        assert (done.status, done.total, done.affected) == ("FINISHED", 3, 2)
        one = service.get_contact(account, people, "1")
        assert (one.email, one.mobile) == ("c@x.example", ""), "the last line of an id wins"
        load("originalId,firstName\n1,Åsa\n")
        one = service.get_contact(account, people, "1")
        assert (one.email, one.first_name) == ("c@x.example", "Åsa"), "columns not in the file stay"

    def test_never_subscribes_again(self, account, people, load):
        load(HEADER + "1,a@x.example,,Anna,1,1\n")
        load(HEADER + "1,a@x.example,,Anna,0,0\n", "REPLACE")
        one = service.get_contact(account, people, "1")
        assert (one.unsubscribed, one.mobile_unsubscribed) == (True, True)
        history = service.consent_history(account, one.id)
        assert sorted((e.channel, e.change, e.source) for e in history) == [
            ("email", "unsubscribed", "import"),
            ("sms", "unsubscribed", "import"),
        ]

    def test_unsubscribe_ends_both_channels_and_makes_nobody(self, account, people, load):
        load(HEADER + "1,a@x.example,+46701111111,Anna,0,0\n2,b@x.example,,B,0,0\n")
        done = load("originalId\n1\n9\n", "UNSUBSCRIBE")
        assert done.affected == 1
        assert (why(account, people, "1"), why(account, people, "1", "sms")) == (
            "unsubscribed",
            "unsubscribed",
        )
        assert why(account, people, "2") is None
        with pytest.raises(UnknownContact):
            service.get_contact(account, people, "9")

    def test_replace_makes_the_others_inactive(self, account, people, load):
        load(HEADER + "1,a@x.example,,A,0,0\n2,b@x.example,,B,0,0\n")
        load(HEADER + "2,b@x.example,,B,0,0\n", "REPLACE")
        assert why(account, people, "1") == "inactive"
        load(HEADER + "1,a@x.example,,A,0,0\n")
        assert why(account, people, "1") is None

    def test_broken_rows_are_told_by_line_without_their_content(self, account, people, load):
        done = load(
            HEADER
            + ",a@x.example,,A,0,0\nall,,,,,\n3,no-address,,C,0,0\n4,d@x.example,abc,D,0,0\n5,e,e,e,e,e,e\n"
        )
        assert (done.status, done.total, done.affected) == ("FINISHED", 5, 2)
        assert [re.match(r"Line (\d)", words)[1] for words in done.problems] == ["2", "3", "4", "5", "6"]
        assert "no-address" not in " ".join(done.problems)
        assert why(account, people, "3") == "no address"

    def test_own_attributes_by_name_without_case(self, account, people, load):
        service.define_property(account, name="bonusLevel", clock=CLOCK)
        done = load("ORIGINALID,BonusLevel,mystery\n1,7,x\n")
        assert service.get_contact(account, people, "1").named == {"bonusLevel": "7"}
        assert service.values_of(account, people, "1")["bonuslevel"] == "7"
        assert "'mystery'" in done.problems[0]

    def test_the_uploaded_file_is_gone_after_the_run(self, account, people, load):
        done = load(HEADER)
        assert not import_path(account, done.import_id).exists()

    def test_a_run_is_done_once(self, account, people, load):
        done = load(HEADER + "1,a@x.example,,A,0,0\n")
        assert service.run_batch(account, done.id, clock=CLOCK) == done

    def test_an_interrupted_run_is_taken_up(self, account, people):
        import_id = service.start_import(account, people, clock=CLOCK)
        batch = service.upload(account, people, import_id, [b"originalId\n1"], defer=False, clock=CLOCK)
        from tandem.messenger.contacts.service.batches import run_waiting

        assert run_waiting(clock=CLOCK) == 1
        assert service.get_batch(account, batch.id).status == "FINISHED"


class TestConsent:
    def test_ends_by_list_and_channel_and_only_once(self, account, people, load):
        other = service.create_list(account, name="Other", clock=CLOCK).id
        row = HEADER + "1,a@x.example,+46701111111,A,0,0\n"
        load(row)
        load(row, list_id=other)
        pk = service.contact_id_of(account, people, "1")
        assert service.unsubscribe(account, pk, "email", source="link", clock=CLOCK) is True
        assert service.unsubscribe(account, pk, "email", source="link", clock=CLOCK) is False
        assert len(service.consent_history(account, pk)) == 1
        assert (why(account, people, "1"), why(account, people, "1", "sms")) == ("unsubscribed", None)
        assert why(account, other, "1") is None

    def test_not_by_another_account(self, account, people, load):
        load(HEADER + "1,a@x.example,,A,0,0\n")
        pk = service.contact_id_of(account, people, "1")
        other = accounts.create_account(name="Other", zone="Europe/Oslo").id
        with pytest.raises(UnknownContact):
            service.unsubscribe(other, pk, "email", source="link", clock=CLOCK)
        assert queries.recipients(other, [pk]) == {}
        assert queries.reasons(other, "email", [pk], now=CLOCK.system()) == {pk: "no contact"}

    def test_a_suppressed_address_whatever_its_case(self, account, people, load):
        load(HEADER + "1,A@X.example,+46701111111,A,0,0\n")
        made = service.suppress(
            account, address="a@x.EXAMPLE", channel="email", reason="complaint", clock=CLOCK
        )
        assert (why(account, people, "1"), why(account, people, "1", "sms")) == ("suppressed", None)
        service.lift_suppression(account, made.id)
        assert why(account, people, "1") is None


class TestErasure:
    def test_stays_forgotten_when_imported_again(self, account, people, load):
        row = HEADER + "1,canary@x.example,+46701111111,Canary,0,0\n2,b@x.example,,B,0,0\n"
        load(row)
        assert service.export(account, "1")["contacts"][0]["emailAddress"] == "canary@x.example"
        report = service.forget(account, "1", clock=CLOCK)
        assert report.contacts == 1
        assert report.remains
        assert load(row).affected == 1
        assert service.export(account, "1")["contacts"] == []
        load(HEADER + "77,canary@x.example,,New,0,0\n")
        assert why(account, people, "77") == "suppressed", "the address was forgotten too"

    def test_nothing_of_the_person_is_left_in_the_tables(self, account, people, load):
        from django.apps import apps

        load(HEADER + "1x1,canary@x.example,+46709998877,Canary,1,0\n")
        service.forget(account, "1x1", clock=CLOCK)
        for model in apps.get_app_config("messenger_contacts").get_models():
            for row in model.objects.values():
                assert not re.search("canary|1x1|9998877", repr(row), re.IGNORECASE)

    def test_a_dry_run_erases_nothing(self, account, people, load):
        load(HEADER + "1,a@x.example,,A,0,0\n")
        assert service.forget(account, "1", dry_run=True, clock=CLOCK).contacts == 1
        assert why(account, people, "1") is None


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ("a@x.example", "a@x.example"),
        (" A.b+c@X.example ", "A.b+c@X.example"),
        ("", ""),
        ("a@åäö.example", "a@xn--4cab6c.example"),
        ("a@straße.example", "a@xn--strae-oqa.example"),
        ("a@xn--strae-oqa.example", "a@xn--strae-oqa.example"),
        ("a@BÜCHER\u3002example", "a@xn--bcher-kva.example"),
        ("a@\u200dbücher.example", None),
        ("a@bücher\u202e.example", None),
        ("a", None),
        ("a@b", None),
        ("a@x.example,b@x.example", None),
        ("a..b@x.example", None),
        ("<a@x.example>", None),
        ("å@x.example", None),
    ],
)
def test_addresses(said, stored):
    assert email_address(said) == stored


@pytest.mark.parametrize(
    ("said", "country", "stored"),
    [
        ("0046733152301", "", ("+46733152301", True)),
        ("+46 733-15 23 01", "", ("+46733152301", True)),
        ("0733152301", "SE", ("+46733152301", True)),
        ("0733152301", "", ("0733152301", False)),
        ("abc", "", ("", False)),
        ("", "", ("", False)),
    ],
)
def test_numbers(said, country, stored):
    assert mobile_number(said, country) == stored
