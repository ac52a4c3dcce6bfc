"""Failpoints work in test builds alone, at the pass that was named, once where a file says so."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
from tandem.kit.failpoints import FailpointReached, failpoint
for step in sys.argv[1:]:
    try:
        failpoint(step)
        print("passed", flush=True)
    except FailpointReached:
        print("raised", flush=True)
"""


def _passes(*steps: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *steps], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("build", ["0", ""])
def test_nothing_happens_outside_a_test_build(build: str) -> None:
    done = _passes("m8", TANDEM_TEST_BUILD=build, TANDEM_FAILPOINT="m8:1:raise")
    assert done.stdout.split() == ["passed"]


def test_the_nth_pass_of_the_named_step_alone() -> None:
    done = _passes("m8", "m9", "m8", "m8", TANDEM_TEST_BUILD="1", TANDEM_FAILPOINT="m8:2:raise")
    assert done.stdout.split() == ["passed", "passed", "raised", "passed"]


def test_a_process_started_again_gets_past_the_step_that_killed_one(tmp_path: Path) -> None:
    file = tmp_path / "failpoint"
    file.write_text("m8:2:kill")
    environment = {"TANDEM_TEST_BUILD": "1", "TANDEM_FAILPOINT_FILE": str(file)}
    first = _passes("m8", "m9", "m8", "m9", **environment)
    second = _passes("m8", "m8", **environment)
    assert first.returncode == -signal.SIGKILL
    assert (first.stdout.split(), second.stdout.split()) == (["passed"] * 2, ["passed"] * 2)
    assert not list(tmp_path.iterdir())


def test_a_file_that_comes_while_the_process_runs(tmp_path: Path) -> None:
    file = tmp_path / "failpoint"
    program = f"""
from pathlib import Path
from tandem.kit.failpoints import FailpointReached, failpoint
failpoint("m8")
for _ in range(2):
    Path({str(file)!r}).write_text("m8:2:raise")
    failpoint("m8")
    try:
        failpoint("m8")
    except FailpointReached:
        print("raised")
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"TANDEM_TEST_BUILD": "1", "TANDEM_FAILPOINT_FILE": str(file)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["raised", "raised"], done.stderr
