"""`tandem triggers`: from a file to an active version, with faults, snippets and links on the way."""

import json

import pytest
from tests.fixtures.sendings import create_contacts, create_house
from typer.testing import CliRunner

from tandem.messenger.cli import triggers
from tandem.messenger.projects import service as projects

pytestmark = pytest.mark.django_db
PAGE = (
    '<html><body><p>{{contact.city}}</p><a href="https://x.example/a">Go</a> {{snippet "bye"}}</body></html>'
)


@pytest.fixture
def house():
    return create_house("Northwind")


@pytest.fixture
def run(tmp_path):
    def run(*words, file="", code=0):
        path = tmp_path / "file"
        path.write_text(file)
        answer = CliRunner().invoke(
            triggers.app, [str(path) if word == "FILE" else str(word) for word in words]
        )
        assert answer.exit_code == code, answer.output
        return answer

    return run


def test_from_a_file_to_an_active_version(house, run):
    create_contacts(house, 2)
    trigger = house.email_trigger
    run("save-snippet", "bye", "FILE", file="Bye")
    checked = json.loads(run("check", trigger, "FILE", "--json", file=PAGE).stdout)
    assert (checked["names"], checked["links"], checked["lacking"]["contacts"]) == (["city"], 1, 2)
    draft = json.loads(
        run("draft", trigger, "FILE", "--subject", "Hi", "--name", "June", "--json", file=PAGE).stdout
    )
    again = run(
        "draft", trigger, "FILE", "--subject", "Hi you", "--version", draft["id"], "--json", file=PAGE
    ).stdout
    assert (json.loads(again)["id"], json.loads(again)["name"]) == (draft["id"], "June")
    assert "Subject: Hi you" in run("preview", trigger, "--version", draft["id"]).stdout
    assert json.loads(run("activate", trigger, draft["id"], "--json").stdout)["state"] == "active"
    assert (
        json.loads(run("links", trigger, draft["id"], "--json").stdout)[0]["target"] == "https://x.example/a"
    )
    assert run("versions", trigger).stdout.splitlines()[0] == f"{draft['id']}\tJune\tactive"


def test_faults_have_their_place_and_nothing_is_kept(house, run):
    before = len(projects.get_trigger(house.account_id, house.email_trigger).versions)
    answer = run("check", house.email_trigger, "FILE", "--json", file="<p>\n{{contact.no}}</p>", code=2)
    fault = json.loads(answer.stdout)["faults"][0]
    assert (fault["part"], fault["line"], fault["column"]) == ("HTML", 2, 1)
    assert (
        "line 2, column 1"
        in run("check", house.email_trigger, "FILE", file="<p>\n{{contact.no}}</p>", code=2).output
    )
    assert len(projects.get_trigger(house.account_id, house.email_trigger).versions) == before


def test_an_sms_and_a_version_of_another_trigger(house, run):
    draft = json.loads(
        run("draft", house.sms_trigger, "FILE", "--json", file="Hej {{contact.firstName}}\n").stdout
    )
    assert draft["source"] == {"text": "Hej {{contact.firstName}}", "count_links": False}
    more = ("--count-links", "--version", draft["id"], "--json")
    changed = json.loads(run("draft", house.sms_trigger, "FILE", *more, file="Hej https://a.example").stdout)
    assert changed["source"] == {"text": "Hej https://a.example", "count_links": True}
    run("activate", house.email_trigger, draft["id"], code=4)


def test_a_snippet_is_deleted_after_a_look(house, run):
    made = json.loads(run("save-snippet", "bye", "FILE", "--json", file="Bye").stdout)
    run("delete-snippet", made["id"], "--dry-run")
    assert [one["name"] for one in json.loads(run("snippets", "--json").stdout)] == ["bye"]
    run("delete-snippet", made["id"])
    assert projects.list_snippets(house.account_id) == ()
