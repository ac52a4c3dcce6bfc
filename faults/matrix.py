"""The rows of the matrix: which runs make up a fault, and what is written down of each."""

import itertools
import sys
import time
from collections.abc import Callable, Mapping

from faults import both, evidence, kills, others, relay_faults
from faults.both import House
from faults.invariants import Report
from faults.observed import Run
from faults.plan import Plan
from faults.report import Row, Step, Tally
from faults.world import World

SMALL = 60
MIDDLE = 400
#: recipients of a campaign that is cut off at each piece: the fewer, the fewer pieces
FEWEST = 8
#: of one row of F17; what n it came to is said
LONGEST_ROW = 600.0


def tell(words: str) -> None:
    """A line for whoever watches."""
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def _steps(world: World, plan: Plan, tally: Tally) -> None:
    row = tally.row("F1", f"SIGKILL at each of m1 to m17, {plan.each} times")
    row.steps = {_named(step, kills.WHERE): Step() for step in kills.STEPS}

    def add(step: str, run: Run, report: Report, turn: int, left: int, seconds: float | None) -> None:
        one = row.steps[_named(step, kills.WHERE)]
        one.add(uncertain=left, seconds=seconds, violations=len(report.violations))
        _add(world, row, run, report, f"{step}, {turn + 1} of {plan.each}")

    for step in kills.STEPS:  # alone, for the time that it takes
        run, report, _ = kills.at_step(world, step, recipients=SMALL)
        add(step, run, report, 0, report.uncertain, run.recovery)
    for turn in range(1, plan.each):
        for step, run, report, left in kills.a_round(world, turn, recipients=SMALL):
            add(step, run, report, turn, left, None)


def _named(step: str, where: Mapping[str, str]) -> str:
    return f"{step} {where[step]}"


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
    kinds: tuple[tuple[str, dict[str, bool], str], ...] = (
        ("and goes on", {}, "it lives, so nobody takes its rows"),
        ("is given up, its session too, and goes on", {"out_of_sight": True}, "it was given up before it woke"),
        (
            "is given up, its session open, and goes on", {"unlike": True},
            "it was given up before it woke; each of its writes after that (renewal, blocks) was refused by the fence",
        ),
    )  # fmt: skip
    for what, how, checked in kinds:
        row = tally.row("F3", f"one of 2 and 4 senders stands still for {plan.away:g} s, {what}", checked)
        for senders in (2, 4):
            run, report, _ = others.zombies(
                world, recipients=MIDDLE, senders=senders, chance=plan.chance, seconds=plan.away,
                **{"out_of_sight": False, **how},
            )  # fmt: skip
            _add(world, row, run, report, f"{senders} senders, one {what}")
    world.stop()


def _database(world: World, plan: Plan, tally: Tally) -> None:
    rows = {
        "server": tally.row("F4", "the database stops at once, as by a crash"),
        "sessions": tally.row("F4", "every session of the database is ended"),
    }
    for what, row in rows.items():
        for times in _parts(plan.each, 5):
            run, report = others.database_stops(
                world, recipients=MIDDLE, times=times, chance=plan.chance, what=(what,)
            )
            _add(world, row, run, report, f"{times} times")
    row = tally.row(
        "F4",
        f"fail-over, no database for {plan.away:g} s",
        f"nothing leaves later than {others.STOPPED:g} s after it went, and no more than is in flight",
    )
    run, report = others.database_away(world, recipients=MIDDLE, seconds=plan.away)
    _add(world, row, run, report, f"away {plan.away:g} s")
    world.stop()


def _relay(world: World, plan: Plan, tally: Tally) -> None:
    for found in relay_faults.each(world, recipients=40):
        row, run, report = tally.row("F8", found.name, found.checked), found.run, found.report
        resolved = evidence.settle(world, run) if found.settles else 0
        row.add(report, seconds=run.recovery, resolved=resolved)
        _say(row, report, found.name, f", {resolved} settled later")


def _stops(world: World, plan: Plan, tally: Tally) -> None:
    for what, words in (("cancelled", ("cancel",)), ("the kill switch", ("stop",))):
        row = tally.row(
            "F16", f"{what} in the middle of a sending", "no more than is in flight after it, none after 2 s"
        )
        run, report = others.stopped(world, recipients=MIDDLE, words=words)
        run.kills = []
        _add(world, row, run, report, what)


def _pieces(world: World, plan: Plan, tally: Tally) -> None:
    for what, each in (
        ("socket call to the relay", others.nth_piece_to_relay),
        ("SQL statement", others.nth_piece_to_database),
    ):
        for whole in (False, True):
            how = "fails after it arrived" if whole else "fails and does not arrive"
            _each_piece(world, plan, tally.row("F17", f"the n-th {what} {how}"), each, whole=whole)
    world.stop()


def _each_piece(world: World, plan: Plan, row: Row, each: Callable[..., object], *, whole: bool) -> None:
    """Until a run ends without coming to its n-th piece, or the row has had its time."""
    deadline, over = time.monotonic() + LONGEST_ROW, "no run of so few comes to one more"
    numbers = iter(range(1, plan.pieces + 1)) if plan.pieces else itertools.count(1)
    number = 0
    for run, report in each(world, numbers, recipients=FEWEST, whole=whole):  # type: ignore[attr-defined]
        if not run.kills:
            break
        number += 1
        row.checked = f"n = 1 to {number}"
        _add(world, row, run, report, f"{row.what}, n = {number}")
        if time.monotonic() > deadline:
            over = f"then its {LONGEST_ROW / 60:g} minutes were over"
            break
    row.checked = f"n = 1 to {number}" + ("" if plan.pieces else f"; {over}")


def _planner_steps(plan: Plan, tally: Tally) -> None:
    row = tally.row("F1", f"SIGKILL at each of p1 to p8, {plan.each} times", both.CHECKED)
    row.steps = {_named(step, both.WHERE): Step() for step in both.STEPS}
    with both.opened(plan.each) as house:
        tally.in_flight = house.in_flight
        for turn in range(plan.each):
            for step, seconds in both.a_turn(house, turn):
                row.steps[_named(step, both.WHERE)].add(uncertain=0, seconds=seconds, violations=0)
            tell(f"F1 p1 to p8, {turn + 1} of {plan.each}")
        for run, report in both.ended(house):
            _add_both(house, row, run, report, f"campaign {run.campaign}")


def _two_planners(plan: Plan, tally: Tally) -> None:
    with both.opened(len(both.STANDING)) as house:
        tally.in_flight = house.in_flight
        for step, run, report in both.two_planners(house, seconds=plan.away):
            row = tally.row(
                "F3",
                f"one of 2 planners stands still at {step} for {plan.away:g} s, and goes on",
                both.CHECKED,
            )
            _add_both(house, row, run, report, step)


def _parts(total: int, most: int) -> list[int]:
    return [min(most, total - done) for done in range(0, total, most)]


def _add(world: World, row: Row, run: Run, report: Report, what: str) -> None:
    """The run into its row; what was uncertain is settled by evidence, after it was counted."""
    resolved = evidence.settle(world, run) if report.uncertain else 0
    if resolved < report.uncertain:
        report = report.with_more([f"{report.uncertain - resolved} uncertain could not be settled"])
    row.add(report, kills=len(run.kills), deaths=run.deaths, seconds=run.recovery, resolved=resolved)
    _say(row, report, what, f", {resolved} settled later")


def _add_both(house: House, row: Row, run: Run, report: Report, what: str) -> None:
    row.add(report, kills=len(run.kills), deaths=run.deaths, seconds=run.recovery)
    _say(row, report, what, "")


def _say(row: Row, report: Report, what: str, more: str) -> None:
    words = "; ".join(report.violations) or "holds"
    tell(
        f"{row.fault} {what}: {report.listed} listed, {report.at_relay} at the relay, {report.uncertain} uncertain "
        f"({report.arrived_uncertain} had arrived{more}), {words}"
    )


FAULTS: dict[str, Callable[[World, Plan, Tally], None]] = {
    "F1M": _steps, "F2": _random, "F2R": _resend, "F3M": _zombies, "F4": _database, "F8": _relay, "F16": _stops,
    "F17": _pieces,
}  # fmt: skip
BOTH_HALVES: dict[str, Callable[[Plan, Tally], None]] = {"F1P": _planner_steps, "F3P": _two_planners}
