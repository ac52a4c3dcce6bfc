"""Words of the record: one line of a person or of a sending, and whether a sending's numbers add up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tandem.messenger.delivery.domain import OPEN_STATES, AttemptState

#: months for which single rows of ended sendings are kept, unless an account says otherwise
MONTHS_KEPT = 25
LEAST_MONTHS, MOST_MONTHS = 3, 120
#: rows deleted in one transaction
DELETED_AT_ONCE = 5000
#: how often a sending under way is counted, at the least; a large one less often
CHECK_EVERY = timedelta(seconds=30)
#: an ended sending is counted once more each day for so long
CHECKED_FOR = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class RecordLine:
    """What became of one customer in one sending. back: what came back of it (kind, category)."""

    sending_id: int
    sending: str
    kind: str
    channel: str
    campaign_id: int | None
    campaign_key: str
    seq: int
    customer: str
    template_id: int
    template: str
    state: str
    reason: str
    detail: str
    tries: int
    due_at: datetime
    done_at: datetime | None
    opened_at: datetime | None = None
    clicked_at: datetime | None = None
    back: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class CheckView:
    """The last time a sending was counted. breaches: sentences, none when all is well."""

    sending_id: int
    at: datetime
    breaches: tuple[str, ...]
    counted: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class KeptView:
    """Until when a sending's rows were kept, and how many there were."""

    sending_id: int
    rows: int
    dropped_at: datetime
    finished: bool


def breaches(
    listed: int,
    counted: Mapping[int, int],
    *,
    settled: Mapping[int, int] | None = None,
    last_seq: int = 0,
    opened: int = 0,
    clicked: int = 0,
) -> tuple[str, ...]:
    """What does not add up in a sending.

    listed = accepted + rejected + uncertain + suppressed + skipped + missed + cancelled + render_error + open; numbers
    settled at the end are the ledger's; nobody opens or clicks what nobody took over; the list has no gap.
    """
    found = []
    rows = sum(counted.values())
    if rows != listed:
        found.append(f"{listed} customers were listed, and the ledger has {rows} rows.")
    if last_seq != listed and rows:
        found.append(f"The last row is number {last_seq}, and {listed} customers were listed.")
    for state in counted:
        if state not in {one.value for one in AttemptState}:
            found.append(f"{counted[state]} rows are in a state that there is none ({state}).")
    if settled is not None:
        found += _unsettled(counted, settled)
    reached = counted.get(AttemptState.ACCEPTED, 0) + counted.get(AttemptState.UNCERTAIN, 0)
    for number, word in ((opened, "opened"), (clicked, "clicked")):
        if number > reached:
            found.append(f"{number} messages were {word}, and {reached} can have arrived.")
    return tuple(found)


def _unsettled(counted: Mapping[int, int], settled: Mapping[int, int]) -> list[str]:
    still_open = sum(counted.get(state, 0) for state in OPEN_STATES)
    found = [f"The sending has ended, and {still_open} rows are open."] if still_open else []
    for state in sorted({*counted, *settled}):
        if counted.get(state, 0) != settled.get(state, 0):
            words = AttemptState(state).words if state in {s.value for s in AttemptState} else str(state)
            found.append(
                f"{settled.get(state, 0)} rows were settled as {words}, and {counted.get(state, 0)} are."
            )
    return found
