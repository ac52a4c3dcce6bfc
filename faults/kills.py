"""F1 and F2: SIGKILL at every step, and at random moments to random processes."""

import random
import time
from collections.abc import Iterable, Iterator

import psycopg

from faults.invariants import Report, check_invariants
from faults.observed import Run
from faults.world import LEASE, SENDERS, World

#: from the event to the report; m7 looks at the count before the list is kept (m6)
STEPS = (
    "m1", "m2", "m3", "m4", "m5", "m7", "m6", "m8", "m9", "m10", "m11", "m12", "m13", "m14", "m15", "m16", "m17",
)  # fmt: skip
#: passed for each message, so that a later one can be hit
AGAIN = frozenset({"m9", "m12", "m13", "m14"})
OF_SENDER = frozenset({f"m{number}" for number in range(8, 17)})
WHERE = {
    "m1": "event", "m2": "event kept", "m3": "event answered", "m4": "details asked", "m5": "a page of the list",
    "m6": "list kept", "m7": "count checked", "m8": "block claimed", "m9": "message composed",
    "m10": "intent, before its commit", "m11": "connect", "m12": "envelope", "m13": "before the dot",
    "m14": "after the dot, before its answer", "m15": "outcome, before its commit", "m16": "finished",
    "m17": "told to the planner",
}  # fmt: skip
#: a round's order: who dies has a while to come back before its like is to die
ROUND = (
    "m8", "m1", "m9", "m4", "m10", "m2", "m11", "m5", "m12", "m3", "m13", "m7", "m14", "m6", "m15", "m17", "m16",
)  # fmt: skip
#: passed only where an event is heard, at the door that those before it have killed
AT_DOOR = frozenset({"m1", "m2", "m3"})
RECOVERY = 30 + LEASE
REACHED = 60.0
SLOWEST = 240.0


def at_step(world: World, step: str, *, recipients: int, nth: int = 1) -> tuple[Run, Report, float]:
    """One process dies at the step; how many seconds the sending took from there."""
    world.slow(0)
    _open_door(world, step)
    world.arm(step, nth)
    run, before = world.begin(recipients), world.burials()
    died_at = _until_dead(world, run, step)
    world.wait(run, RECOVERY + 30)
    world.disarm()
    seconds = time.monotonic() - died_at
    run.mended, run.ended = died_at, run.ended or died_at + seconds
    report = check_invariants(world, run, buried=world.buried_since(before))
    return run, _resumed(_reached(report, run, (step,)), run), seconds


def a_round(world: World, turn: int, *, recipients: int) -> Iterator[tuple[str, Run, Report, int]]:
    """A campaign for each step, cut off there while those before it recover; each is looked at when all have ended.

    Another campaign than the step's own may come to it first: how much may be uncertain is counted over the round. The
    number is what the process that died at the step left uncertain, of whatever campaign. It is over when the last of
    the round has died.
    """
    world.slow(0)
    runs, before, dead, last = {}, world.burials(), {}, time.time()
    for step in ROUND:
        _open_door(world, step)
        senders = set(world.senders())
        world.arm(step, 1 + 3 * (turn % 10) if step in AGAIN else 1)
        runs[step] = run = world.begin(recipients, lead_seconds=1.5)
        _until_dead(world, run, step)
        world.disarm()
        last = time.time()
        dead[step] = list(senders - set(world.senders())) if step in OF_SENDER else []
    deadline = time.monotonic() + RECOVERY + 30
    for run in runs.values():
        world.wait(run, max(1.0, deadline - time.monotonic()))
    buried, deaths = world.buried_since(before), sum(run.deaths for run in runs.values())
    for step, run in runs.items():
        own, run.deaths, run.mended = run.deaths, deaths, last
        report = _reached(check_invariants(world, run, buried=buried), run, (step,))
        run.deaths, run.ended = own, run.mended + (world.finished_after(run, run.mended) or 0.0)
        yield step, run, _resumed(report, run), world.left_by(dead[step], before)


def _resumed(report: Report, run: Run) -> Report:
    """I14, with the lease that a dead owner's rows may wait out."""
    late = run.recovery or 0.0
    return report.with_more([f"I14: over only {late:.0f} s after the last died"] if late > RECOVERY else [])


def one_after_another(world: World, steps: Iterable[str], *, recipients: int) -> tuple[Run, Report]:
    """One campaign whose way is cut off at each of the steps in turn."""
    steps = tuple(steps)
    world.slow(0.3 * 8 * SENDERS / recipients)
    world.arm(steps[0])
    run, before = world.begin(recipients), world.burials()
    for step in steps:
        world.arm(step)
        _until_dead(world, run, step)
        world.disarm()
    world.wait(run, RECOVERY + 30)
    return run, _reached(check_invariants(world, run, buried=world.buried_since(before)), run, steps)


def random_kills(
    world: World, *, kills: int, recipients: int, seed: int, per_run: int = 20, resend: bool = False
) -> Iterator[tuple[Run, Report]]:
    """Campaigns of `recipients` each, with kills while they run, until there were `kills`, or three ended without."""
    chance, left, in_vain = random.Random(seed), kills, 0
    while left > 0 and in_vain < 3:
        run, report = _killed_run(world, min(per_run, left), recipients, chance, resend=resend)
        left -= len(run.kills)
        in_vain += not run.kills
        yield run, report


def _killed_run(
    world: World, kills: int, recipients: int, chance: random.Random, *, resend: bool
) -> tuple[Run, Report]:
    # the relay takes as long for all as the kills need
    world.slow(kills * 1.4 * 8 * SENDERS / recipients)
    run, before = world.begin(recipients, lead_seconds=8.0 if resend else 3.0), world.burials()
    if resend:
        world.choose(run, "resend")
    if chance.random() < 0.8:  # else some die before the list is there
        _until_sending(world, run)
    while len(run.kills) < kills and not _finished(world, run):
        time.sleep(chance.uniform(0.3, 1.3))
        world.kill_one(run, chance)
        run.mended = time.monotonic()
    world.slow(0)
    world.wait(run, SLOWEST)
    return run, check_invariants(world, run, resend=resend, buried=world.buried_since(before))


def _open_door(world: World, step: str) -> None:
    if step in AT_DOOR:
        world.until_up()


def _until_sending(world: World, run: Run) -> None:
    deadline = time.monotonic() + REACHED
    while not world.arrived(run) and time.monotonic() < deadline:
        time.sleep(0.05)


def _until_dead(world: World, run: Run, step: str) -> float:
    deadline = time.monotonic() + REACHED
    while time.monotonic() < deadline:
        if not world.armed:
            run.kills.append(step)
            run.deaths += step in OF_SENDER
            break
        time.sleep(0.02)
    return time.monotonic()


def _reached(report: Report, run: Run, steps: tuple[str, ...]) -> Report:
    """A step that nobody came to proves nothing."""
    never = [step for step in steps if step not in run.kills]
    return report.with_more([f"F1: nobody came to {step}" for step in never])


def _finished(world: World, run: Run) -> bool:
    try:
        found = world.sending(run)
    except psycopg.Error:
        return False
    return found is not None and found[2]
