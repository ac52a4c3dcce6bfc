"""Purposes of attributes and objections to profiling on pages, by program and on the command line."""

from datetime import date

import orjson
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from typer.testing import CliRunner

from tandem.planner.cli.rights import app
from tandem.planner.customers import service
from tandem.planner.daily import intake
from tandem.planner.modelling.service import build_snapshot

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = b"customer_id,tier,religion,city\nA1,gold,none,Lund\nA2,blue,other,Oslo\n"


def purposes(account):
    return {one.name: one.purpose for one in service.dictionary(account.id)}


@pytest.fixture
def people(account, tmp_path, clock):
    file = tmp_path / "people.csv"
    file.write_bytes(PEOPLE)
    service.import_attributes(account.id, file, clock=clock)
    return account


def test_purposes_are_suggested_and_chosen_when_a_file_is_mapped(client, account, clock, monkeypatch):
    monkeypatch.setattr("tandem.planner.modelling.service.build_snapshot", lambda *_, **__: None)
    file = SimpleUploadedFile("people.csv", PEOPLE)
    address = client.post("/ui/customers/import", {"what": "attributes", "file": file}).headers["Location"]
    look = client.get(address)
    shown = {name: (chosen, why) for name, _, chosen, why in look.context["rows"]}
    assert shown["religion"] == ("sensitive", "religion") and shown["tier"] == ("models", "")
    form = {
        "what": "attributes",
        "mapping": look.context["mapping"],
        "do": "import",
        "purpose-city": "targeting",
    }
    assert client.post(address, form).status_code == 302
    done = intake.work(account.id, address.rsplit("/", 1)[-1], clock=clock)
    assert (done.state, done.problem) == ("done", "")
    assert purposes(account) == {"tier": "models", "religion": "sensitive", "city": "targeting"}


def test_the_dictionary_shows_and_changes_purposes(client, people, sign_in):
    page = client.get("/ui/customers/attributes").content.decode()
    assert 'name="purpose-religion"' in page and "Special by law" in page
    form = {"purpose-tier": "targeting", "purpose-nobody": "models", "purpose-country": "targeting"}
    client.post("/ui/customers/attributes", form)
    assert "country" not in service.model_columns(people.id)
    assert purposes(people)["tier"] == "targeting"
    assert client.post("/ui/customers/attributes", {"purpose-tier": "everything"}).status_code == 422
    viewer = sign_in(people, "viewer")
    assert viewer.get("/ui/customers/attributes").status_code == 200
    assert viewer.post("/ui/customers/attributes", {"purpose-tier": "models"}).status_code == 403
    assert purposes(people)["tier"] == "targeting"


def test_an_objection_is_written_down_and_lifted_on_the_person_s_page(client, people, other_account, sign_in):
    form = {"customer": "A1", "how": "by letter", "do": "object"}
    assert client.post("/ui/customers/objection", form).headers["Location"] == "/ui/customers/person/A1"
    page = client.get("/ui/customers/person/A1").content.decode()
    assert "objects to profiling" in page and "by letter" in page and "Lift the objection" in page
    client.post("/ui/customers/objection", {"customer": "A1", "how": "", "do": "lift"})
    assert service.count_objections(people.id) == 1
    client.post("/ui/customers/objection", {"customer": "A1", "how": "by telephone", "do": "lift"})
    assert service.count_objections(people.id) == 0
    assert "by telephone" in client.get("/ui/customers/person/A1").content.decode()
    assert sign_in(other_account).post("/ui/customers/objection", form).status_code == 404


def test_the_command_line_says_the_same(people):
    def run(*words, code=0):
        found = CliRunner().invoke(app, [*words, "--json"])
        assert found.exit_code == code, found.output
        return orjson.loads(found.stdout) if not code else None

    assert [one["purpose"] for one in run("attributes")] == [
        "models",
        "sensitive",
        "models",
        "models",
        "models",
    ]
    assert run("purpose", "main_category", "sensitive")["purpose"] == "sensitive"
    assert run("purpose", "tier", "targeting")["purpose"] == "targeting"
    assert run("object", "A1", "--how", "by letter")["how"] == "by letter"
    assert run("lift", "A1", "--how", "by telephone")["lifted_how"] == "by telephone"
    assert len(run("show", "A1")) == 1
    run("lift", "A1", "--how", "again", code=2)


def test_a_sensitive_attribute_is_marked_where_conditions_are_written(client, people, clock):
    build_snapshot(people.id, date(2026, 11, 22), clock=clock)
    page = client.get("/ui/groups/new").content.decode()
    assert "Religion (sensitive)" in page and "Tier (sensitive)" not in page
