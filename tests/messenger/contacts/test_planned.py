"""An import that a person plans: columns, the dry run's numbers, REPLACE's number, refused rows."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tandem.kit import clock as clocks
from tandem.messenger.accounts import service as accounts
from tandem.messenger.cli import contacts as command
from tandem.messenger.contacts import service
from tandem.messenger.contacts.domain import Changes
from tandem.messenger.contacts.errors import BadImport, UnknownBatch
from tandem.messenger.contacts.mapping import guessed, plain_cell, safe_cell

CLOCK = clocks.from_environment()
FILE = (
    "Customer number;E-mail;Mobil;Förnamn;Bonus\n1;a@x.example;+46701111111;Åsa;7\n2;b@x.example;;Bo;8\n"
    "3;nonsense;+46702222222;=cmd|1;9\n;d@x.example;;Nobody;1\n"
)
CHOSEN = ["originalId", "emailAddress", "mobileNumber", "firstName", "+Bonus"]


@pytest.fixture
def account(db, settings, tmp_path):
    settings.TANDEM_STORAGE = tmp_path
    return accounts.create_account(name="Shop", zone="Europe/Stockholm").id


@pytest.fixture
def people(account):
    made = service.create_list(account, name="Customers", clock=CLOCK).id
    for who, flags in (("1", {"unsubscribed": True}), ("8", {}), ("9", {})):
        changes = Changes(columns={"email": f"{who}@x.example"}, flags=flags)
        service.save_contact(account, made, who, changes, force=True, source="test", clock=CLOCK)
    return made


@pytest.fixture
def plan(account, people):
    def upload(text, **more):
        body = text if isinstance(text, bytes) else text.encode()
        return service.plan_import(
            account, people, [body], file_name="../people.csv", door="page", actor="me@x", clock=CLOCK, **more
        )

    return upload


def test_columns_are_guessed_in_whatever_encoding(account, plan):
    for encoding in ("utf-8", "utf-8-sig", "iso-8859-1"):
        planned = service.planned_import(account, plan(FILE.encode(encoding)))
        assert planned.columns[3] == "Förnamn" and planned.samples[0][3] == "Åsa"
        assert list(planned.mapping) == [*CHOSEN[:4], ""]
        assert (planned.state, planned.file_name) == ("draft", "people.csv")
    assert guessed(["id", "ID", "mail", "x"], []) == ["originalId", "", "emailAddress", ""]


def test_the_dry_run_counts_and_changes_nothing_then_the_import_does_just_that(account, people, plan):
    before = service.get_list(account, people)
    batch = plan(FILE)
    service.choose_columns(account, batch, CHOSEN, kind="REPLACE", clock=CLOCK)
    planned = service.planned_import(account, batch)
    o = planned.outcome
    assert (planned.state, o.rows, o.new, o.changed, o.refused, o.faulty) == ("checked", 4, 2, 1, 1, 1)
    assert (o.kept_email, o.inactive, o.same) == (1, 2, 0)
    assert service.get_list(account, people) == before
    assert "Bonus" not in {one.name for one in service.list_properties(account)}
    for wrong in (None, 3, -1):
        with pytest.raises(BadImport, match="2"):
            service.confirm_import(account, batch, inactive=wrong, defer=False, clock=CLOCK)
    service.confirm_import(account, batch, inactive=2, defer=False, clock=CLOCK)
    done = service.run_batch(account, batch, clock=CLOCK)
    assert (done.status, done.affected) == ("FINISHED", 5)
    one = service.get_contact(account, people, "1")
    assert (one.unsubscribed, one.first_name, one.named) == (True, "Åsa", {"Bonus": "7"})
    assert [service.get_contact(account, people, who).active for who in ("8", "9")] == [False, False]
    with pytest.raises(BadImport):
        service.confirm_import(account, batch, inactive=2, defer=False, clock=CLOCK)


def test_a_replace_that_has_become_larger_ends_and_changes_nothing(account, people, plan):
    batch = plan("originalId\n1\n")
    service.choose_columns(account, batch, ["originalId"], kind="REPLACE", clock=CLOCK)
    service.confirm_import(account, batch, inactive=2, defer=False, clock=CLOCK)
    service.save_contact(account, people, "new", Changes(), force=True, source="test", clock=CLOCK)
    done = service.run_batch(account, batch, clock=CLOCK)
    assert (done.status, done.affected) == ("ERROR", 0)
    assert "not 2 as confirmed" in done.problems[0]
    assert service.get_list(account, people).inactive == 0


def test_refused_rows_come_as_a_file_that_no_spreadsheet_runs_and_that_goes_in_again(account, people, plan):
    batch = plan("originalId,emailAddress,firstName\n3,bad,=cmd|' /C calc'!A1\n4,bad2,Ann\n")
    service.choose_columns(
        account, batch, ["originalId", "emailAddress", "firstName"], kind="ADD", clock=CLOCK
    )
    service.confirm_import(account, batch, defer=False, clock=CLOCK)
    service.run_batch(account, batch, clock=CLOCK)
    text = service.error_file(account, batch).read_text()
    assert text.splitlines()[1].startswith("2,The line has an e-mail address that cannot be used")
    assert ",'=cmd|' /C calc'!A1" in text
    again = plan("originalId,firstName\n3,'=cmd|x\n")
    service.choose_columns(account, again, ["originalId", "firstName"], kind="ADD", clock=CLOCK)
    service.confirm_import(account, again, defer=False, clock=CLOCK)
    service.run_batch(account, again, clock=CLOCK)
    assert service.get_contact(account, people, "3").first_name == "=cmd|x"


@given(st.text(max_size=20))
def test_a_cell_made_safe_is_none_that_runs_and_comes_back(text):
    safe = safe_cell(text)
    assert not safe.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert plain_cell(safe) == text or text.startswith("'")


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        (["", "emailAddress"], "who a row is"),
        (["originalId", "originalId"], "same attribute"),
        (["originalId", "nothing"], "no attribute"),
        (["originalId", "+=x"], "cannot be an attribute"),
        (["originalId"], "does not fit"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(account, plan, mapping, words):
    batch = plan("a,b\n1,2\n")
    with pytest.raises(BadImport, match=words):
        service.choose_columns(account, batch, mapping, kind="ADD", clock=CLOCK)
    assert service.planned_import(account, batch).state == "draft"


@pytest.mark.parametrize("body", [b"", b"\n", b"a\x00b\n", b"x," * 201])
def test_a_file_that_is_none_leaves_nothing(account, people, plan, settings, body):
    with pytest.raises(BadImport):
        plan(body)
    assert not list(settings.TANDEM_STORAGE.glob("*/imports/*"))


def test_another_account_sees_none_of_it(account, plan, db):
    other = accounts.create_account(name="Other", zone="Europe/Oslo").id
    batch = plan(FILE)
    for call in (
        lambda: service.planned_import(other, batch),
        lambda: service.choose_columns(other, batch, CHOSEN, kind="ADD", clock=CLOCK),
        lambda: service.error_file(other, batch),
    ):
        with pytest.raises(UnknownBatch):
            call()
    with pytest.raises(BadImport):
        service.confirm_import(other, batch, clock=CLOCK)


def test_the_command_maps_looks_and_wants_the_number(account, people, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text(FILE)

    def run(*more):
        arguments = ["import", str(file), "--list", str(people), "--account", str(account), "--json", *more]
        return CliRunner().invoke(command.app, arguments)

    maps = ["--guess", "--map", "Bonus=+", "--kind", "REPLACE"]
    looked = json.loads(run(*maps, "--dry-run").stdout)
    assert (looked["status"], looked["outcome"]["inactive"]) == ("CHECKED", 2)
    assert run(*maps).exit_code != 0
    assert service.get_list(account, people).inactive == 0
    refused = tmp_path / "refused.csv"
    done = json.loads(run(*maps, "--inactive", "2", "--refused", str(refused)).stdout)
    assert (done["status"], done["affected"], "nonsense" in refused.read_text()) == ("FINISHED", 5, True)
    assert service.get_contact(account, people, "2").named == {"Bonus": "8"}
    assert run().exit_code != 0, "no column is named originalId, and nothing is guessed unasked"
