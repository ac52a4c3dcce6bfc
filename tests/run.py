"""Runs pytest once per half: `python -m tests.run [kit planner messenger journeys browser] [-- pytest options]`.

One process has one Django half, so each group is a pytest run of its own, all on one embedded PostgreSQL.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tandem.kit import embedded_postgres

ROOT = Path(__file__).resolve().parent.parent
#: group -> (folders, Django half, pytest options)
GROUPS = {
    "kit": (("tests/kit", "tests/contract", "tests/site"), "planner", ["-n", "2", "-m", "not browser"]),
    "planner": (("tests/planner",), "planner", ["-n", "2", "-m", "not browser"]),
    "messenger": (("tests/messenger",), "messenger", ["-n", "2", "-m", "not browser"]),
    "journeys": (("tests/journeys",), "planner", ["-n", "2", "--dist", "loadfile", "-m", "not browser"]),
    "browser": (("tests/journeys/browser",), "planner", ["-n", "0", "-m", "browser"]),
}


def main() -> int:
    """Run the chosen groups; the exit code is the worst of theirs."""
    words = sys.argv[1:]
    options = words[words.index("--") + 1 :] if "--" in words else []
    chosen = [word for word in words if word in GROUPS] or [
        name for name in GROUPS if name != "browser" or shutil.which("chromium")
    ]
    home = Path(os.environ.setdefault("TANDEM_HOME", str(ROOT / "var" / "test")))
    home.mkdir(parents=True, exist_ok=True)
    server = embedded_postgres.ensure(home)
    results = {}
    try:
        for name in chosen:
            results[name] = _run(name, options)
    finally:
        embedded_postgres.stop(server)
    for name, (code, seconds) in results.items():
        print(f"{name}: {'passed' if code == 0 else 'FAILED'} in {seconds:.0f} s", flush=True)
    return max(code for code, _ in results.values())


def _run(name: str, options: list[str]) -> tuple[int, float]:
    folders, half, more = GROUPS[name]
    print(f"== {name}", flush=True)
    started = time.monotonic()
    present = [folder for folder in folders if (ROOT / folder).exists()]
    command = [sys.executable, "-m", "pytest", f"--ds=tandem.site.settings.{half}", *more, *present, *options]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    return (0 if code == 5 else code), time.monotonic() - started


if __name__ == "__main__":
    sys.exit(main())
