"""What a person does: look, say what became of an uncertain part, take a campaign that was executed before."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from tandem.bridge.config import Config, Pair
from tandem.bridge.domain import CampaignState, PartState
from tandem.bridge.state import State, move
from tandem.kit.problems import NotFound


class NothingUncertain(NotFound):
    """There is nothing of this name to be resolved."""

    title = "Nothing to resolve"


def overview(config: Config, state: State) -> dict[str, Any]:
    """Every pair and its newest campaigns; no address, no customer."""
    return {
        "pairs": [_pair(state, pair) for pair in config.pairs],
        "uncertain": [
            f"tandem bridge resolve --config FILE {row['pair']} {row['campaign']} --channel {row['channel']} "
            f"--template {row['template']} --sent|--not-sent"
            for row in state.rows("SELECT * FROM parts WHERE state = 'uncertain' ORDER BY id")
        ],
        "left_behind": sorted(
            {row["pair"] for row in state.rows("SELECT pair FROM pairs")}
            - {pair.name for pair in config.pairs}
        ),
    }


def attention(state: State, pairs: Mapping[str, Any]) -> dict[str, str]:
    """Pairs that need a person, and why."""
    found: dict[str, str] = {}
    for row in state.rows("SELECT pair, count(*) AS n FROM parts WHERE state = 'uncertain' GROUP BY pair"):
        found[row["pair"]] = f"{row['n']} uncertain"
    for row in state.rows("SELECT pair FROM pairs WHERE problem <> '' OR catalogue_problem <> ''"):
        found.setdefault(row["pair"], "a call at one of its sides fails")
    return {name: words for name, words in found.items() if name in pairs}


def resolve(
    state: State, pair: Pair, campaign: int, *, channel: int | None, template: int | None, sent: bool,
    by: str, now: float,
) -> int:  # fmt: skip
    """A person says whether what is uncertain was sent; how many parts. Raises NothingUncertain.

    Not sent: it is handed over anew, if it is not too late.
    """
    with state.write() as connection:
        parts = [
            part
            for part in connection.execute(
                "SELECT * FROM parts WHERE pair = ? AND campaign = ? AND state = ?",
                (pair.name, campaign, PartState.UNCERTAIN.value),
            ).fetchall()
            if channel in (None, part["channel"]) and template in (None, part["template"])
        ]
        for part in parts:
            _settle(connection, pair, part, sent=sent, by=by, now=now)
        taken = 0 if parts or sent else _take(connection, pair, campaign, channel)
    if not parts and not taken:
        raise NothingUncertain(
            f"Nothing of campaign {campaign} of pair {pair.name} is uncertain.",
            "Look with `tandem bridge status`.",
        )
    return len(parts) or taken


def _settle(
    connection: sqlite3.Connection, pair: Pair, part: sqlite3.Row, *, sent: bool, by: str, now: float
) -> None:
    of_part = (part["pair"], part["id"])
    note = f"{by} says that it was {'sent' if sent else 'not sent'}. {part['problem']}"
    unsure = "('uncertain', 'found')" if part["way"] == "job" else "('uncertain')"
    late = now > part["send_at"] + pair.late_minutes * 60
    if sent:
        report = max(now, part["send_at"]) + pair.report_hours[0] * 3600
        move(connection, part, PartState.HANDED, note, resolved_by=by, handed_at=part["handed_at"] or now,
             next_report=report)  # fmt: skip
    elif late:
        move(connection, part, PartState.MISSED, note + " It is too late to send.", resolved_by=by)
    elif part["way"] == "job":
        move(
            connection, part, PartState.WAITING, note, resolved_by=by, job=None, asked=0, looked=0, next_try=0
        )
    else:
        move(connection, part, PartState.SENDING, note, resolved_by=by, next_try=0)
    became = "sent" if sent else "missed" if late else "found"
    connection.execute(
        f"UPDATE customers SET state = ? WHERE pair = ? AND part = ? AND state IN {unsure}",
        (became, *of_part),
    )


def _take(connection: sqlite3.Connection, pair: Pair, campaign: int, channel: int | None) -> int:
    """A campaign executed before the pair began is taken after all; one that may be cancelled goes on."""
    of = (pair.name, campaign, channel, channel)
    taken = connection.execute(
        "UPDATE campaigns SET state = ?, next_try = 0 WHERE pair = ? AND campaign = ? "
        "AND (? IS NULL OR channel = ?) AND state = ?",
        (CampaignState.HEARD.value, *of, CampaignState.BEFORE.value),
    ).rowcount
    released = connection.execute(
        "UPDATE campaigns SET doubted = 2 WHERE pair = ? AND campaign = ? "
        "AND (? IS NULL OR channel = ?) AND doubted = 1",
        of,
    ).rowcount
    if released:
        connection.execute(
            "UPDATE parts SET next_try = 0 WHERE pair = ? AND campaign = ? AND (? IS NULL OR channel = ?)", of
        )
    return taken + released


def _pair(state: State, pair: Pair) -> dict[str, Any]:
    row = state.row("SELECT * FROM pairs WHERE pair = ?", (pair.name,))
    shown = ("begun_at", "polled_at", "registered_at", "catalogue_at", "problem", "catalogue_problem")
    return {
        "pair": pair.name,
        **({name: row[name] for name in shown} if row is not None else dict.fromkeys(shown)),
        "campaigns": [
            _campaign(state, one)
            for one in state.rows(
                "SELECT * FROM campaigns WHERE pair = ? AND state <> 'before' ORDER BY heard_at DESC LIMIT 100",
                (pair.name,),
            )
        ],
    }


def _campaign(state: State, row: sqlite3.Row) -> dict[str, Any]:
    of = (row["pair"], row["campaign"], row["channel"])
    parts = state.rows(
        "SELECT * FROM parts WHERE pair = ? AND campaign = ? AND channel = ? ORDER BY template, send_at", of
    )
    told = state.rows(
        "SELECT template, metric, sum(value) AS value, state FROM told "
        "WHERE pair = ? AND campaign = ? AND channel = ? GROUP BY template, metric, state",
        of,
    )
    return {
        "campaign": row["campaign"],
        "channel": row["channel"],
        "state": standing(row["state"], [part["state"] for part in parts]),
        "source": row["source"],
        "customers": row["customers"],
        "problem": row["problem"],
        "parts": [_part(state, part) for part in parts],
        "metrics": [dict(one) for one in told],
    }


def standing(state: str, parts: list[str]) -> str:
    """A campaign in one word: what is worst or still open among its parts."""
    if state != CampaignState.LISTED:
        return state
    order = (
        "uncertain",
        "uploading",
        "creating",
        "sending",
        "created",
        "waiting",
        "refused",
        "missed",
        "cancelled",
    )
    return next(
        (word for word in order if word in parts), "handed over" if "handed over" in parts else "nobody"
    )


def _part(state: State, part: sqlite3.Row) -> dict[str, Any]:
    counts = {
        row["state"]: row["n"]
        for row in state.rows(
            "SELECT state, count(*) AS n FROM customers WHERE pair = ?1 AND part = ?2 GROUP BY state "
            "UNION ALL SELECT state, customers FROM counts WHERE pair = ?1 AND part = ?2",
            (part["pair"], part["id"]),
        )
    }
    shown = ("template", "delivery_time", "state", "way", "job", "list_id", "problem", "resolved_by")
    return {**{name: part[name] for name in shown}, "customers": counts}
