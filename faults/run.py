"""`make faults KILLS=200 N=10000 JSON=1`: break the product, check the promise, write docs/faults.md if all of it ran.

ONLY=F2,F8 chooses; EACH is how often each step is killed and the database stopped, AWAY for how many seconds something
stands still, PIECES the last one that is cut off; SEED repeats a run's choices; WRITE=0 leaves the page alone, as a
part of the faults does. One JSON document is the last line; what was done so far is printed when it is interrupted.
A fault that hangs is given up after its time, and counts as broken.
"""

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

from faults import lanes, leaks
from faults.matrix import BOTH_HALVES, FAULTS, tell
from faults.plan import Plan
from faults.report import Tally, commit, write
from faults.world import World, opened

#: seconds for one fault, with all its runs, however slow the machine
LONGEST = {"F1M": 2400, "F1P": 1800, "F2": 1500, "F3M": 900, "F3P": 600, "F4": 1200, "F8": 1200, "F17": 2700}
LONG = 600


class Overdue(Exception):
    """A fault took longer than it may."""


def main() -> int:
    """Run what was asked for; 1 if the promise was broken, 130 if it was interrupted."""
    try:
        plan, tally = Plan(), Tally()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    tally.seed, tally.commit, began = plan.seed, commit(), time.monotonic()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    is_lane = os.environ.get("LANE") == "1"
    try:
        if is_lane:
            _lane(plan, tally)
        else:
            lanes.run_all(plan.lanes(), plan.seed, tally)
            _add_leaks(tally)
    except KeyboardInterrupt:
        tally.interrupted = True
    tally.seconds = time.monotonic() - began
    document = tally.document(plan.kills, plan.recipients)
    if not (tally.interrupted or is_lane):
        _write(plan, document)
    if os.environ.get("JSON") != "1":
        for row in tally.rows:
            print(f"{row.fault:4} {row.what:60} {row.runs:4} runs  violations {row.violations}")
    print(json.dumps(document), flush=True)
    return 130 if tally.interrupted else int(document["violations"] > 0)


def _write(plan: Plan, document: dict[str, Any]) -> None:
    """Into the page, unless only a part was asked for: a part is not what the page says."""
    if os.environ.get("WRITE", "1") != "1":
        return
    if plan.is_whole:
        write(document)
    else:
        tell("docs/faults.md is left as it is: only a part ran.")


def _lane(plan: Plan, tally: Tally) -> None:
    """What needs only a messenger, then what needs both halves, each in a world of its own."""
    messenger = [name for name in plan.only if name in FAULTS]
    if messenger:
        with opened(max(plan.recipients, 1000) * 10 // 9 + 10) as world:
            tally.in_flight = world.in_flight
            for name in messenger:
                with _kept_going(name, tally, world):
                    if not world.stack.services:
                        world.start()
                    FAULTS[name](world, plan, tally)
            leaks.look(world, tally)
    for name in plan.only:
        if name in BOTH_HALVES:
            with _kept_going(name, tally):
                BOTH_HALVES[name](plan, tally)


@contextlib.contextmanager
def _kept_going(name: str, tally: Tally, world: World | None = None) -> Iterator[None]:
    """What breaks in one fault is written down; the next one has its turn."""
    before = len(tally.rows)
    try:
        with _within(LONGEST.get(name, LONG)):
            yield
    except Exception as error:  # noqa: BLE001 whatever it is, it is in the document
        row = tally.rows[-1] if len(tally.rows) > before else tally.row(name.rstrip("MP"), "did not begin")
        words = f"{name}: given up, {type(error).__name__}: {str(error).strip()[:300]}"
        row.break_off(words)
        tell(words)
        if world is not None:
            world.disarm()
            world.relay.rules()
            world.stop()


@contextlib.contextmanager
def _within(seconds: int) -> Iterator[None]:
    def ring(_number: int, _frame: FrameType | None) -> None:
        raise Overdue(f"not over after {seconds} s")

    signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def _add_leaks(tally: Tally) -> None:
    """I11 is one row, of all lanes."""
    found = [row for row in tally.rows if row.fault == "I11"]
    tally.rows = [row for row in tally.rows if row.fault != "I11"]
    words = f"addresses and secrets in {tally.looked_through // 1024} KiB of output, logs, journals"
    tally.row("I11", words).break_off(*[one for row in found for one in row.broken])


if __name__ == "__main__":
    sys.exit(main())
