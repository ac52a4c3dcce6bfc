"""Where a server has no generation jobs: one message per contact, told its own delivery time.

Intents are written for a block of customers at a time. A message that is not known to be taken is *uncertain*; only
those whose turn never came are sent later.
"""

import logging
import sqlite3
from typing import Any

import orjson

from tandem.bridge.domain import PartState, retry_after, values_of
from tandem.bridge.joined import Joined, baseline_of
from tandem.bridge.state import move
from tandem.clients.messenger_sender import NotReached, Said, Unheard
from tandem.kit.failpoints import failpoint

log = logging.getLogger("tandem.bridge")
BLOCK = 20
#: answers after which the next one would fare no better: the part pauses
PAUSE = frozenset({401, 403, 408, 429})


def begin(joined: Joined, part: sqlite3.Row) -> bool:
    """Go the way of single messages."""
    with joined.state.write() as connection:
        move(connection, part, PartState.SENDING, way="messages", job=None)
    return True


def send(joined: Joined, part: sqlite3.Row) -> bool:
    """Send one block; False if the part has to wait. Raises what reading the template raises, before any intent."""
    block = joined.state.rows(
        "SELECT * FROM customers WHERE pair = ? AND part = ? AND state = 'found' ORDER BY customer LIMIT ?",
        (part["pair"], part["id"], BLOCK),
    )
    if not block:
        _finish(joined, part)
        return True
    if part["baseline"] is None:
        _note_baseline(joined, part)
    joined.messenger.trigger(
        part["template"]
    )  # a wrong token or a server that is down costs nobody their message
    _set(joined, block, ["sending"] * len(block), intent=True)
    failpoint("b20")
    outcomes, why = _send_block(joined, part, block)
    _set(joined, block, outcomes)
    failpoint("b22")
    if why:
        _pause(joined, part, why)
    return not why


def give_up(joined: Joined, part: sqlite3.Row, state: str, why: str) -> None:
    """Those whose turn has not come get nothing."""
    joined.state.execute(
        "UPDATE customers SET state = ? WHERE pair = ? AND part = ? AND state = 'found'",
        (state, part["pair"], part["id"]),
    )
    sent = joined.state.row(
        "SELECT 1 FROM customers WHERE pair = ? AND part = ? AND state IN ('sent', 'uncertain')",
        (part["pair"], part["id"]),
    )
    if sent is not None:
        _finish(joined, part, why)
        return
    with joined.state.write() as connection:
        move(connection, part, PartState.CANCELLED if state == "cancelled" else PartState.MISSED, why)


def _send_block(joined: Joined, part: sqlite3.Row, block: list[sqlite3.Row]) -> tuple[list[str], str]:
    """What became of each, in order; words if the rest had to wait."""
    outcomes: list[str] = []
    for row in block:
        try:
            said = joined.messenger.send_message(part["template"], _message(joined, part, row))
        except NotReached as problem:
            return outcomes + ["found"] * (len(block) - len(outcomes)), problem.detail
        except Unheard as problem:
            outcomes.append("uncertain")
            return outcomes + ["found"] * (len(block) - len(outcomes)), problem.detail
        failpoint("b21")
        outcomes.append(_outcome(said))
        if said.status in PAUSE:
            rest = ["found"] * (len(block) - len(outcomes))
            return outcomes + rest, f"The messenger answered {said.status}{said.words}."
    return outcomes, ""


def _outcome(said: Said) -> str:
    """A refusal is one by what was asked; any other answer but yes does not say that nothing was sent."""
    if said.done:
        return "sent"
    return {400: "refused", 404: "missing", 422: "refused"}.get(said.status, "uncertain")


def _message(joined: Joined, part: sqlite3.Row, row: sqlite3.Row) -> dict[str, Any]:
    pair = joined.pair
    found: dict[str, Any] = {"originalId": row["original_id"]}
    if part["send_at"] > joined.business():
        found["deliveryTime"] = part["delivery_time"]
    values = values_of(row["promo"], orjson.loads(row["attributes"]), pair.attributes, pair.promo_column)
    filled = {name: value for name, value in values.items() if value}
    if filled:
        found["properties"] = filled
        found["forceCreateMissingProperties"] = pair.messenger.create
    if pair.messenger.customer_id.isascii() and pair.messenger.customer_id.isdigit():
        found["customerId"] = int(pair.messenger.customer_id)
    return found


def _set(joined: Joined, block: list[sqlite3.Row], states: list[str], *, intent: bool = False) -> None:
    with joined.state.write() as connection:
        if intent:
            joined.state.intend(connection)
        connection.executemany(
            "UPDATE customers SET state = ? WHERE pair = ? AND campaign = ? AND channel = ? AND customer = ?",
            [
                (state, row["pair"], row["campaign"], row["channel"], row["customer"])
                for row, state in zip(block, states, strict=True)
            ],
        )
    if intent:
        joined.state.mark()


def _note_baseline(joined: Joined, part: sqlite3.Row) -> None:
    joined.state.execute(
        "UPDATE parts SET baseline = ? WHERE pair = ? AND id = ?",
        (baseline_of(joined, part) or "{}", part["pair"], part["id"]),
    )


def _finish(joined: Joined, part: sqlite3.Row, why: str = "") -> None:
    unsure = joined.state.row(
        "SELECT count(*) FROM customers WHERE pair = ? AND part = ? AND state = 'uncertain'",
        (part["pair"], part["id"]),
    )
    count = int(unsure[0]) if unsure else 0
    at = joined.business()
    to = PartState.UNCERTAIN if count else PartState.HANDED
    why = (
        f"Whether the messages of {count} customers were taken is not known. {why}".strip() if count else why
    )
    with joined.state.write() as connection:
        move(
            connection, part, to, why, handed_at=at,
            next_report=max(at, part["send_at"]) + joined.pair.report_hours[0] * 3600,
        )  # fmt: skip
    level = logging.ERROR if count else logging.INFO
    log.log(
        level, "bridge.%s pair=%s campaign=%s channel=%s template=%s",
        to.value.replace(" ", "_"), part["pair"], part["campaign"], part["channel"], part["template"],
    )  # fmt: skip


def _pause(joined: Joined, part: sqlite3.Row, why: str) -> None:
    tries = part["tries"] + 1
    joined.state.execute(
        "UPDATE parts SET tries = ?, next_try = ?, problem = ? WHERE pair = ? AND id = ?",
        (tries, joined.now() + retry_after(tries), why[:500], part["pair"], part["id"]),
    )
    log.warning("bridge.messages.paused pair=%s campaign=%s", part["pair"], part["campaign"])
