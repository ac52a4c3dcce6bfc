"""Parts are handed to the messenger, each customer at most once.

Before a job is created and before its list is uploaded an intent is written. Whatever is not known to have been done,
or to have never left us, is *uncertain* and held until a person says what happened. Nothing rests on the messenger
refusing a second upload, or on what the status of an error means.
"""

import logging
import sqlite3
from collections.abc import Iterator, Mapping

import orjson

from tandem.bridge import messages, reach
from tandem.bridge.domain import (
    AT_REST,
    STOPPED,
    PartState,
    job_file,
    retry_after,
    values_of,
)
from tandem.bridge.joined import Joined, baseline_of, words
from tandem.bridge.state import State, move
from tandem.clients.messenger_problems import MessengerHasNot, MessengerRefused
from tandem.clients.messenger_sender import Job, NotReached, Said, Unheard, job_of
from tandem.clients.planner_problems import PlannerForbidden, PlannerKnowsNot, PlannerRefused
from tandem.kit.failpoints import failpoint
from tandem.kit.problems import Problem

log = logging.getLogger("tandem.bridge")
#: answers to a new job that mean: no such call here. Nothing was uploaded yet, so nothing was sent either
NO_JOBS = frozenset({404, 405, 501})
WAIT = frozenset({401, 403, 408, 429})
#: steps of a part at once; a step is a block of single messages, too
STEPS = 50
_BUSY = "('waiting', 'created', 'sending')"


class Doubtful(Problem):
    """The planner said that a campaign may be cancelled, and does not say more."""

    title = "The campaign may be cancelled"


def recover(state: State, pair: str) -> int:
    """Intents without an outcome, when a bridge starts: their process is dead. How many parts became uncertain."""
    orphans = state.rows(
        "SELECT * FROM parts WHERE pair = ? AND state IN (?, ?)",
        (pair, PartState.CREATING.value, PartState.UPLOADING.value),
    )
    with state.write() as connection:
        for part in orphans:
            doing = "its job was created" if part["state"] == PartState.CREATING else "its list was uploaded"
            move(
                connection,
                part,
                PartState.UNCERTAIN,
                f"The bridge ended while {doing}; the answer was not kept.",
            )
        connection.execute(
            "UPDATE customers SET state = 'uncertain' WHERE pair = ? AND state = 'sending'", (pair,)
        )
    return len(orphans)


def hand_over_due(joined: Joined) -> int:
    """Take every part that is due a step further; how many came to rest."""
    due = joined.state.rows(
        f"SELECT * FROM parts WHERE pair = ? AND next_try <= ? AND (state IN {_BUSY} "
        "OR state = 'uncertain' AND job IS NOT NULL AND asked = 0) ORDER BY send_at",
        (joined.pair.name, joined.now()),
    )
    return sum(_advance(joined, part["id"]) for part in due)


def _advance(joined: Joined, number: int) -> bool:
    """Step by step until the part rests, waits or fails; whether it rests. Long ones make room for others."""
    for _ in range(STEPS):
        part = part_of(joined.state, joined.pair.name, number)
        try:
            moved = _step(joined, part)
        except Problem as problem:
            if _broke_off(joined, number, words(problem)):
                return True
            _later(joined, part, words(problem))
            log.warning(
                "bridge.hand_over.failed pair=%s campaign=%s %s",
                part["pair"],
                part["campaign"],
                problem.title,
            )
            return False
        except Exception:
            _broke_off(joined, number, "The bridge failed; the cause is in its log.")
            raise
        if not moved:
            return PartState(part["state"]) in AT_REST
    return False


def _broke_off(joined: Joined, number: int, why: str) -> bool:
    """Something went wrong that no answer is: whether an intent was left without its outcome. It is uncertain then."""
    joined.state.execute(
        "UPDATE customers SET state = 'uncertain' WHERE pair = ? AND part = ? AND state = 'sending'",
        (joined.pair.name, number),
    )
    part = part_of(joined.state, joined.pair.name, number)
    if part["state"] in (PartState.CREATING, PartState.UPLOADING):
        return _uncertain(joined, part, why)
    return False


def _step(joined: Joined, part: sqlite3.Row) -> bool:
    """One step; False if there is none to do now."""
    state = PartState(part["state"])
    if state is PartState.UNCERTAIN:
        return _ask(joined, part)
    if state in AT_REST:
        return False
    if joined.is_late(part["send_at"]):
        return _miss(joined, part)
    if _doubted(joined, part) and _cancelled(joined, part):
        return True
    if state is PartState.WAITING:
        return _prepare(joined, part)
    if state is PartState.CREATED:
        return _is_time(joined, part) and _upload(joined, part)
    return messages.send(joined, part)


def part_of(state: State, pair: str, number: int) -> sqlite3.Row:
    """A part as it is now."""
    found = state.row("SELECT * FROM parts WHERE pair = ? AND id = ?", (pair, number))
    assert found is not None  # noqa: S101 - parts are never deleted
    return found


def _is_time(joined: Joined, part: sqlite3.Row) -> bool:
    """When a job's list may go: at the send time, unless this server is known to wait for deliveryTime."""
    return joined.pair.messenger.waits or joined.business() >= part["send_at"]


def _prepare(joined: Joined, part: sqlite3.Row) -> bool:
    trigger = joined.messenger.trigger(part["template"])
    if not part["looked"] or trigger.list_id != part["list_id"]:
        channel = joined.pair.channel(part["channel"])
        if trigger.list_id is None or channel is None:
            return _rest(joined, part, PartState.REFUSED, "The template has no list, or the channel is gone.")
        reachable = reach.look(joined, part, trigger.list_id, channel.kind)
        _set(joined, part, looked=1, list_id=trigger.list_id, version=trigger.active_campaign)
        failpoint("b6")
        if not reachable:
            return _rest(
                joined, part, PartState.NOBODY, "Nobody of it can be reached on the template's list."
            )
    part = part_of(joined.state, part["pair"], part["id"])
    if not joined.pair.messenger.jobs:
        return messages.begin(joined, part)
    return _create(joined, part)


def _create(joined: Joined, part: sqlite3.Row) -> bool:
    failpoint("b7")
    part = _move(joined, part, PartState.CREATING, way="job")
    failpoint("b8")
    try:
        said = joined.messenger.create_job(part["template"], part["delivery_time"])
    except NotReached as problem:
        return _back(joined, part, PartState.WAITING, words(problem))
    except Unheard as problem:
        return _uncertain(joined, part, f"Creating its job: {problem.detail}")
    failpoint("b9")
    if said.done:
        return _created(joined, part, said)
    if said.status in NO_JOBS:
        return messages.begin(joined, part)
    if said.status in WAIT:
        return _back(joined, part, PartState.WAITING, f"No job was created ({said.status}{said.words}).")
    return _rest(
        joined, part, PartState.REFUSED, f"The messenger refused the job ({said.status}{said.words})."
    )


def _created(joined: Joined, part: sqlite3.Row, said: Said) -> bool:
    try:
        job = job_of(said.document)
    except Problem:
        return _uncertain(
            joined, part, "The messenger created its job, but the answer does not tell its number."
        )
    if job.list_id is not None and job.list_id != part["list_id"]:
        return _rest(
            joined, part, PartState.REFUSED, "The messenger's job is for another list than its template's."
        )
    _move(joined, part, PartState.CREATED, job=job.id, version=job.version or part["version"])
    failpoint("b10")
    return True


def _upload(joined: Joined, part: sqlite3.Row) -> bool:
    body = job_file(_file_rows(joined, part), tuple(_names(joined)))
    baseline = baseline_of(joined, part)
    part = _move(joined, part, PartState.UPLOADING, baseline=baseline)
    failpoint("b11")
    try:
        said = joined.messenger.upload_list(part["job"], body)
    except NotReached as problem:
        return _back(joined, part, PartState.CREATED, words(problem))
    except Unheard as problem:
        return _uncertain(joined, part, f"Uploading its list: {problem.detail}")
    failpoint("b12")
    if not said.done:
        return _uncertain(
            joined,
            part,
            f"Uploading its list was answered {said.status}{said.words}; whether it was taken is not told.",
        )
    _handed(joined, part, _warnings(said.document))
    failpoint("b13")
    return True


def _ask(joined: Joined, part: sqlite3.Row) -> bool:
    """Where a server tells of jobs: has this one its list? A no is no proof, for the upload may be on its way."""
    if part["job"] is None or part["asked"]:
        return False
    try:
        job = joined.messenger.job(part["job"])
    except (MessengerHasNot, MessengerRefused):
        _set(joined, part, asked=1)
        return False
    if job.uploaded:
        _handed(joined, part, "The messenger says that it has the list.")
        return True
    told = " The messenger says that it has no list yet, which is no proof."
    _set(joined, part, asked=1, problem=(part["problem"] + told)[:500])
    return False


def _doubted(joined: Joined, part: sqlite3.Row) -> bool:
    found = joined.state.row(
        "SELECT doubted FROM campaigns WHERE pair = ? AND campaign = ? AND channel = ?",
        (part["pair"], part["campaign"], part["channel"]),
    )
    return found is not None and found["doubted"] == 1


def _cancelled(joined: Joined, part: sqlite3.Row) -> bool:
    """Ask the planner who is out; whether the part is. Raises Doubtful where it does not say: then it is held."""
    gone: tuple[str, ...] = ()
    barred = False
    try:
        gone = joined.planner.canceled_campaign_customers(part["campaign"])
    except (PlannerForbidden, PlannerKnowsNot, PlannerRefused):
        barred = True
    details = joined.planner.campaign_details(part["campaign"])
    if details.status.strip().casefold() in STOPPED:
        return _cancel(joined, part, f"The planner stopped the campaign. {details.error}")
    if barred:
        raise Doubtful(
            "The planner may have cancelled the campaign, and does not say who is out of it.",
            "It is held until it is too late. Look at it in the planner; `resolve --not-sent` hands it over.",
        )
    return _take_out(joined, part, gone)


def _take_out(joined: Joined, part: sqlite3.Row, gone: tuple[str, ...]) -> bool:
    with joined.state.write() as connection:
        connection.executemany(
            "UPDATE customers SET state = 'cancelled' WHERE pair = ? AND campaign = ? AND channel = ? "
            "AND customer = ? AND state IN ('listed', 'found')",
            [(part["pair"], part["campaign"], part["channel"], customer) for customer in gone],
        )
        connection.execute(
            "UPDATE campaigns SET doubted = 0 WHERE pair = ? AND campaign = ? AND channel = ?",
            (part["pair"], part["campaign"], part["channel"]),
        )
        left = connection.execute(
            "SELECT count(*) FROM customers WHERE pair = ? AND part = ? AND state IN ('listed', 'found')",
            (part["pair"], part["id"]),
        ).fetchone()[0]
    return False if left else _cancel(joined, part, "The planner took every customer of it out.")


def _cancel(joined: Joined, part: sqlite3.Row, why: str) -> bool:
    if part["state"] == PartState.SENDING:
        messages.give_up(joined, part, "cancelled", why)
    else:
        _rest(joined, part, PartState.CANCELLED, why)
    return True


def _miss(joined: Joined, part: sqlite3.Row) -> bool:
    why = f"It was not handed over within {joined.pair.late_minutes:g} minutes of its send time. {part['problem']}"
    if part["state"] == PartState.SENDING:
        messages.give_up(joined, part, "missed", why)
        return True
    return _rest(joined, part, PartState.MISSED, why)


def _names(joined: Joined) -> list[str]:
    return list(values_of("", {}, joined.pair.attributes, joined.pair.promo_column))


def _file_rows(joined: Joined, part: sqlite3.Row) -> Iterator[tuple[str, Mapping[str, str]]]:
    for row in joined.state.connection.execute(
        "SELECT original_id, promo, attributes FROM customers WHERE pair = ? AND part = ? AND state = 'found' "
        "ORDER BY customer",
        (part["pair"], part["id"]),
    ):
        yield (
            row["original_id"],
            values_of(
                row["promo"],
                orjson.loads(row["attributes"]),
                joined.pair.attributes,
                joined.pair.promo_column,
            ),
        )


def _warnings(document: object) -> str:
    try:
        job: Job = job_of(document)
    except Problem:
        return ""
    said = [text for severity, text in job.said if severity in ("SEVERITY_WARNING", "SEVERITY_ERROR")]
    return f"The messenger says of {len(said)} rows: {said[0]}" if said else ""


def _handed(joined: Joined, part: sqlite3.Row, note: str = "") -> None:
    at = joined.business()
    with joined.state.write() as connection:
        move(
            connection, part, PartState.HANDED, note, handed_at=at,
            next_report=max(at, part["send_at"]) + joined.pair.report_hours[0] * 3600,
        )  # fmt: skip
        connection.execute(
            "UPDATE customers SET state = 'sent' WHERE pair = ? AND part = ? AND state = 'found'",
            (part["pair"], part["id"]),
        )
    log.info(
        "bridge.handed_over pair=%s campaign=%s channel=%s template=%s",
        part["pair"], part["campaign"], part["channel"], part["template"],
    )  # fmt: skip


def _uncertain(joined: Joined, part: sqlite3.Row, why: str) -> bool:
    _move(joined, part, PartState.UNCERTAIN, why)
    log.error(
        "bridge.uncertain pair=%s campaign=%s template=%s", part["pair"], part["campaign"], part["template"]
    )
    return True


def _rest(joined: Joined, part: sqlite3.Row, to: PartState, why: str) -> bool:
    _move(joined, part, to, why)
    log.error(
        "bridge.%s pair=%s campaign=%s template=%s",
        to.value.replace(" ", "_"), part["pair"], part["campaign"], part["template"],
    )  # fmt: skip
    return True


def _back(joined: Joined, part: sqlite3.Row, to: PartState, why: str) -> bool:
    _later(joined, _move(joined, part, to, why), why)
    return False


def _move(joined: Joined, part: sqlite3.Row, to: PartState, problem: str = "", **more: object) -> sqlite3.Row:
    intent = to in (PartState.CREATING, PartState.UPLOADING)
    with joined.state.write() as connection:
        move(connection, part, to, problem, **more)
        if intent:
            joined.state.intend(connection)
    if intent:
        joined.state.mark()
    return part_of(joined.state, part["pair"], part["id"])


def _set(joined: Joined, part: sqlite3.Row, **fields: object) -> None:
    places = ", ".join(f"{name} = ?" for name in fields)
    joined.state.execute(
        f"UPDATE parts SET {places} WHERE pair = ? AND id = ?",
        (*fields.values(), part["pair"], part["id"]),
    )


def _later(joined: Joined, part: sqlite3.Row, why: str) -> None:
    """Try again after a while, but look at the clock when it is due or too late."""
    tries = part["tries"] + 1
    _set(joined, part, tries=tries, next_try=joined.now() + retry_after(tries), problem=why[:500])
