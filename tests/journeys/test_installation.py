"""`init`, `doctor`, `db dump` and `db restore` on a home of their own."""

import stat
import tempfile
from pathlib import Path

import pytest
from tests.fixtures.processes import Stack

ANSWERS = (
    "--planner-url", "http://127.0.0.1:8100", "--messenger-url", "http://127.0.0.1:8200",
    "--tracking-url", "http://127.0.0.1:8300", "--admin", "admin@example.com", "--name", "Example",
    "--zone", "Europe/Stockholm", "--currency", "SEK",
)  # fmt: skip


@pytest.fixture(scope="module")
def installed():
    home = Stack(Path(tempfile.mkdtemp(prefix="tandem-init-")))
    try:
        yield home, home.run("init", *ANSWERS, "--json")
    finally:
        home.close()


def test_init_writes_private_settings_and_a_first_administrator(installed):
    home, document = installed
    assert document["admin"] == "admin@example.com"
    assert document["planner"]["account"] and document["messenger"]["account"]
    for name in ("tandem.env", "key"):
        assert stat.S_IMODE((home.home / name).stat().st_mode) == 0o600
    assert document["password"] not in (home.home / "tandem.env").read_text()


def test_init_leaves_an_installation_alone(installed):
    home, _ = installed
    before = (home.home / "tandem.env").read_text()
    assert home.run("init", *ANSWERS, check=False) == ""
    assert (home.home / "tandem.env").read_text() == before


@pytest.mark.parametrize(
    "wrong", [("--zone", "Mars/Olympus"), ("--admin", "nobody"), ("--planner-url", "ftp://x")]
)
def test_a_wrong_answer_leaves_nothing(wrong, tmp_path):
    home = Stack(tmp_path / "home")
    words = list(ANSWERS)
    words[words.index(wrong[0]) + 1] = wrong[1]
    assert home.run("init", *words, check=False) == ""
    assert not (tmp_path / "home" / "tandem.env").exists()


def test_doctor_names_what_is_down_and_how_to_mend_it(installed):
    home, _ = installed
    findings = {finding["check"]: finding for finding in home.run("doctor", "--json", check=False)}
    assert findings["planner database"]["ok"] and findings["messenger tables"]["ok"] and findings["key"]["ok"]
    assert not findings["planner"]["ok"]
    assert findings["planner"]["mend"] == "tandem up"


def test_a_dump_comes_back_as_it_was(installed):
    home, _ = installed
    folder = home.home / "dump"
    home.run("db", "dump", str(folder))
    assert {file.name for file in folder.iterdir()} == {"planner.dump", "messenger.dump"}
    accounts = home.run("users", "list", "--json")
    home.run("db", "restore", str(folder), "--yes")
    assert home.run("users", "list", "--json") == accounts
    assert home.run("db", "restore", str(folder), check=False) == ""
