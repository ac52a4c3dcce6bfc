"""F1 and F2: SIGKILL at every step, and at random moments to random processes."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

from faults.invariants import Report, check_invariants
from faults.world import LEASE, SENDERS, Run, World

#: from the event to the report; m7 and m12 are a page's and a recipient's own
STEPS = (
    "m1",
    "m2",
    "m3",
    "m4",
    "m5",
    "m6",
    "m7",
    "m8",
    "m9",
    "m10",
    "m11",
    "m12",
    "m13",
    "m14",
    "m15",
    "m16",
    "m17",
)
RECOVERY = 30 + LEASE
SLOWEST = 300.0


def random_kills(
    world: World, *, kills: int, recipients: int, seed: int, per_run: int = 20
) -> Iterator[tuple[Run, Report]]:
    """Campaigns of `recipients` each, with kills while they run, until there were `kills`."""
    chance, left = random.Random(seed), kills
    while left > 0:
        number = min(per_run, left)
        yield _killed_run(world, number, recipients, chance)
        left -= number


def _killed_run(world: World, kills: int, recipients: int, chance: random.Random) -> tuple[Run, Report]:
    # the relay takes as long for all as the kills need
    connections = 8 * SENDERS
    world.slow(kills * 1.6 * connections / recipients)
    run = world.begin(recipients)
    while len(run.kills) < kills and not _finished(world, run):
        time.sleep(chance.uniform(0.3, 1.6))
        run.kills.append(world.kill_one(chance))
        run.healed_at = time.time()
    world.slow(0)
    world.wait(run, SLOWEST)
    return run, check_invariants(world, run)


def at_step(
    world: World, step: str, *, recipients: int, nth: int, action: str = "kill"
) -> tuple[Run, Report, float]:
    """Every process dies the first time it passes the step; how long the sending took after that."""
    world.slow(0)
    once = world.home / f"once-{step}-{time.time_ns()}"
    world.stop()
    world.start(TANDEM_FAILPOINT=f"{step}:{nth}:{action}", TANDEM_FAILPOINT_ONCE=str(once))
    run = world.begin(recipients)
    began = time.monotonic()
    died_at = _until_dead(once, 25)
    run.kills = [step] if once.exists() else []
    world.wait(run, RECOVERY + 30)
    if step == "m17":
        time.sleep(3)
    return run, check_invariants(world, run), time.monotonic() - (died_at or began)


def _until_dead(once: Path, seconds: float) -> float | None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if once.exists():
            return time.monotonic()
        time.sleep(0.05)
    return None


def _finished(world: World, run: Run) -> bool:
    found = world.sending(run)
    return found is not None and found[2]
