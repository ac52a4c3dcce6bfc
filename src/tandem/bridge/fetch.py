"""Campaigns that were heard of: their lists are read, checked, and split into parts. Until then nothing is told."""

import json
import logging
import sqlite3
from collections.abc import Iterable, Sequence

from tandem.bridge.config import Channel
from tandem.bridge.domain import STOPPED, CampaignState, Due, PartState, due, retry_after
from tandem.bridge.joined import Joined, words
from tandem.bridge.state import State
from tandem.clients.messenger_problems import MessengerHasNot
from tandem.clients.planner import CompleteRead
from tandem.clients.planner_problems import CustomerTwice, NotForThisChannel, PlannerKnowsNot
from tandem.clients.planner_sender import RowWithAttributes
from tandem.contract.messenger_api import ChannelType, Trigger
from tandem.contract.planner_api import ExecutionRow
from tandem.kit.failpoints import failpoint
from tandem.kit.problems import Problem, Refused

log = logging.getLogger("tandem.bridge")
#: seconds after it was heard of at which a list that cannot be read is given up
GIVEN_UP = 24 * 3600
_NEW = """
INSERT OR IGNORE INTO campaigns (pair, campaign, channel, state, source, heard_at, day) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_KEEP = """
INSERT INTO customers (pair, campaign, channel, customer, template, wall, promo, attributes)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
#: campaigns of which something is still to be handed over, with the date of sending on the planner's wall
_TO_BE_SENT = """
SELECT DISTINCT p.campaign, p.channel, substr(p.delivery_time, 1, 10) AS day
FROM parts p JOIN campaigns c ON c.pair = p.pair AND c.campaign = p.campaign AND c.channel = p.channel
WHERE p.pair = ? AND p.state IN ('waiting', 'created', 'sending') AND c.doubted = 0
"""
_OF = "pair = ? AND campaign = ? AND channel = ?"
_KINDS = {"email": (ChannelType.EMAIL, ChannelType.MIXED), "sms": (ChannelType.SMS, ChannelType.MIXED)}


class NotForUs(Refused):
    """The campaign cannot be handed over as it is."""

    title = "The campaign is refused"


class NotYet(Problem):
    """The campaign cannot be handed over now; somebody may mend that before it is due."""

    title = "The campaign waits"


def hear(joined: Joined, campaign: int, channel: int, source: str) -> bool:
    """Note a campaign to be fetched; False if it was heard of before."""
    day = joined.days()[0].isoformat()
    values = (joined.pair.name, campaign, channel, CampaignState.HEARD.value, source, joined.now(), day)
    return joined.state.execute(_NEW, values) == 1


def begin(joined: Joined) -> None:
    """Once per pair: what was executed before is somebody else's. Raises what the planner's calls raise."""
    found = joined.state.row("SELECT begun_at FROM pairs WHERE pair = ?", (joined.pair.name,))
    if found is not None and found["begun_at"] is not None:
        return
    earlier = _listed(joined)
    with joined.state.write() as connection:
        connection.executemany(
            _NEW,
            [
                (joined.pair.name, campaign, channel, CampaignState.BEFORE.value, "poll", joined.now(), day)
                for campaign, channel, day in earlier
            ],
        )
        connection.execute(
            "INSERT INTO pairs (pair, begun_at) VALUES (?, ?) "
            "ON CONFLICT (pair) DO UPDATE SET begun_at = excluded.begun_at",
            (joined.pair.name, joined.now()),
        )
    log.info("bridge.begun pair=%s campaigns_before=%s", joined.pair.name, len(earlier))


def poll(joined: Joined) -> int:
    """Ask for executed campaigns, in case an event was lost; how many were new.

    One whose list is kept and that is no longer listed is looked at again before anything is handed over.
    """
    found = _listed(joined)
    new = sum(hear(joined, campaign, channel, "poll") for campaign, channel, _ in found)
    there = {(campaign, channel) for campaign, channel, _ in found}
    days = {day.isoformat() for day in joined.days()}
    for row in joined.state.rows(_TO_BE_SENT, (joined.pair.name,)):
        if row["day"] in days and (row["campaign"], row["channel"]) not in there:
            doubt(joined.state, joined.pair.name, row["campaign"])
    return new


def doubt(state: State, pair: str, campaign: int) -> None:
    """The campaign may be cancelled: ask before anything more is handed over."""
    state.execute(
        "UPDATE campaigns SET doubted = 1 WHERE pair = ? AND campaign = ? AND doubted = 0", (pair, campaign)
    )


def _listed(joined: Joined) -> list[tuple[int, int, str]]:
    return [
        (campaign, channel.id, day.isoformat())
        for day in joined.days()
        for channel in joined.pair.channels
        for campaign in joined.planner.executed_campaigns_by_channel(channel.id, day)
    ]


def fetch_due(joined: Joined) -> int:
    """Fetch every campaign that is due to be; how many lists are kept now."""
    heard = joined.state.rows(
        "SELECT * FROM campaigns WHERE pair = ? AND state = ? AND next_try <= ? ORDER BY heard_at",
        (joined.pair.name, CampaignState.HEARD.value, joined.now()),
    )
    return sum(_fetch(joined, row) for row in heard)


def _fetch(joined: Joined, row: sqlite3.Row) -> bool:
    try:
        _take(joined, row)
    except (NotForUs, NotForThisChannel, PlannerKnowsNot) as problem:
        _end(joined, row, CampaignState.REFUSED, words(problem))
    except Problem as problem:
        late = joined.now() > row["heard_at"] + GIVEN_UP
        if late:
            _end(joined, row, CampaignState.MISSED, words(problem))
        else:
            _again(joined, row, problem)
    else:
        return True
    return False


def _take(joined: Joined, row: sqlite3.Row) -> None:
    channel = joined.pair.channel(row["channel"])
    if channel is None:
        raise NotForUs(f"Channel {row['channel']} is not of this pair.", "Nothing is sent.")
    failpoint("b3")
    read = _read(joined, row)
    if read.details.status.strip().casefold() in STOPPED:
        _end(
            joined,
            row,
            CampaignState.CANCELLED,
            f"The planner says {read.details.status}. {read.details.error}",
        )
        return
    parts = _parts(joined, row, read)
    _check(joined, channel, sorted({template for template, _ in parts}))
    _keep_parts(joined, row, parts, read.rows)
    failpoint("b5")
    log.info(
        "bridge.listed pair=%s campaign=%s channel=%s customers=%s parts=%s",
        joined.pair.name, row["campaign"], row["channel"], read.rows, len(parts),
    )  # fmt: skip


def _read(joined: Joined, row: sqlite3.Row) -> CompleteRead:
    """The list into the state, page by page; rows of an earlier attempt go first."""
    of = (row["pair"], row["campaign"], row["channel"])
    joined.state.execute(f"DELETE FROM customers WHERE {_OF}", of)

    def keep(page: list[ExecutionRow]) -> None:
        try:
            with joined.state.write() as connection:
                connection.executemany(_KEEP, _values(joined, of, page))
        except sqlite3.IntegrityError as error:
            raise CustomerTwice(
                "A customer is on the planner's list twice.", "Nothing was sent. The list is read again."
            ) from error
        failpoint("b4")

    return joined.planner.complete_read(row["campaign"], row["channel"], keep)


def _values(joined: Joined, of: tuple[str, int, int], page: list[ExecutionRow]) -> Iterable[Sequence[object]]:
    names = tuple(joined.pair.attributes)
    for one in page:
        found = one.attributes if isinstance(one, RowWithAttributes) else ()
        attributes = json.dumps(dict(zip(names, found, strict=False)), ensure_ascii=False) if found else "{}"
        yield (*of, one.customer_id, one.template_id, one.scheduled_time, one.promo_code, attributes)


def _parts(joined: Joined, row: sqlite3.Row, read: CompleteRead) -> dict[tuple[int, str], Due]:
    """Templates and wall times of the list; what a customer's row leaves out its channel's row tells."""
    of = (row["pair"], row["campaign"], row["channel"])
    told = {one.template_id: one.scheduled_time for one in read.channel_rows}
    with joined.state.write() as connection:
        if len(told) == 1:
            connection.execute(
                f"UPDATE customers SET template = ? WHERE {_OF} AND template IS NULL", (*told, *of)
            )
        for template, wall in told.items():
            connection.execute(
                f"UPDATE customers SET wall = ? WHERE {_OF} AND template = ? AND wall = ''",
                (wall, *of, template),
            )
    found = joined.state.rows(f"SELECT DISTINCT template, wall FROM customers WHERE {_OF}", of)
    parts = {}
    for one in found:
        if one["template"] is None:
            raise NotForUs(
                "The planner's list does not say which template a customer gets.", "Nothing is sent."
            )
        try:
            parts[one["template"], one["wall"]] = due(one["wall"], joined.pair.zone)
        except ValueError:
            raise NotForUs(
                "The planner's list has a send time that cannot be read.", "Nothing is sent."
            ) from None
    return parts


def _check(joined: Joined, channel: Channel, templates: Sequence[int]) -> None:
    """Every template can be sent on the channel, and all are of one project. Raises NotForUs, NotYet."""
    triggers = [_trigger(joined, number) for number in templates]
    projects = {trigger.project_id for trigger in triggers}
    if len(projects) > 1:
        told = ", ".join(f"{one.id} in project {one.project_id}" for one in triggers)
        raise NotForUs(
            f"The campaign's templates are of more than one project ({told}); a campaign uses one.",
            "Nothing is sent. Plan it with templates of one project.",
        )
    if channel.project is not None and projects - {channel.project}:
        raise NotForUs(
            f"The campaign's templates are of project {projects.pop()}; this channel sends project {channel.project}.",
            "Nothing is sent.",
        )
    for trigger in triggers:
        kind = trigger.channel_type
        if kind != ChannelType.UNKNOWN and kind not in _KINDS[channel.kind]:
            raise NotForUs(f"Template {trigger.id} is not for {channel.kind}.", "Nothing is sent.")
        if trigger.list_id is None:
            raise NotForUs(f"Template {trigger.id} has no list.", "Give it one in the messenger.")
        if not trigger.usable:
            raise NotYet(
                f"Template {trigger.id} is not active.", "Activate it in the messenger before it is due."
            )


def _trigger(joined: Joined, number: int) -> Trigger:
    try:
        return joined.messenger.trigger(number)
    except MessengerHasNot:
        raise NotForUs(
            f"The messenger has no template {number}.",
            "Nothing is sent. Bring the planner's templates in step.",
        ) from None


def _keep_parts(joined: Joined, row: sqlite3.Row, parts: dict[tuple[int, str], Due], customers: int) -> None:
    of = (row["pair"], row["campaign"], row["channel"])
    with joined.state.write() as connection:
        for (template, wall), at in parts.items():
            state = PartState.MISSED if joined.is_late(at.at) else PartState.WAITING
            connection.execute(
                "INSERT INTO parts (pair, campaign, channel, template, send_at, delivery_time, state) "
                "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (*of, template, at.at, at.text, state.value),
            )
            connection.execute(
                f"UPDATE customers SET part = (SELECT id FROM parts WHERE {_OF} AND template = ? AND send_at = ?) "
                f"WHERE {_OF} AND template = ? AND wall = ?",
                (*of, template, at.at, *of, template, wall),
            )
        connection.execute(
            f"UPDATE campaigns SET state = ?, customers = ?, listed_at = ?, problem = '' WHERE {_OF}",
            (CampaignState.LISTED.value, customers, joined.now(), *of),
        )


def _again(joined: Joined, row: sqlite3.Row, problem: Problem) -> None:
    tries = row["tries"] + 1
    joined.state.execute(
        f"UPDATE campaigns SET tries = ?, next_try = ?, problem = ? WHERE {_OF}",
        (
            tries,
            joined.now() + retry_after(tries),
            words(problem),
            row["pair"],
            row["campaign"],
            row["channel"],
        ),
    )
    log.warning("bridge.fetch.failed pair=%s campaign=%s %s", row["pair"], row["campaign"], problem.title)


def _end(joined: Joined, row: sqlite3.Row, state: CampaignState, why: str) -> None:
    of = (row["pair"], row["campaign"], row["channel"])
    with joined.state.write() as connection:
        connection.execute(f"DELETE FROM customers WHERE {_OF}", of)
        connection.execute(
            f"UPDATE campaigns SET state = ?, problem = ? WHERE {_OF}",
            (state.value, why.strip()[:500], *of),
        )
    log.error("bridge.%s pair=%s campaign=%s channel=%s", state.value, *of)
