"""Projects and templates of the messenger, kept in step as apps and templates of a planner that cannot read them.

Ids are the messenger's own numbers. Only what the bridge itself has added is ever renamed or deleted.
"""

import logging
import sqlite3
from collections.abc import Iterable

from tandem.bridge.config import Channel
from tandem.bridge.joined import Joined, words
from tandem.contract.messenger_api import ChannelType, Trigger
from tandem.kit.failpoints import failpoint
from tandem.kit.problems import Problem

log = logging.getLogger("tandem.bridge")
#: number -> name, and the project of a template (0 for a project itself)
Things = dict[int, tuple[str, int]]
_FITS = {
    "email": frozenset({ChannelType.EMAIL, ChannelType.MIXED}),
    "sms": frozenset({ChannelType.SMS, ChannelType.MIXED}),
}


def sync_due(joined: Joined) -> bool:
    """Bring the planner in step if it is time; whether it was tried."""
    pair, now = joined.pair, joined.now()
    row = joined.state.row("SELECT next_catalogue FROM pairs WHERE pair = ?", (pair.name,))
    if not pair.catalogue or row is None or row["next_catalogue"] > now:
        return False
    problem = ""
    try:
        sync(joined)
    except Problem as failed:
        problem = words(failed)
        log.warning("bridge.catalogue.failed pair=%s %s", pair.name, failed.title)
    joined.state.execute(
        "UPDATE pairs SET next_catalogue = ?, catalogue_problem = ?, catalogue_at = CASE ? WHEN '' THEN ? "
        "ELSE catalogue_at END WHERE pair = ?",
        (now + pair.catalogue_minutes * 60, problem, problem, now, pair.name),
    )
    return True


def sync(joined: Joined) -> int:
    """Add, rename, delete, on every channel; how many changes. Raises what the calls raise.

    An empty catalogue deletes nothing: a messenger that has lost its projects is no reason to lose the planner's.
    """
    projects = {project.id: project.name for project in joined.messenger.projects()}
    usable = [trigger for trigger in joined.messenger.triggers() if trigger.usable]
    changes = 0
    for channel in joined.pair.channels:
        fitting = [trigger for trigger in usable if _fits(trigger, channel)]
        if not fitting:
            log.warning("bridge.catalogue.empty pair=%s channel=%s", joined.pair.name, channel.id)
            continue
        apps: Things = {
            number: (projects.get(number, f"Project {number}"), 0)
            for number in sorted({trigger.project_id for trigger in fitting})
        }
        templates: Things = {trigger.id: (trigger.name, trigger.project_id) for trigger in fitting}
        changes += _apply(joined, channel.id, apps, templates)
    if changes:
        log.info("bridge.catalogue pair=%s changes=%s", joined.pair.name, changes)
    return changes


def _fits(trigger: Trigger, channel: Channel) -> bool:
    in_project = channel.project is None or trigger.project_id == channel.project
    return in_project and trigger.channel_type in _FITS[channel.kind]


def _apply(joined: Joined, channel: int, apps: Things, templates: Things) -> int:
    """Additions first, projects before their templates; deletions last. What was done is noted batch by batch."""
    ours_apps, ours = _ours(joined, channel, "app"), _ours(joined, channel, "template")
    there = joined.planner.channel_templates(channel)
    new_apps = {n: one for n, one in apps.items() if ours_apps.get(n) != one}
    new = {n: one for n, one in templates.items() if ours.get(n) != one or there.get(n) != one[0]}
    gone, gone_apps = sorted(set(ours) - set(templates)), sorted(set(ours_apps) - set(apps))
    if new_apps:
        joined.planner.add_channel_apps(channel, [(n, name) for n, (name, _) in new_apps.items()])
        _note(joined, channel, "app", new_apps)
    failpoint("b40")
    if new:
        joined.planner.add_channel_templates(channel, [(n, name, app) for n, (name, app) in new.items()])
        _note(joined, channel, "template", new)
    failpoint("b41")
    if gone:
        joined.planner.delete_channel_templates(channel, gone)
        _drop(joined, channel, "template", gone)
    if gone_apps:
        joined.planner.delete_channel_apps(channel, gone_apps)
        _drop(joined, channel, "app", gone_apps)
    return len(new_apps) + len(new) + len(gone) + len(gone_apps)


def _ours(joined: Joined, channel: int, kind: str) -> Things:
    found: list[sqlite3.Row] = joined.state.rows(
        "SELECT number, name, app FROM catalogue WHERE pair = ? AND channel = ? AND kind = ?",
        (joined.pair.name, channel, kind),
    )
    return {row["number"]: (row["name"], row["app"]) for row in found}


def _note(joined: Joined, channel: int, kind: str, things: Things) -> None:
    with joined.state.write() as connection:
        connection.executemany(
            "INSERT OR REPLACE INTO catalogue (pair, channel, kind, number, name, app) VALUES (?, ?, ?, ?, ?, ?)",
            [(joined.pair.name, channel, kind, number, *one) for number, one in things.items()],
        )


def _drop(joined: Joined, channel: int, kind: str, numbers: Iterable[int]) -> None:
    with joined.state.write() as connection:
        connection.executemany(
            "DELETE FROM catalogue WHERE pair = ? AND channel = ? AND kind = ? AND number = ?",
            [(joined.pair.name, channel, kind, number) for number in numbers],
        )
