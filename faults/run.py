"""`make faults KILLS=200 N=10000 JSON=1`: break the product, check the promise, write docs/faults.md.

ONLY=F2,F8 chooses; FEW is how often each step of F1 is killed; SEED repeats a run's choices; WRITE=0 leaves the page
alone. One JSON document is the last line; what was done so far is printed when it is interrupted. A fault that hangs is
given up after its time, and counts as broken.
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType

import psycopg

from faults import evidence, kills, leaks, others, relay_faults
from faults.invariants import Report
from faults.report import Row, Tally, write
from faults.world import Run, World, opened

SMALL = 60
MIDDLE = 400
#: seconds for one fault, with all its runs, however slow the machine
LONGEST = {"F1": 600, "F2": 1200, "F2R": 300}
LONG = 420


class Overdue(Exception):
    """A fault took longer than it may."""


class Plan:
    """What was asked for."""

    def __init__(self) -> None:
        self.kills = int(os.environ.get("KILLS") or 200)
        self.recipients = int(os.environ.get("N") or 10_000)
        self.few = int(os.environ.get("FEW") or 1)
        self.seed = int(os.environ.get("SEED") or random.randrange(10**6))
        self.only = tuple(filter(None, (os.environ.get("ONLY") or "").upper().split(","))) or tuple(FAULTS)
        self.chance = random.Random(self.seed)


def main() -> int:
    """Run what was asked for; 1 if the promise was broken, 130 if it was interrupted."""
    plan, tally = Plan(), Tally()
    tally.seed = plan.seed
    unknown = set(plan.only) - set(FAULTS)
    if unknown:
        print(f"ONLY must be of {', '.join(FAULTS)}.", file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        with opened(max(plan.recipients, 1000) * 10 // 9 + 10) as world:
            tally.in_flight = world.in_flight
            for name in plan.only:
                _one(name, world, plan, tally)
            _written(world, tally)
    except KeyboardInterrupt:
        tally.interrupted = True
    document = tally.document(plan.kills, plan.recipients)
    if not tally.interrupted and os.environ.get("WRITE", "1") == "1":
        write(document)
    if os.environ.get("JSON") != "1":
        for row in tally.rows:
            print(f"{row.fault:4} {row.what:60} {row.runs:4} runs  violations {row.violations}")
    print(json.dumps(document), flush=True)
    return 130 if tally.interrupted else int(document["violations"] > 0)


def _one(name: str, world: World, plan: Plan, tally: Tally) -> None:
    before = len(tally.rows)
    try:
        with _within(LONGEST.get(name, LONG)):
            if not world.stack.services:
                world.start()
            FAULTS[name](world, plan, tally)
    except (Overdue, AssertionError, OSError, psycopg.Error, subprocess.SubprocessError) as error:
        row = tally.rows[-1] if len(tally.rows) > before else tally.row(name, "did not begin")
        words = f"{name}: given up, {type(error).__name__}: {str(error).strip()[:300]}"
        row.break_off(words)
        _tell(words)
        world.disarm()
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


def _steps(world: World, plan: Plan, tally: Tally) -> None:
    row = tally.row("F1", "SIGKILL at each of m1 to m17")
    for step in kills.STEPS:
        for turn in range(plan.few):
            nth = 1 + 3 * turn if step in {"m9", "m12", "m13", "m14"} else 1
            run, report, seconds = kills.at_step(world, step, recipients=SMALL, nth=nth)
            _add(world, row, run, report, f"{step}, pass {nth}", seconds=seconds)


def _random(world: World, plan: Plan, tally: Tally) -> None:
    row = tally.row("F2", f"random SIGKILL, {plan.recipients:,} recipients a run")
    chosen = kills.random_kills(world, kills=plan.kills, recipients=plan.recipients, seed=plan.seed)
    for run, report in chosen:
        _add(world, row, run, report, f"{row.kills + len(run.kills)} of {plan.kills} kills")


def _resend(world: World, plan: Plan, tally: Tally) -> None:
    row = tally.row("F2R", "random SIGKILL, what is in doubt is sent again")
    few, recipients = max(2, plan.kills // 10), min(plan.recipients, 2000)
    chosen = kills.random_kills(
        world, kills=few, recipients=recipients, seed=plan.seed + 1, per_run=10, resend=True
    )
    for run, report in chosen:
        _add(
            world, row, run, report, f"{row.kills + len(run.kills)} of {few} kills, {report.duplicates} twice"
        )


def _zombies(world: World, plan: Plan, tally: Tally) -> None:
    for what, hidden in (("and goes on", False), ("is given up, and goes on", True)):
        row = tally.row("F3", f"one of 2 and 4 senders stands still, {what}")
        for senders in (2, 4):
            run, report, _ = others.zombies(
                world, recipients=MIDDLE, senders=senders, chance=plan.chance, out_of_sight=hidden
            )
            _add(world, row, run, report, f"{senders} senders, one {what}")
    world.stop()


def _database(world: World, plan: Plan, tally: Tally) -> None:
    row = tally.row("F4", "the database crashes, or ends every session")
    for _ in range(plan.few + 1):
        run, report = others.database_stops(world, recipients=MIDDLE, times=4, chance=plan.chance)
        _add(world, row, run, report, "4 times")


def _relay(world: World, plan: Plan, tally: Tally) -> None:
    for name, run, report in relay_faults.each(world, recipients=40):
        _add(world, tally.row("F8", name), run, report, name)
        world.end(run)


def _stops(world: World, plan: Plan, tally: Tally) -> None:
    for what, words in (("cancelled", ("cancel",)), ("the kill switch", ("stop",))):
        row = tally.row("F16", f"{what} in the middle of a sending")
        run, report = others.stopped(world, recipients=MIDDLE, words=words)
        run.kills = []
        _add(world, row, run, report, what)


def _pieces(world: World, plan: Plan, tally: Tally) -> None:
    numbers = [1 + 3 * n for n in range(plan.few * 5)]
    for what, each in (("relay", others.nth_piece_to_relay), ("database", others.nth_piece_to_database)):
        row = tally.row("F17", f"the n-th piece to the {what} is cut off")
        for run, report in each(world, iter(numbers), recipients=SMALL):
            _add(world, row, run, report, f"{what}, {run.kills[0] if run.kills else 'nothing'}")
    world.stop()


def _written(world: World, tally: Tally) -> None:
    row = tally.row(
        "I11", f"addresses and secrets in {leaks.size(world) // 1024} KiB of output, logs, journals"
    )
    row.break_off(*leaks.found(world))
    _tell(f"I11: {'; '.join(row.broken) or 'holds'}")


def _add(world: World, row: Row, run: Run, report: Report, what: str, *, seconds: float = 0.0) -> None:
    """The run into its row; what was uncertain is settled by evidence, after it was counted."""
    resolved = evidence.settle(world, run) if report.uncertain else 0
    if resolved < report.uncertain:
        report = report.with_more([f"{report.uncertain - resolved} uncertain could not be settled"])
    row.add(report, kills=len(run.kills), deaths=run.deaths, seconds=seconds, resolved=resolved)
    words = "; ".join(report.violations) or "holds"
    _tell(
        f"{row.fault} {what}: {report.listed} listed, {report.at_relay} at the relay, {report.uncertain} uncertain "
        f"({report.arrived_uncertain} had arrived, {resolved} settled later), {words}"
    )


def _tell(words: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


FAULTS: dict[str, Callable[[World, Plan, Tally], None]] = {
    "F1": _steps, "F2": _random, "F2R": _resend, "F3": _zombies, "F4": _database, "F8": _relay, "F16": _stops,
    "F17": _pieces,
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
