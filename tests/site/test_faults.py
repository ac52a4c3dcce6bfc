"""What `make faults` leaves in docs/faults.md."""

import json

import pytest
from faults import lanes, report, run
from faults.plan import NAMES


@pytest.fixture
def page(tmp_path, monkeypatch):
    page = tmp_path / "faults.md"
    page.write_text("# Faults\n")
    monkeypatch.setattr(report, "PAGE", page)
    monkeypatch.setattr(run, "commit", lambda: "1234567890ab")
    monkeypatch.setattr(lanes, "run_all", lambda lanes, seed, tally: tally.row("F2", "random SIGKILL"))
    monkeypatch.setattr(run.signal, "signal", lambda *_: None)
    for name in ("ONLY", "EACH", "PIECES", "WRITE", "LANE"):
        monkeypatch.delenv(name, raising=False)
    return page


@pytest.mark.parametrize(
    ("name", "value"), [("ONLY", "F2"), ("EACH", "2"), ("PIECES", "9"), ("WRITE", "0"), ("LANE", "1")]
)
def test_a_part_is_printed_and_not_written(page, monkeypatch, capsys, name, value):
    if name == "LANE":
        monkeypatch.setattr(run, "_lane", lambda plan, tally: None)
    monkeypatch.setenv(name, value)
    assert run.main() == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["violations"] == 0
    assert page.read_text() == "# Faults\n"


def test_the_whole_is_written_with_its_commit_and_its_seed(page, monkeypatch, capsys):
    monkeypatch.setenv("SEED", "7")
    monkeypatch.setenv("ONLY", ",".join(NAMES))
    run.main()
    assert "SEED=7 JSON=1`, at commit 1234567890ab, " in page.read_text()
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["commit"] == "1234567890ab"
