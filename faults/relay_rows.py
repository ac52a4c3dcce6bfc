"""What the runs with a misbehaving relay look at: each recipient's row, and who has nothing to do with it."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from faults.invariants import Report
from faults.observed import Observed, Run

DEFERRED, ACCEPTED, REJECTED, UNCERTAIN = 2, 10, 11, 12
_ROWS = """
SELECT customer, state, reason, detail, tries, extract(epoch FROM due_at - now()) FROM messenger_delivery_attempt
WHERE sending_id = %s
"""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A row of F8. settles: whether what is uncertain of the sending is to be settled with it."""

    name: str
    checked: str
    run: Run
    report: Report
    settles: bool = True


class Ledger:
    """The rows of a sending as they stand now, by customer."""

    def __init__(self, world: Observed, run: Run) -> None:
        found = world.sending(run)
        self.sending = found[0] if found else 0
        rows = world.rows(_ROWS, [self.sending])
        self.states: dict[str, int] = {row[0]: row[1] for row in rows}
        self.reasons: dict[str, str] = {row[0]: row[2] for row in rows}
        self.tries: dict[str, int] = {row[0]: row[4] for row in rows}
        self.waits: dict[str, float] = {row[0]: float(row[5]) for row in rows}
        self._details: dict[str, str] = {row[0]: row[3] for row in rows}

    def of_words(self, words: str) -> str:
        """Whose row tells of this reply; the words themselves if nobody's does."""
        return next((one for one, detail in self._details.items() if words in detail), words)

    def is_through(self, customer: str) -> bool:
        """Whether the message was accepted, or the address had bounced before."""
        return self.states.get(customer) == ACCEPTED or self.reasons.get(customer) == "bounced"

    @staticmethod
    def copies(facts: Iterable[dict[str, Any]]) -> Counter[str]:
        """Messages at the relay, by address."""
        return Counter(fact["to"] for fact in facts)


def others(ledger: Ledger, run: Run, chosen: set[str]) -> list[str]:
    """Whoever had nothing to do with it got their message, but for who had bounced before."""
    left = [one for one in run.customers - run.opted_out - chosen if not ledger.is_through(one)]
    return [f"F8: {len(left)} others were not accepted"] if left else []


def until(seconds: float, done: Callable[[], bool]) -> None:
    """Wait for it, not for ever."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not done():
        time.sleep(0.2)
