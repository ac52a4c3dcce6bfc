"""F8: a relay that answers badly at each verb; each recipient gets its own outcome, and nobody another's."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from faults.invariants import Report, check_invariants
from faults.world import Run, World, address_of
from tandem.simulators.relay_script import Rule

DEFERRED, ACCEPTED, REJECTED, UNCERTAIN = 2, 10, 11, 12
SECONDS = 30.0
_STATES = "SELECT customer, state FROM messenger_delivery_attempt WHERE sending_id = %s"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing that goes wrong for one recipient, and what must become of it; copies: how often it is at the relay."""

    name: str
    rule: Rule
    becomes: tuple[int, ...]
    copies: int = 0


#: each for a recipient of its own, all in one sending
ONE_RECIPIENT = (
    Case(name="4xx at RCPT", rule=Rule(at="rcpt", reply="450 4.2.1 later"), becomes=(DEFERRED,)),
    Case(name="5xx at RCPT", rule=Rule(at="rcpt", reply="550 5.1.1 nobody"), becomes=(REJECTED,)),
    Case(name="5xx in several lines", rule=Rule(at="rcpt", reply="550-5.7.1 no\n550 5.7.1 never"), becomes=(REJECTED,)),
    Case(name="4xx after the dot", rule=Rule(at="dot", reply="451 4.3.0 later"), becomes=(DEFERRED,)),
    Case(name="5xx after the dot", rule=Rule(at="dot", reply="554 5.7.1 spam"), becomes=(REJECTED,)),
    Case(
        name="dropped after the dot, taken", rule=Rule(at="dot", do="drop", logged=True, times=1),
        becomes=(UNCERTAIN,), copies=1,
    ),
    Case(name="dropped after the dot, lost", rule=Rule(at="dot", do="drop", times=1), becomes=(UNCERTAIN,)),
    Case(name="reply after 8 seconds", rule=Rule(at="dot", seconds=8.0), becomes=(ACCEPTED,), copies=1),
    Case(name="reply byte by byte", rule=Rule(at="dot", do="slow", seconds=0.1), becomes=(ACCEPTED,), copies=1),
    Case(name="trash instead of a reply", rule=Rule(at="dot", do="garbage", times=1), becomes=(UNCERTAIN,)),
)  # fmt: skip
#: for whoever comes along; everybody arrives in the end
ANYBODY = (
    ("421 instead of a banner", (Rule(at="banner", reply="421 4.3.2 busy", close=True, times=2),)),
    ("5xx at EHLO, HELO works", (Rule(at="ehlo", reply="502 5.5.1 what"),)),
    ("421 in the middle", (Rule(at="mail", reply="421 4.3.2 busy", close=True, nth=7, times=1),)),
    ("cut at MAIL", (Rule(at="mail", do="drop", nth=5, times=1),)),
    ("trash at MAIL", (Rule(at="mail", do="garbage", nth=5, times=1),)),
    ("cut at DATA", (Rule(at="data", do="drop", nth=5, times=1),)),
    ("five messages a connection", (Rule(at="dot", close=True, every=5, per_connection=True),)),
    ("an endless banner", (Rule(at="banner", do="endless", times=1),)),
)


def each(world: World, *, recipients: int) -> Iterator[tuple[str, Run, Report]]:
    """Every case; a violation names the recipient's case."""
    yield ("one recipient each", *one_recipient(world, max(recipients, 3 * len(ONE_RECIPIENT))))
    for name, rules in ANYBODY:
        yield (name, *_anybody(world, rules, recipients))
    world.relay.rules()


def one_recipient(world: World, recipients: int) -> tuple[Run, Report]:
    """One sending in which each of ONE_RECIPIENT happens to somebody."""
    run = world.begin(recipients, lead_seconds=4)
    chosen = sorted(run.customers - run.opted_out)
    cases = dict(zip(chosen[:: len(chosen) // len(ONE_RECIPIENT)], ONE_RECIPIENT, strict=False))
    world.relay.rules_at_once(*[_for(case.rule, address_of(customer)) for customer, case in cases.items()])
    run.kills = [case.name for case in cases.values() if UNCERTAIN in case.becomes]
    _until(world, run, {customer: case.becomes for customer, case in cases.items()})
    report = check_invariants(world, run, ended=False)
    states = _states(world, run)
    copies: dict[str, int] = {}
    for fact in world.facts(run):
        copies[fact["to"]] = copies.get(fact["to"], 0) + 1
    broken = [
        f"F8: {case.name}: state {states.get(customer)}, {copies.get(address_of(customer), 0)} at the relay"
        for customer, case in cases.items()
        if states.get(customer) not in case.becomes or copies.get(address_of(customer), 0) != case.copies
    ]
    others = [c for c in run.customers - run.opted_out - cases.keys() if states.get(c) != ACCEPTED]
    if others:
        broken.append(f"F8: {len(others)} others were not accepted")
    return run, report.with_more(broken)


def _anybody(world: World, rules: tuple[Rule, ...], recipients: int) -> tuple[Run, Report]:
    world.relay.rules(*rules)
    world.relay.hang_up()  # a connection keeps the script it began with
    run = world.begin(recipients)
    run.kills = [rule.at for rule in rules]
    world.wait(run, SECONDS + 40)
    broken = [] if world.relay.used() else ["F8: it never happened"]
    refused = [customer for customer, state in _states(world, run).items() if state == REJECTED]
    if refused:
        broken.append(f"F8: {len(refused)} were given up")
    return run, check_invariants(world, run).with_more(broken)


def _for(rule: Rule, address: str) -> Rule:
    return Rule(**{**rule.__dict__, "to": address})


def _states(world: World, run: Run) -> dict[str, int]:
    found = world.sending(run)
    return dict(world.rows(_STATES, [found[0]])) if found else {}


def _until(world: World, run: Run, wanted: dict[str, tuple[int, ...]]) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        states = _states(world, run)
        rest = [state for customer, state in states.items() if customer not in wanted]
        if (
            states
            and all(states[one] in of for one, of in wanted.items())
            and all(s >= ACCEPTED for s in rest)
        ):
            return
        time.sleep(0.2)
