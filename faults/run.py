"""`make faults KILLS=200 N=10000 JSON=1`: break the product, check the promise, write docs/faults.md.

ONLY=F2,F8 chooses; FEW is how often each step of F1 is killed; SEED repeats a run's choices. One JSON document is the
last line; what was done so far is printed when it is interrupted.
"""

import json
import os
import random
import sys
import time
from collections.abc import Callable
from typing import Any

from faults import kills, others, relay_faults
from faults.invariants import Report
from faults.report import Tally, write
from faults.world import World, opened

ALL = ("F1", "F2", "F3", "F4", "F8", "F17")
SMALL = 60


class Plan:
    """What was asked for."""

    def __init__(self) -> None:
        self.kills = int(os.environ.get("KILLS") or 200)
        self.recipients = int(os.environ.get("N") or 10_000)
        self.few = int(os.environ.get("FEW") or 3)
        self.seed = int(os.environ.get("SEED") or random.randrange(10**6))
        self.only = tuple(filter(None, (os.environ.get("ONLY") or "").upper().split(","))) or ALL
        self.chance = random.Random(self.seed)


def main() -> int:
    """Run what was asked for; 1 if the promise was broken."""
    plan, tally = Plan(), Tally()
    tally.seed = plan.seed
    unknown = set(plan.only) - set(ALL)
    if unknown:
        print(f"ONLY must be of {', '.join(ALL)}.", file=sys.stderr)
        return 2
    try:
        with opened(max(plan.recipients, 1000) * 10 // 9 + 10) as world:
            tally.in_flight = world.in_flight
            for name in plan.only:
                FAULTS[name](world, plan, tally)
    except KeyboardInterrupt:
        tally.interrupted = True
    document = tally.document(plan.kills, plan.recipients)
    if not tally.interrupted and os.environ.get("WRITE", "1") == "1":
        write(document)
    if os.environ.get("JSON") != "1":
        for row in document["faults"]:
            print(f"{row['fault']:4} {row['what']:42} {row['runs']:4} runs  violations {row['violations']}")
    print(json.dumps(document))
    return 1 if document["violations"] else 0


def _steps(world: World, plan: Plan, tally: Tally) -> None:
    row = tally.row("F1", f"SIGKILL at each of {kills.STEPS[0]} to {kills.STEPS[-1]}")
    for step in kills.STEPS:
        for time_ in range(plan.few):
            run, report, seconds = kills.at_step(world, step, recipients=SMALL, nth=1 + time_ * 3)
            row.add(report, kills=len(run.kills), seconds=seconds)
            _say(f"F1 {step} #{time_ + 1}", report)
    world.stop()
    world.start()


def _random(world: World, plan: Plan, tally: Tally) -> None:
    _running(world)
    row = tally.row("F2", f"random SIGKILL, {plan.recipients:,} recipients a run")
    for run, report in kills.random_kills(
        world, kills=plan.kills, recipients=plan.recipients, seed=plan.seed
    ):
        row.add(report, kills=len(run.kills), seconds=0.0)
        _say(f"F2 {row.kills} of {plan.kills} kills", report)


def _zombies(world: World, plan: Plan, tally: Tally) -> None:
    row = tally.row("F3", "a sender stands still for longer than its lease")
    for senders in (2, 4):
        _, report = others.zombies(world, recipients=400, senders=senders, chance=plan.chance)
        row.add(report, kills=1, seconds=0.0)
        _say(f"F3 {senders} senders", report)
    world.stop()
    world.start()


def _database(world: World, plan: Plan, tally: Tally) -> None:
    _running(world)
    row = tally.row("F4", "the database crashes, or ends every session")
    for _ in range(plan.few):
        run, report = others.database_stops(world, recipients=400, times=4, chance=plan.chance)
        row.add(report, kills=len(run.kills), seconds=0.0)
        _say("F4", report)


def _relay(world: World, plan: Plan, tally: Tally) -> None:
    _running(world)
    for name, run, report in relay_faults.each(world, recipients=40):
        tally.row("F8", name).add(report, kills=0, seconds=0.0)
        _say(f"F8 {name}", report)
        if world.sending(run) is not None:
            world.end(run)


def _pieces(world: World, plan: Plan, tally: Tally) -> None:
    numbers = [1 + 2 * n + n % 2 for n in range(plan.few * 4)]
    for what, each in (("relay", others.nth_piece_to_relay), ("database", others.nth_piece_to_database)):
        row = tally.row("F17", f"the n-th piece to the {what} is cut off")
        for number, run, report in each(world, iter(numbers), recipients=SMALL):
            row.add(report, kills=len(run.kills), seconds=0.0)
            _say(f"F17 {what}, piece {number}", report)
    world.stop()
    world.start()


def _running(world: World) -> None:
    if not world.stack.services:
        world.start()


def _say(what: str, report: Report) -> None:
    words = "; ".join(report.violations) or "holds"
    print(
        f"{time.strftime('%H:%M:%S')} {what}: {report.listed} listed, {report.at_relay} at the relay, "
        f"{report.uncertain} uncertain ({report.arrived_uncertain} had arrived), {words}",
        file=sys.stderr,
        flush=True,
    )


FAULTS: dict[str, Callable[[World, Plan, Tally], Any]] = {
    "F1": _steps, "F2": _random, "F3": _zombies, "F4": _database, "F8": _relay, "F17": _pieces,
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
