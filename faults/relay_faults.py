"""F8: a relay that answers badly at each verb; each recipient gets its own outcome, and nobody another's."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from faults import greeting_faults
from faults.invariants import Report, check_invariants
from faults.observed import Run
from faults.relay_rows import DEFERRED, REJECTED, UNCERTAIN, Found, Ledger, others, until
from faults.world import HTML, World, address_of
from tandem.simulators.relay_script import Rule

ACCEPTED = 10
#: seconds until an answer after the dot counts as lost, in these runs; as delivered it is ten minutes
PATIENCE = 20
SECONDS = 30.0
_BACK_OFF = range(1, 62)
LATER = "held back for the first back-off (a minute), tried again, after 72 h given up; nobody else touched"
NEVER = "refused for good at the first try, never tried again; nobody else touched"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing that goes wrong for one recipient, and what must become of it; copies: how often it is at the relay.

    The verb MAIL names no recipient: whom it hits is found by the words of the reply.
    """

    name: str
    rule: Rule
    becomes: int
    copies: int = 0
    checked: str = ""


def _refusals(at: str, name: str, *, later: str, never: str) -> tuple[Case, Case]:
    return (
        Case(name=f"4xx {name}", rule=Rule(at=at, reply=later), becomes=DEFERRED, checked=LATER),
        Case(name=f"5xx {name}", rule=Rule(at=at, reply=never), becomes=REJECTED, checked=NEVER),
    )


#: each for a recipient of its own, all in one sending
ONE_RECIPIENT = (
    *_refusals("rcpt", "at RCPT", later="450 4.2.1 later", never="550 5.1.1 nobody"),
    Case(
        name="5xx in several lines", rule=Rule(at="rcpt", reply="550-5.7.1 no\n550 5.7.1 never"), becomes=REJECTED,
        checked=NEVER,
    ),
    *_refusals("data", "at DATA", later="451 4.3.0 not now", never="554 5.5.1 not you"),
    *_refusals("dot", "after the dot", later="451 4.3.0 later", never="554 5.7.1 spam"),
    Case(
        name="dropped after the dot, taken", rule=Rule(at="dot", do="drop", logged=True, times=1), becomes=UNCERTAIN,
        copies=1, checked="uncertain, never sent again; a report of the relay settles it",
    ),
    Case(
        name="dropped after the dot, lost", rule=Rule(at="dot", do="drop", times=1), becomes=UNCERTAIN,
        checked="uncertain, never sent again; an operator settles it",
    ),
    Case(
        name="8-bit trash instead of a reply", rule=Rule(at="dot", do="garbage", times=1), becomes=UNCERTAIN,
        checked="uncertain, never sent again",
    ),
)  # fmt: skip
#: what takes about as long as an answer is waited for
SLOW = (
    Case(
        name="reply after 9/10 of the time-out", rule=Rule(at="dot", seconds=0.9 * PATIENCE), becomes=ACCEPTED,
        copies=1,
        checked=f"accepted; TANDEM_SMTP_ANSWER_SECONDS={PATIENCE}, as delivered 600: that is a reply after 9 minutes",
    ),
    Case(
        name="reply after the time-out", rule=Rule(at="dot", seconds=1.3 * PATIENCE), becomes=UNCERTAIN, copies=1,
        checked="uncertain when the time is over, never sent again, though the relay took it",
    ),
    Case(
        name="reply at 1 byte/s", rule=Rule(at="dot", do="slow", seconds=1.0), becomes=ACCEPTED, copies=1,
        checked="accepted",
    ),
)  # fmt: skip
#: of whichever message comes fifth, and fifteenth
AT_MAIL = tuple(
    replace(case, rule=replace(case.rule, nth=nth))
    for case, nth in zip(
        _refusals("mail", "at MAIL", later="450 4.3.2 mail held", never="550 5.7.1 mail never"),
        (5, 15),
        strict=True,
    )
)
_DAYS_AGO = """
WITH one AS (UPDATE messenger_delivery_sending SET due_at = due_at - interval '73 hours'
             WHERE id = %(sending)s RETURNING id),
     rows AS (UPDATE messenger_delivery_attempt SET due_at = now()
              WHERE sending_id = %(sending)s AND state = 2 RETURNING id),
     blocks AS (UPDATE messenger_delivery_block SET next_at = now() WHERE sending_id = %(sending)s RETURNING id)
SELECT count(*) FROM rows
"""


def each(world: World, *, recipients: int) -> Iterator[Found]:
    """Every case; a violation names the recipient's case."""
    world.stop()
    world.start(TANDEM_SMTP_ANSWER_SECONDS=str(PATIENCE))
    cases = (*ONE_RECIPIENT, *SLOW)
    yield from _by_case(world, *_refused_twice(world, cases, max(recipients, 3 * len(cases))))
    yield from _by_case(world, *_at_mail(world, recipients))
    yield _too_big(world, recipients)
    yield from greeting_faults.each(world, recipients)
    world.relay.rules()
    world.stop()


def one_recipient(world: World, recipients: int) -> tuple[Run, Report]:
    """One sending in which each of ONE_RECIPIENT happens to somebody, up to the first back-off."""
    run, chosen = _begun(world, ONE_RECIPIENT, recipients)
    _until_come(world, run, chosen)
    report = check_invariants(world, run, ended=False)
    return run, report.with_more(_broken(world, run, chosen))


def _begun(world: World, cases: Sequence[Case], recipients: int) -> tuple[Run, dict[str, Case]]:
    run = world.begin(recipients, lead_seconds=4)
    there = sorted(run.customers - run.opted_out)
    chosen = dict(zip(there[:: len(there) // len(cases)], cases, strict=False))
    world.relay.rules_at_once(*[_for(case.rule, address_of(one)) for one, case in chosen.items()])
    run.kills = [case.name for case in cases if case.becomes == UNCERTAIN]
    return run, chosen


def _refused_twice(
    world: World, cases: Sequence[Case], recipients: int
) -> tuple[Run, dict[str, Case], list[str]]:
    """The same, and then three days later: who was held back is refused again, and given up; nobody else is tried."""
    run, chosen = _begun(world, cases, recipients)
    _until_come(world, run, chosen)
    broken = _broken(world, run, chosen)
    broken += _days_later(world, run, chosen)
    return run, chosen, [*broken, *_told(world, chosen), *_copied(world, run, chosen)]


def _at_mail(world: World, recipients: int) -> tuple[Run, dict[str, Case], list[str]]:
    world.relay.rules(*[case.rule for case in AT_MAIL], Rule(at="rset", reply="502 5.5.1 what", times=1))
    world.relay.hang_up()
    run = world.begin(recipients)
    until(SECONDS, lambda: _are_settled(Ledger(world, run), 2))
    ledger = Ledger(world, run)
    chosen = {ledger.of_words(case.rule.reply): case for case in AT_MAIL}
    broken = _broken(world, run, chosen)
    world.relay.rules_at_once(replace(AT_MAIL[0].rule, nth=0))
    return run, chosen, [*broken, *_days_later(world, run, chosen)]


def _days_later(world: World, run: Run, chosen: dict[str, Case]) -> list[str]:
    """Three days are not waited for: the sending's due time is put back by them, and what is held back is due."""
    before = Ledger(world, run)
    held = [one for one, case in chosen.items() if case.becomes == DEFERRED]
    broken = [
        f"F8: {chosen[one].name}: tried again after {before.waits.get(one)} s, not within the first back-off"
        for one in held
        if int(before.waits.get(one, 0)) not in _BACK_OFF
    ]
    world.stop()
    world.rows(_DAYS_AGO, {"sending": before.sending})
    world.again()
    world.wait(run, SECONDS)
    after = Ledger(world, run)
    broken += [
        f"F8: {chosen[one].name}: state {after.states.get(one)} ({after.reasons.get(one)})"
        for one in held
        if (after.states.get(one), after.reasons.get(one)) != (REJECTED, "given up")
    ]
    return broken


def _told(world: World, chosen: dict[str, Case]) -> list[str]:
    """How often the relay met who was refused: once for good, or twice, at first and after three days."""
    broken = []
    for customer, case in chosen.items():
        most = {DEFERRED: 2, REJECTED: 1}.get(case.becomes, 0)
        used = world.relay.used(_for(case.rule, address_of(customer)))
        if most and used != most:
            broken.append(f"F8: {case.name}: the relay was tried {used} times")
    return broken


def _by_case(world: World, run: Run, chosen: dict[str, Case], broken: list[str]) -> Iterator[Found]:
    """A row for each case, and one for everybody else and the sending as a whole."""
    whole, ledger = check_invariants(world, run), Ledger(world, run)
    copies = ledger.copies(world.facts(run))
    for customer, case in chosen.items():
        own = [words for words in broken if words.startswith(f"F8: {case.name}:")]
        is_unsure = ledger.states.get(customer) == UNCERTAIN
        arrived = copies.get(address_of(customer), 0)
        report = replace(
            whole, listed=1, at_relay=min(arrived, 1), uncertain=int(is_unsure),
            arrived_uncertain=int(is_unsure and arrived > 0), largest_burial=0, duplicates=0, lost=0,
            violations=tuple(own),
        )  # fmt: skip
        yield Found(name=case.name, checked=case.checked, run=run, report=report, settles=False)
    named = tuple(f"F8: {case.name}:" for case in chosen.values())
    rest = [words for words in broken if not words.startswith(named)]
    report = replace(whole, uncertain=0, arrived_uncertain=0, largest_burial=0).with_more(rest)
    yield Found(
        name=f"the sending in which these {len(chosen)} happened", checked="everybody else was accepted", run=run,
        report=report, settles=True,
    )  # fmt: skip


def _too_big(world: World, recipients: int) -> Found:
    """The relay says 552 when it has read some kilobytes of a letter of 100, twice: as text and as HTML."""
    words = "all the same words again. " * 4_000
    world.write_letter("Long letter", HTML.replace("<p>Hello", f"<p>{words}</p><p>Hello"))
    rule = Rule(at="content", reply="552 5.3.4 too big for this one", after_bytes=4096)
    run = world.begin(recipients, lead_seconds=4)
    victim = sorted(run.customers - run.opted_out)[recipients // 2]
    world.relay.rules_at_once(_for(rule, address_of(victim)))
    world.relay.hang_up()
    world.wait(run, SECONDS)
    world.write_letter("Short letter", HTML)
    ledger = Ledger(world, run)
    state, tries = ledger.states.get(victim), ledger.tries.get(victim)
    broken = [] if (state, tries) == (REJECTED, 1) else [f"F8: 552 became {state} after {tries} tries"]
    broken += others(ledger, run, {victim})
    return Found(
        name="552 in the middle of the content of 200 kB", checked=NEVER, run=run,
        report=check_invariants(world, run).with_more(broken),
    )  # fmt: skip


def _broken(world: World, run: Run, chosen: dict[str, Case]) -> list[str]:
    ledger = Ledger(world, run)
    other = [
        f"F8: {case.name}: state {ledger.states.get(one)}"
        for one, case in chosen.items()
        if ledger.states.get(one) != case.becomes
    ]
    return [*other, *_copied(world, run, chosen), *others(ledger, run, set(chosen))]


def _copied(world: World, run: Run, chosen: dict[str, Case]) -> list[str]:
    copies = Ledger.copies(world.facts(run))
    return [
        f"F8: {case.name}: {copies.get(address_of(one), 0)} at the relay"
        for one, case in chosen.items()
        if copies.get(address_of(one), 0) != case.copies
    ]


def _for(rule: Rule, address: str) -> Rule:
    return replace(rule, to=address)


def _are_settled(ledger: Ledger, held: int) -> bool:
    open_ = [state for state in ledger.states.values() if state < ACCEPTED]
    return bool(ledger.states) and len(open_) <= held - 1 and all(state == DEFERRED for state in open_)


def _until_come(world: World, run: Run, chosen: dict[str, Case]) -> None:
    """Everybody has come to what must become of them."""

    def come() -> bool:
        states = Ledger(world, run).states
        rest = [state for customer, state in states.items() if customer not in chosen]
        return (
            bool(states)
            and all(states.get(one) == case.becomes for one, case in chosen.items())
            and all(state >= ACCEPTED for state in rest)
        )

    until(3 * SECONDS + PATIENCE, come)
    time.sleep(0.2)
