"""`tandem bridge check`: what can be found out about a pair without changing anything."""

from collections.abc import Callable
from typing import Any

from tandem.bridge import listen
from tandem.bridge.config import Config
from tandem.bridge.joined import Joined, join, words
from tandem.bridge.state import State
from tandem.clients.planner import PlannerKnowsNot
from tandem.contract.events import EventType
from tandem.kit import clock
from tandem.kit.problems import Conflict, Problem


def steps(config: Config, state: State) -> list[dict[str, Any]]:
    """Each step with its words; a pair's later steps are tried though an earlier one failed."""
    found = []
    for pair in config.pairs:
        joined = join(config, pair, state, clock.from_environment())
        for what, ask in (
            ("Planner, sign in", _planner),
            ("Planner, listener", lambda one: _listener(config, one)),
            ("Messenger, sign in", _messenger),
            ("Messenger, templates", _templates),
            ("Messenger, columns", _columns),
        ):
            found.append({"pair": pair.name, "what": what, **_tried(ask, joined)})
    return found


def _tried(ask: Callable[[Joined], str], joined: Joined) -> dict[str, Any]:
    try:
        return {"ok": True, "words": ask(joined)}
    except Problem as problem:
        return {"ok": False, "words": words(problem)}


def _planner(joined: Joined) -> str:
    joined.planner.login()
    day = joined.days()[0]
    count = sum(
        len(joined.planner.executed_campaigns_by_channel(channel.id, day)) for channel in joined.pair.channels
    )
    return f"It accepts the credentials and lists {count} campaigns of {day}."


def _listener(config: Config, joined: Joined) -> str:
    if joined.pair.hears == "polling":
        return f"None is used; it is asked every {joined.pair.poll_seconds:g} seconds."
    try:
        there = {
            (one.event_type, one.channel_id): one.url for one in joined.planner.registered_event_listeners()
        }
    except PlannerKnowsNot:
        return "It does not tell whom it calls; the bridge will register when it runs."
    for channel in joined.pair.channels:
        url = there.get((EventType.CHANNEL_EXECUTED, channel.id))
        ours = url is None or url.startswith(f"{config.public_url}{listen.PATH}")
        if not ours and not joined.pair.planner.replace:
            raise Conflict(
                f"It tells another listener of channel {channel.id}.",
                "Have that one unregistered, or set replace_listener = true.",
            )
    return f"Nothing stands against {config.public_url}{listen.PATH}..."


def _messenger(joined: Joined) -> str:
    joined.messenger.sign_in()
    return "It accepts the credentials."


def _templates(joined: Joined) -> str:
    usable = [trigger for trigger in joined.messenger.triggers() if trigger.usable]
    projects = {trigger.project_id for trigger in usable}
    lists = {trigger.list_id for trigger in usable}
    return f"{len(usable)} active templates in {len(projects)} projects, on {len(lists)} lists."


def _columns(joined: Joined) -> str:
    wanted = {*joined.pair.attributes.values(), joined.pair.promo_column} - {""}
    known = joined.messenger.columns()
    unknown = sorted(name for name in wanted if name.lower() not in known)
    if unknown and not joined.pair.messenger.create:
        raise Conflict(
            f"The messenger has no attribute {', '.join(unknown)}.",
            'Add it there, or change promo_column or [pair.attributes]. promo_column = "" is none.',
        )
    return "Every column has an attribute." if not unknown else f"{', '.join(unknown)} will be created."
