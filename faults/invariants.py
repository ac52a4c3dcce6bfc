"""`check_invariants`: the promise, checked over the ledger, the relay's own log and the clock."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from faults.observed import TERMINAL, Observed, Run
from tandem.simulators.relay_marks import mistaken

ACCEPTED, UNCERTAIN = 10, 12
_ROWS = """
SELECT a.customer, a.state, a.reason, a.template_id, a.done_at, a.id FROM messenger_delivery_attempt a
WHERE a.sending_id = %s ORDER BY a.seq
"""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a run came to. lost: on the list, not at the relay, and not shown as anything but sent."""

    campaign: int
    listed: int
    at_relay: int
    accepted: int
    uncertain: int
    arrived_uncertain: int
    largest_burial: int
    duplicates: int
    lost: int
    late_seconds: float
    violations: tuple[str, ...]
    #: writes of senders that were given up, refused; None where nobody looked
    rejected: int | None = None

    def with_more(self, violations: list[str]) -> "Report":
        """The same with more that was broken."""
        return replace(self, violations=(*self.violations, *violations))


def check_invariants(
    world: Observed, run: Run, *, resend: bool = False, ended: bool = True, buried: Sequence[int] = ()
) -> Report:
    """I1 to I6 and I8 of a campaign; ended: it should have. buried: what dead senders left, as far as logged."""
    found = world.sending(run)
    if found is None:
        return _nothing(run, "I1: the list was never taken")
    sending, _, finished = found
    rows = world.rows(_ROWS, [sending])
    facts = world.facts(run)
    copies, address_of = Counter(fact["to"] for fact in facts), world.address_of
    states = {address_of(customer): state for customer, state, *_ in rows}
    sent = {address for address, state in states.items() if state == ACCEPTED}
    unsure = {address for address, state in states.items() if state == UNCERTAIN}
    extra = sum(number - 1 for number in copies.values())
    lost = len(sent - copies.keys())
    largest = max(*buried, len(unsure) - sum(buried), 0)
    most_unsure = world.in_flight * max(run.deaths, len(run.kills))
    broken = [
        *_list(rows, run),
        *_copies(
            copies, extra, run.deaths * world.in_flight if resend else 0, run.deaths + 1 if resend else 1
        ),
        *_bound(len(unsure), most_unsure, largest, world.in_flight),
        *_said(copies.keys() - sent - unsure, "I3: {n} at the relay that are neither accepted nor uncertain"),
        *_said(sent - copies.keys(), "I3: {n} accepted that the relay never saw"),
        *_times(facts, run),
        *_said(
            {address_of(one) for one in run.opted_out} & copies.keys(),
            "I5: {n} who had opted out got a message",
        ),
        *(_ended(rows, finished) if ended else []),
        *_ids(facts),
        *_whose(facts, rows, world),
    ]
    return Report(
        campaign=run.campaign,
        listed=len(rows),
        at_relay=len(copies),
        accepted=len(sent),
        uncertain=len(unsure),
        arrived_uncertain=len(unsure & copies.keys()),
        largest_burial=largest,
        duplicates=extra,
        lost=lost,
        late_seconds=max((fact["at"] - run.send_at for fact in facts), default=0.0),
        violations=tuple(broken),
    )


def _list(rows: list[tuple], run: Run) -> list[str]:
    counts = Counter(row[0] for row in rows)
    broken = []
    if counts.keys() != run.customers:
        missing, more = len(run.customers - counts.keys()), len(counts.keys() - run.customers)
        broken.append(f"I1: {missing} listed customers have no row, {more} rows are of nobody on the list")
    if any(number > 1 for number in counts.values()):
        broken.append("I1: a customer has two rows")
    return broken


def _copies(copies: Counter[str], extra: int, most_extra: int, most: int) -> list[str]:
    worst = max(copies.values(), default=0)
    if worst > most or extra > most_extra:
        return [f"I2: {extra} copies too many, {worst} of one message"]
    return []


def _bound(unsure: int, most: int, largest: int, in_flight: int) -> list[str]:
    if largest > in_flight or unsure > most:
        return [f"Uncertain: {unsure} of at most {most}, {largest} of one death, of at most {in_flight}"]
    return []


def _times(facts: list[dict], run: Run) -> list[str]:
    early = [fact for fact in facts if fact["at"] < run.send_at]
    return [f"I4: {len(early)} messages before their time"] if early else []


def _ended(rows: list[tuple], finished: bool) -> list[str]:
    open_ = sum(1 for row in rows if row[1] < TERMINAL)
    if finished and open_:
        return [f"I6: finished with {open_} open rows"]
    if not finished:
        return [f"I6: not finished; {open_} rows open"]
    return []


def _ids(facts: list[dict]) -> list[str]:
    """A message has one id on every try, and no other message has it."""
    of_id: dict[str, set[str]] = {}
    of_recipient: dict[str, set[str]] = {}
    for fact in facts:
        of_id.setdefault(fact["id"], set()).add(fact["to"])
        of_recipient.setdefault(fact["to"], set()).add(fact["id"])
    broken = []
    if any(len(found) > 1 for found in of_id.values()):
        broken.append("I8: two recipients' messages have one Message-ID")
    if any(len(found) > 1 for found in of_recipient.values()):
        broken.append("I8: a message changed its Message-ID between tries")
    return broken


def _whose(facts: list[dict], rows: list[tuple], world: Observed) -> list[str]:
    """What arrived at somebody is their content, with their links, and says so in its head."""
    customers = {world.address_of(row[0]): row[0] for row in rows}
    ids = {row[-1]: row[0] for row in rows}
    found = Counter(
        mistaken(fact, customers.get(fact["to"]), ids, is_marked=world.is_marked) for fact in facts
    )
    return [f"I8: {number} messages with {words}" for words, number in found.items() if words]


def _said(found: set[str], words: str) -> list[str]:
    return [words.format(n=len(found))] if found else []


def _nothing(run: Run, words: str) -> Report:
    return Report(
        campaign=run.campaign, listed=0, at_relay=0, accepted=0, uncertain=0, arrived_uncertain=0, largest_burial=0,
        duplicates=0, lost=len(run.customers), late_seconds=0.0, violations=(words,),
    )  # fmt: skip
