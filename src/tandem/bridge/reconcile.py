"""The messenger's statistics become the planner's metrics: totals that have settled, told once.

The planner adds what it is told. So a number is written down before it is told, and told again only under the same
key, and only where the planner answers that such a key counts once.
"""

import json
import logging
import sqlite3
import time
import uuid
from collections.abc import Iterator

from tandem.bridge.domain import (
    EXPORTS,
    PartState,
    Record,
    Totals,
    added,
    between,
    from_records,
    record_of,
    totals_of,
)
from tandem.bridge.joined import Joined, words
from tandem.clients.messenger_problems import MessengerHasNot, MessengerRefused
from tandem.clients.messenger_sender import export_records
from tandem.clients.planner_problems import (
    PlannerBusy,
    PlannerForbidden,
    PlannerKnowsNot,
    PlannerRefused,
    PlannerRefusedLogin,
    PlannerUnreachable,
)
from tandem.contract.planner_api import Metric, MetricId
from tandem.kit.failpoints import failpoint
from tandem.kit.problems import Problem

log = logging.getLogger("tandem.bridge")
HOUR = 3600
#: seconds by which the two servers' clocks may differ
SLACK = 300
PERIODS = ((20 * HOUR, "LAST_DAY"), (68 * HOUR, "LAST_3_DAYS"), (164 * HOUR, "LAST_WEEK"))
LONGEST_EXPORT = 600
#: states of customers who are in no job and get no message, because they cannot be reached
LEFT_OUT = ("missing", "no address", "unsubscribed", "duplicate")
NO_NUMBERS = (
    "The messenger tells no numbers from which those of this campaign can be counted. Nothing is told."
)
_WHOSE = """
SELECT p.id FROM customers c JOIN parts p ON p.pair = c.pair AND p.id = c.part
WHERE c.pair = ? AND c.original_id = ? AND c.state IN ('sent', 'uncertain') AND p.state = 'handed over'
  AND (? = 0 OR p.version = ?) AND p.handed_at <= ? ORDER BY p.handed_at DESC, p.id DESC LIMIT 1
"""


class NotTold(Problem):
    """The messenger tells no statistics that can be counted."""

    title = "No statistics"


def report_due(joined: Joined) -> int:
    """Read the statistics of every part whose turn it is and tell what was added; how many campaigns were told."""
    due = joined.state.rows(
        "SELECT * FROM parts WHERE pair = ? AND state = ? AND reports < ? AND next_report <= ? ORDER BY id",
        (joined.pair.name, PartState.HANDED.value, len(joined.pair.report_hours), joined.business()),
    )
    if due:
        try:
            _read(joined, due)
        except Problem as problem:
            _later(joined, due, words(problem))
            log.warning("bridge.statistics.failed pair=%s %s", joined.pair.name, problem.title)
    _close_empty(joined)
    told = _tell(joined)
    _forget(joined)
    return told


def recover(joined_state: sqlite3.Connection, pair: str) -> None:
    """What was being told when a bridge died, without a key that counts once, is not told again."""
    joined_state.execute(
        "UPDATE told SET state = 'uncertain', problem = 'The bridge ended while it was told.' "
        "WHERE pair = ? AND state = 'telling' AND once = 0",
        (pair,),
    )


def _read(joined: Joined, due: list[sqlite3.Row]) -> None:
    """The totals of these parts into the state, and what was added since into what is to be told."""
    exported = _exported(joined, due)
    found = {part["id"]: _together(_from_version(joined, part), exported.get(part["id"])) for part in due}
    with joined.state.write() as connection:
        for part in due:
            _advance(joined, connection, part, found[part["id"]], _left_out(connection, part))
        for campaign, channel, template in {(p["campaign"], p["channel"], p["template"]) for p in due}:
            _write_down(joined, connection, campaign, channel, template)


def _close_empty(joined: Joined) -> None:
    """Of a part that nobody is left in, the planner hears that they were all left out."""
    empty = joined.state.rows(
        "SELECT * FROM parts WHERE pair = ? AND state = ? AND reports = 0",
        (joined.pair.name, PartState.NOBODY.value),
    )
    if not empty:
        return
    with joined.state.write() as connection:
        for part in empty:
            connection.execute(
                "UPDATE parts SET totals = ?, reports = ? WHERE pair = ? AND id = ?",
                (
                    json.dumps(_left_out(connection, part)),
                    len(joined.pair.report_hours),
                    part["pair"],
                    part["id"],
                ),
            )
            _write_down(joined, connection, part["campaign"], part["channel"], part["template"])


def _left_out(connection: sqlite3.Connection, part: sqlite3.Row) -> Totals:
    """Whom the messenger was never asked to send to, in the planner's words: dropped."""
    count = connection.execute(
        f"SELECT count(*) FROM customers WHERE pair = ? AND part = ? AND state IN ({', '.join('?' * len(LEFT_OUT))})",
        (part["pair"], part["id"], *LEFT_OUT),
    ).fetchone()[0]
    return {int(MetricId.DROPPED): count} if count else {}


def _advance(
    joined: Joined, connection: sqlite3.Connection, part: sqlite3.Row, totals: Totals | None, left_out: Totals
) -> None:
    hours, done = joined.pair.report_hours, part["reports"] + 1
    start = max(part["handed_at"], part["send_at"])
    next_report = start + hours[done] * HOUR if done < len(hours) else 0
    connection.execute(
        "UPDATE parts SET totals = coalesce(?, totals), reports = ?, next_report = ?, problem = ? "
        "WHERE pair = ? AND id = ?",
        (
            json.dumps(added([totals or {}, left_out])) if totals is not None or left_out else None,
            done,
            next_report,
            NO_NUMBERS if totals is None else "",
            part["pair"],
            part["id"],
        ),
    )


def _write_down(
    joined: Joined, connection: sqlite3.Connection, campaign: int, channel: int, template: int
) -> None:
    of = (joined.pair.name, campaign, channel, template)
    parts = connection.execute(
        "SELECT totals FROM parts WHERE pair = ? AND campaign = ? AND channel = ? AND template = ? "
        "AND totals IS NOT NULL",
        of,
    ).fetchall()
    told = dict(
        connection.execute(
            "SELECT metric, sum(value) FROM told WHERE pair = ? AND campaign = ? AND channel = ? AND template = ? "
            "GROUP BY metric",
            of,
        ).fetchall()
    )
    totals = added({int(k): v for k, v in json.loads(part["totals"]).items()} for part in parts)
    batch = uuid.uuid4().hex
    for metric, value in between(told, totals).items():
        if value:
            connection.execute(
                "INSERT INTO told (pair, campaign, channel, template, metric, value, batch, once, state, at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, 0, 'ready', ?)",
                (*of, metric, value, batch, joined.now()),
            )


def _together(of_version: Totals | None, exported: Totals | None) -> Totals | None:
    """What exports tell, and from the version's numbers what they do not."""
    return exported if of_version is None else of_version | (exported or {})


def _exported(joined: Joined, due: list[sqlite3.Row]) -> dict[int, Totals]:
    """Totals by part from exports; none where the messenger offers none."""
    found: dict[int, dict[str, set[str]]] = {part["id"]: {} for part in due}
    oldest = joined.business() - min(part["handed_at"] for part in due)
    period = next((name for age, name in PERIODS if oldest <= age), "LAST_2_WEEKS")
    offered = False
    for kind in EXPORTS:
        try:
            batch = joined.messenger.start_export(kind, period)
        except (MessengerHasNot, MessengerRefused):
            continue
        offered = True
        for number in found:
            found[number][kind] = set()
        for record in _records(joined, batch):
            whose = _whose(joined, record)
            if whose in found:
                found[whose][kind].add(record.contact)
    return {number: from_records(kinds) for number, kinds in found.items()} if offered else {}


def _records(joined: Joined, batch: str) -> Iterator[Record]:
    deadline = time.monotonic() + LONGEST_EXPORT
    wait = 0.1
    while not (one := joined.messenger.batch(batch)).done:
        if time.monotonic() > deadline:
            raise NotTold("The messenger's export did not end in ten minutes.", "It is asked for again.")
        time.sleep(wait)
        wait = min(wait * 2, 10)
    if one.status != "FINISHED":
        raise NotTold("The messenger's export failed.", "It is asked for again.")
    for document in export_records(joined.http, joined.messenger.export_url(batch)):
        record = record_of(document)
        if record is not None:
            yield record


def _whose(joined: Joined, record: Record) -> int | None:
    """The newest part that was handed over before what the record tells, to this contact, in this version."""
    at = joined.business() if record.at is None else record.at
    found = joined.state.row(
        _WHOSE, (joined.pair.name, record.contact, record.version, record.version, at + SLACK)
    )
    return None if found is None else int(found["id"])


def _from_version(joined: Joined, part: sqlite3.Row) -> Totals | None:
    """A part's totals from its version's numbers: up to the next part of the same version, or to now.

    None where they cannot be told: the numbers before the part, or the version's now, are not known.
    """
    if part["baseline"] is None:
        return None
    start = _loaded(part["baseline"])
    following = joined.state.row(
        "SELECT baseline FROM parts WHERE pair = ? AND version = ? AND id <> ? AND baseline IS NOT NULL "
        "AND (handed_at, id) > (?, ?) ORDER BY handed_at, id LIMIT 1",
        (part["pair"], part["version"], part["id"], part["handed_at"], part["id"]),
    )
    if following is not None:
        return between(start, _loaded(following["baseline"]))
    found = joined.messenger.statistics(part["template"], part["version"])
    return None if found is None else between(start, totals_of(found))


def _loaded(baseline: str) -> Totals:
    return {int(key): value for key, value in json.loads(baseline).items()}


def _later(joined: Joined, due: list[sqlite3.Row], why: str) -> None:
    with joined.state.write() as connection:
        connection.executemany(
            "UPDATE parts SET next_report = ?, problem = ? WHERE pair = ? AND id = ?",
            [(joined.business() + HOUR, why, part["pair"], part["id"]) for part in due],
        )


def _tell(joined: Joined) -> int:
    """Tell what is written down, a campaign's template at a time; how many were told."""
    batches = joined.state.rows(
        "SELECT DISTINCT batch FROM told WHERE pair = ? AND (state = 'ready' OR state = 'telling' AND once = 1)",
        (joined.pair.name,),
    )
    if not batches:
        return 0
    try:
        joined.planner.get_last_data_update()  # signs in, and shows whether keys count once
    except Problem as problem:
        log.warning("bridge.metrics.waiting pair=%s %s", joined.pair.name, problem.title)
        return 0
    return sum(_tell_one(joined, row["batch"]) for row in batches)


def _tell_one(joined: Joined, batch: str) -> bool:
    once = joined.planner.counts_once
    _mark(joined, batch, "telling", once=once)
    failpoint("b30")
    rows = joined.state.rows("SELECT * FROM told WHERE pair = ? AND batch = ?", (joined.pair.name, batch))
    metrics = [
        Metric(
            channel_id=row["channel"], campaign_id=row["campaign"], template_id=row["template"],
            metric_id=row["metric"], value=row["value"],
        )
        for row in rows
    ]  # fmt: skip
    try:
        joined.planner.update_campaign_metrics(metrics, batch if once else "")
    except (PlannerForbidden, PlannerKnowsNot, PlannerRefused) as problem:
        _mark(joined, batch, "refused", problem=words(problem))
    except (PlannerBusy, PlannerRefusedLogin):
        _mark(joined, batch, "ready")
    except Problem as problem:
        left = not isinstance(problem, PlannerUnreachable) or problem.sent
        _mark(
            joined,
            batch,
            "telling" if once else "uncertain" if left else "ready",
            once=once,
            problem=words(problem),
        )
        log.warning("bridge.metrics.unheard pair=%s %s", joined.pair.name, problem.title)
    else:
        failpoint("b31")
        _mark(joined, batch, "told", once=once)
        return True
    return False


def _mark(joined: Joined, batch: str, state: str, *, once: bool = False, problem: str = "") -> None:
    joined.state.execute(
        "UPDATE told SET state = ?, once = ?, problem = ? WHERE pair = ? AND batch = ?",
        (state, int(once), problem, joined.pair.name, batch),
    )


def _forget(joined: Joined) -> None:
    """Customers of parts that are told for good, or that will never be sent, go; their numbers stay."""
    long_ago = joined.business() - 14 * 24 * HOUR
    over = (
        "SELECT id FROM parts WHERE pair = ?1 AND (state = 'handed over' AND reports >= ?2 "
        "OR state IN ('refused', 'missed', 'cancelled', 'nobody') OR send_at < ?3)"
    )
    values = (joined.pair.name, len(joined.pair.report_hours), long_ago)
    if (
        joined.state.row(f"SELECT 1 FROM customers WHERE pair = ?1 AND part IN ({over}) LIMIT 1", values)
        is None
    ):
        return
    with joined.state.write() as connection:
        connection.execute(
            f"INSERT OR REPLACE INTO counts SELECT pair, part, state, count(*) FROM customers "
            f"WHERE pair = ?1 AND part IN ({over}) GROUP BY pair, part, state",
            values,
        )
        connection.execute(f"DELETE FROM customers WHERE pair = ?1 AND part IN ({over})", values)
