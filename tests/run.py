"""Runs pytest once per group: `python -m tests.run [kit planner messenger journeys browser served] [-- options]`.

One process has one Django half, so each group is a pytest run of its own. Without a name the rooms run: kit, planner,
messenger, on one embedded PostgreSQL. `journeys` are the whole system in homes of its own, which mostly waits for real
minutes, and then, where Chromium is, the same in a browser.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import psycopg

from tandem.kit import embedded_postgres

ROOT = Path(__file__).resolve().parent.parent
#: by file: what the tests of a file begin with is built once
SPREAD = ("-n", "2", "--dist", "loadfile", "-m", "not browser")
#: two lanes: what one waits for, the other works
ROOMS = ("rooms", "the largest room")
#: The rooms whose rules live in the database itself; run once more on a served PostgreSQL.
KEPT_BY_PLANNER = ("accounts", "campaigns", "execution", "listeners", "customers/test_forget.py")
KEPT_BY_MESSENGER = ("accounts", "contacts", "delivery", "jobs", "listener")


@dataclass(frozen=True, kw_only=True)
class Group:
    """One pytest run: its folders, its Django half, its options, the lane it runs in."""

    folders: tuple[str, ...]
    half: str
    options: tuple[str, ...] = SPREAD
    lane: str = "rooms"
    served: bool = False


def _journeys(*names: str) -> Group:
    """Journeys that share one home; those of `journeys-demo` begin with one demonstration."""
    files = tuple(f"tests/journeys/test_{name}.py" for name in names)
    return Group(folders=files, half="planner", options=("-n", "0", "-m", "not browser"), lane=names[0])


def _browser(folder: str, half: str, lane: str) -> Group:
    return Group(
        folders=(f"tests/journeys/browser/{folder}",),
        half=half,
        options=("-n", "0", "-m", "browser"),
        lane=lane,
    )


GROUPS = {
    "kit": Group(
        folders=(
            "tests/kit",
            "tests/contract",
            "tests/clients",
            "tests/simulators",
            "tests/conform",
            "tests/site",
        ),
        half="planner",
    ),
    "planner": Group(folders=("tests/planner",), half="planner", lane="the largest room"),
    "messenger": Group(folders=("tests/messenger",), half="messenger"),
    "journeys-demo": _journeys(
        "automatic", "demo", "killed", "planner_killed", "mails", "previews", "public_client", "real_time"
    ),
    "journeys-own": _journeys("foreign_messenger", "forgotten", "installation", "refusals", "two_accounts"),
    "journeys-faults": _journeys("faults"),
    "journeys-bridge": Group(
        folders=("tests/bridge", "tests/journeys/test_bridge.py"),
        half="planner",
        options=("-n", "0", "-m", "not browser"),
        lane="bridge",
    ),
    # looks at pages, whatever the time: behind the shortest journeys, while the longest wait for their minutes
    "browser-planner": _browser("planner", "planner", lane="bridge"),
    "browser-messenger": _browser("messenger", "messenger", lane="bridge"),
    "browser-both": _browser("both", "planner", lane="browser"),
    "served-planner": Group(
        folders=tuple(f"tests/planner/{name}" for name in KEPT_BY_PLANNER), half="planner", served=True
    ),
    "served-messenger": Group(
        folders=tuple(f"tests/messenger/{name}" for name in KEPT_BY_MESSENGER), half="messenger", served=True
    ),
}


def main() -> int:
    """Run the chosen groups; the exit code is the worst of theirs."""
    words = sys.argv[1:]
    options = words[words.index("--") + 1 :] if "--" in words else []
    os.environ.pop(
        "PYTHONDONTWRITEBYTECODE", None
    )  # else each of the journeys' processes compiles all it imports
    home = Path(os.environ.setdefault("TANDEM_HOME", str(ROOT / "var" / "test")))
    chosen = _chosen(words)
    environment = dict(os.environ)
    if any(GROUPS[name].served for name in chosen):
        os.environ["TANDEM_POSTGRES"] = "system"
        home /= "served"
    home.mkdir(parents=True, exist_ok=True)
    server = embedded_postgres.ensure(home)
    _hurry(server)
    if "TANDEM_POSTGRES" in os.environ:
        print(f"PostgreSQL of this machine: {server.binaries}", flush=True)
        environment |= {
            f"TANDEM_{half}_DATABASE_URL": server.url(f"tandem_{half.lower()}")
            for half in ("PLANNER", "MESSENGER")
        }
    started = time.monotonic()
    runs = [Run(name, options, environment, home / "results") for name in chosen]
    try:
        _run_lanes(runs)
    finally:
        embedded_postgres.stop(server)
    return _report(runs, time.monotonic() - started)


class Run:
    """One group's pytest process and what came of it."""

    def __init__(self, name: str, options: list[str], environment: dict[str, str], results: Path) -> None:
        self.name, self.group = name, GROUPS[name]
        results.mkdir(exist_ok=True)
        self._xml, self._log = results / f"{name}.xml", results / f"{name}.log"
        self._options, self._environment = options, environment
        self.code, self.seconds = 2, 0.0

    def go(self) -> None:
        """Run it; its output is shown whole when it ends, so that lanes do not mix.

        pytest shuts its folder to others at each start, so each run has a folder of its own.
        """
        started = time.monotonic()
        self._xml.unlink(missing_ok=True)
        present = [folder for folder in self.group.folders if (ROOT / folder).exists()]
        command = [sys.executable, "-m", "pytest", f"--ds=tandem.site.settings.{self.group.half}", "-q"]
        command += [*self.group.options, f"--junit-xml={self._xml}", *present, *self._options]
        with self._log.open("w") as log, tempfile.TemporaryDirectory(prefix="tandem-") as own:
            self.code = subprocess.run(
                command,
                cwd=ROOT,
                check=False,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment | {"PYTEST_DEBUG_TEMPROOT": own},
                preexec_fn=_yield_to_journeys if self.group.lane in ROOMS else None,
            ).returncode
        self.seconds = time.monotonic() - started
        print(f"== {self.name}\n{self._log.read_text()}", flush=True)

    def counts(self) -> dict[str, int]:
        """Tests, failures, errors and skipped as the run recorded them; nothing if it never got that far."""
        if not self._xml.exists():
            return {}
        suites = ElementTree.parse(self._xml).getroot().iter("testsuite")
        found = next(suites).attrib
        return {key: int(found[key]) for key in ("tests", "failures", "errors", "skipped")}


def _hurry(server: embedded_postgres.Server) -> None:
    """The rooms' rows are thrown away: nobody waits for the disk. Journeys have servers of their own, with fsync."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")


def _yield_to_journeys() -> None:
    os.nice(5)


def _chosen(words: list[str]) -> list[str]:
    if "--" in words:
        words = words[: words.index("--")]
    if not words:
        return [name for name, group in GROUPS.items() if group.lane in ROOMS and not group.served]
    names = [name for name in GROUPS for word in words if name == word or name.startswith(f"{word}-")]
    if "journeys" in words and shutil.which("chromium"):
        names += [name for name in GROUPS if name.startswith("browser-") and name not in names]
    return names


def _run_lanes(runs: list[Run]) -> None:
    """Rooms and journeys side by side; the campaign in the browser alone, after them."""
    beside = [
        threading.Thread(target=_in_order, args=([run for run in runs if run.group.lane == lane],))
        for lane in dict.fromkeys(run.group.lane for run in runs if run.group.lane != "browser")
    ]
    for thread in beside:
        thread.start()
    for thread in beside:
        thread.join()
    _in_order(run for run in runs if run.group.lane == "browser")


def _in_order(runs: Iterable[Run]) -> None:
    for run in runs:
        run.go()


def _report(runs: list[Run], seconds: float) -> int:
    total = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for run in runs:
        print(f"{run.name}: {'passed' if run.code == 0 else 'FAILED'} in {run.seconds:.0f} s")
        total = {key: number + run.counts().get(key, 0) for key, number in total.items()}
    passed = total["tests"] - total["failures"] - total["errors"] - total["skipped"]
    told = {
        "passed": passed,
        "failed": total["failures"],
        "errors": total["errors"],
        "skipped": total["skipped"],
    }
    said = ", ".join(f"{number} {word}" for word, number in told.items() if number)
    print(f"{said or 'no tests'} in {seconds:.2f}s", flush=True)
    return max(run.code for run in runs)


if __name__ == "__main__":
    sys.exit(main())
