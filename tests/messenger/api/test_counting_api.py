"""Switches of openings and clicks over the REST API and on the command line: of an account, a list, a contact."""

import json
from urllib.parse import quote

import pytest
from tests.fixtures.sendings import CLOCK
from typer.testing import CliRunner

from tandem.messenger.accounts import service as accounts
from tandem.messenger.cli.counting import app
from tandem.messenger.contacts import service as contacts

pytestmark = pytest.mark.django_db


@pytest.fixture
def paths(desk):
    of_list = f"/lists/{desk.people}/counting"
    return "/counting", of_list, f"/lists/{desk.people}/contacts/{quote('a b/c@d', safe='')}/counting"


def run(desk, *words):
    answer = CliRunner().invoke(app, [*map(str, words), "--account", str(desk.account), "--json"])
    return answer.exit_code, json.loads(answer.stdout) if answer.exit_code == 0 else answer.output


def test_one_that_is_off_is_enough_and_it_says_which(desk, paths):
    of_account, of_list, of_contact = paths
    assert desk.get(of_contact)["counted"] == {"opens": True, "clicks": True}
    desk.call("POST", of_account, body={"clicks": False})
    desk.call("POST", of_list, body={"opens": False})
    said = desk.call("POST", of_contact, body={"opens": False})
    assert said == desk.get(of_contact) == {
        "opens": False, "clicks": True, "counted": {"opens": False, "clicks": False},
        "offBy": {"opens": ["list", "contact"], "clicks": ["account"]},
    }  # fmt: skip
    desk.call("POST", of_contact, body={"opens": True})
    assert desk.get(of_contact)["offBy"]["opens"] == ["list"]
    assert desk.get(of_account)["opens"] is True
    written = accounts.recent_activity(desk.account, limit=4)
    assert [one.action for one in written] == ["counting switched"] * 4


@pytest.mark.parametrize("body", [{}, [], {"opens": 1}, {"clicks": "no"}, {"opens": True, "clicks": [0]}])
def test_what_is_no_switch_changes_nothing(desk, paths, body):
    assert "error" in desk.call("POST", paths[1], 400, body=body)
    assert desk.get(paths[1])["counted"] == {"opens": True, "clicks": True}


def test_what_is_not_there_or_anothers_is_404(desk, paths):
    assert "error" in desk.call("POST", "/lists/999999/counting", 404, body={"opens": False})
    other = accounts.create_account(name="Other", zone="UTC")
    theirs = contacts.create_list(other.id, name="Theirs", clock=CLOCK)
    assert "error" in desk.call("POST", f"/lists/{theirs.id}/counting", 404, body={"opens": False})
    assert run(desk, "switch", "--no-opens", "--list", theirs.id)[0] != 0


def test_the_command_shows_and_switches(desk):
    assert run(desk, "switch", "--no-clicks", "--list", desk.people)[1]["clicks"] is False
    place = ("--list", desk.people, "--contact", "a b/c@d")
    said = run(desk, "show", *place)[1]
    assert said["counted"] == {"opens": True, "clicks": False} and said["off_by"]["clicks"] == ["list"]
    shown = CliRunner().invoke(app, ["show", *map(str, place), "--account", str(desk.account)])
    assert "not counted, off for the list" in shown.stdout
    assert run(desk, "switch", "--list", desk.people)[0] == 2
    assert run(desk, "show", "--contact", "bo")[0] == 2
