"""The listener: secret addresses, one per pair, where planners say that a campaign is ready; and their registration.

An event is kept, then answered; what it says is only a hint to go and look.
"""

import logging

from tandem.bridge import fetch
from tandem.bridge.config import Config
from tandem.bridge.joined import Joined, words
from tandem.bridge.state import State
from tandem.clients.planner import PlannerKnowsNot
from tandem.contract.events import CampaignEvent, EventType, parse
from tandem.contract.reading import ContractBroken
from tandem.kit.failpoints import failpoint
from tandem.kit.problems import Conflict, Problem
from tandem.kit.secrets import new_token, token_hash

log = logging.getLogger("tandem.bridge")
PATH = "/listener/"
#: events beside 13: a cancelled campaign is also found out by asking
BESIDE = (EventType.CAMPAIGN_CANCELLED,)
#: seconds between two looks at whether the planner still calls us
LOOK_AGAIN = 3600
OVERLAP = 24 * 3600


class ListenerTaken(Conflict):
    """The planner already tells somebody else, and would stop."""

    title = "Another listener is registered"


def secret_of(state: State, pair: str, now: float) -> str:
    """The pair's secret in use; made on the first call."""
    with state.write() as connection:
        row = connection.execute(
            "SELECT sealed FROM listeners WHERE pair = ? AND valid_until IS NULL", (pair,)
        ).fetchone()
        if row is not None:
            return state.vault.open(row["sealed"], f"{pair}:listener")
        secret = new_token()
        connection.execute(
            "INSERT INTO listeners (pair, secret_hash, sealed, made_at) VALUES (?, ?, ?, ?)",
            (pair, token_hash(secret), state.vault.seal(secret, f"{pair}:listener"), now),
        )
    return secret


def address(config: Config, secret: str) -> str:
    """Where the planner is to post."""
    return f"{config.public_url}{PATH}{secret}"


def pair_of(state: State, secret: str, now: float) -> str | None:
    """Whose address it is; None for nobody's, or one whose time is over."""
    row = state.row(
        "SELECT pair FROM listeners WHERE secret_hash = ? AND (valid_until IS NULL OR valid_until > ?)",
        (token_hash(secret), now),
    )
    return None if row is None else str(row["pair"])


def rotate(state: State, pair: str, now: float, overlap: float = OVERLAP) -> str:
    """A new secret; the old one counts for the overlap. It has to be registered."""
    secret_of(state, pair, now)
    with state.write() as connection:
        connection.execute(
            "UPDATE listeners SET valid_until = ? WHERE pair = ? AND valid_until IS NULL",
            (now + overlap, pair),
        )
        connection.execute("UPDATE pairs SET next_registration = 0 WHERE pair = ?", (pair,))
    return secret_of(state, pair, now)


def receive(joined: Joined, body: bytes) -> tuple[int, str]:
    """Keep the event; the status and words of the answer. 200 only after it is on disk."""
    failpoint("b1")
    try:
        event = parse(body)
    except ContractBroken as broken:
        return 400, f"This is not an event: {broken}"
    said = _keep(joined, event)
    failpoint("b2")
    log.info(
        "bridge.event pair=%s type=%s campaign=%s channel=%s", joined.pair.name, event.event_type,
        event.campaign_id, event.channel_id,
    )  # fmt: skip
    return 200, said


def _keep(joined: Joined, event: CampaignEvent) -> str:
    if event.campaign_id is None:
        return f"Event {event.event_type} is not used here."
    if event.event_type == EventType.CAMPAIGN_CANCELLED:
        fetch.doubt(joined.state, joined.pair.name, event.campaign_id)
        return "Accepted."
    if event.event_type != EventType.CHANNEL_EXECUTED:
        return f"Event {event.event_type} is not used here."
    known = [one.id for one in joined.pair.channels]
    channels = [one for one in known if event.channel_id in (None, one)]
    if not channels:
        return f"Channel {event.channel_id} is not of this account. Nothing is sent."
    new = sum(fetch.hear(joined, event.campaign_id, channel, "event") for channel in channels)
    return "Accepted." if new else "Heard before. Nothing changes."


def register_due(config: Config, joined: Joined) -> bool:
    """See to it that the planner calls this pair's address; whether it was looked at. Raises what the calls raise."""
    pair, now = joined.pair, joined.now()
    row = joined.state.row("SELECT next_registration FROM pairs WHERE pair = ?", (pair.name,))
    if pair.hears != "events" or row is None or row["next_registration"] > now:
        return False
    changed = register(config, joined)
    joined.state.execute(  # what was executed until now was told to nobody: ask once more
        "UPDATE pairs SET registered_at = ?, next_registration = ?, problem = '', "
        "next_poll = CASE ? WHEN 0 THEN next_poll ELSE 0 END WHERE pair = ?",
        (now, now + LOOK_AGAIN, changed, pair.name),
    )
    return True


def register(config: Config, joined: Joined) -> int:
    """Register each channel that is not; how many. Raises ListenerTaken and what the planner's calls raise."""
    url = address(config, secret_of(joined.state, joined.pair.name, joined.now()))
    there = _registered(joined)
    for channel in joined.pair.channels:
        other = there.get((EventType.CHANNEL_EXECUTED, channel.id))
        if other and not _is_ours(config, joined, other) and not joined.pair.planner.replace:
            raise ListenerTaken(
                f"The planner tells another listener of channel {channel.id}, and keeps one only.",
                "Two would both send. Have it unregistered, or set replace_listener = true.",
            )
    changed = 0
    for channel in joined.pair.channels:
        if there.get((EventType.CHANNEL_EXECUTED, channel.id)) != url:
            joined.planner.register_event_listener(EventType.CHANNEL_EXECUTED, url, channel.id)
            changed += 1
        _beside(joined, channel.id, url, there)
    return changed


def unregister(joined: Joined) -> None:
    """Have nothing posted any more. Raises what the planner's calls raise."""
    for channel in joined.pair.channels:
        joined.planner.unregister_event_listener(EventType.CHANNEL_EXECUTED, channel.id)
        for event in BESIDE:
            try:
                joined.planner.unregister_event_listener(event, channel.id)
            except Problem as problem:
                log.info("bridge.unregister pair=%s event=%s %s", joined.pair.name, event, problem.title)
    joined.state.execute(
        "UPDATE pairs SET registered_at = NULL, next_registration = 0 WHERE pair = ?", (joined.pair.name,)
    )


def _registered(joined: Joined) -> dict[tuple[int, int | None], str]:
    try:
        return {
            (one.event_type, one.channel_id): one.url for one in joined.planner.registered_event_listeners()
        }
    except PlannerKnowsNot:  # it does not tell whom it calls
        return {}


def _is_ours(config: Config, joined: Joined, url: str) -> bool:
    start = f"{config.public_url}{PATH}"
    secret = url.removeprefix(start)
    return url.startswith(start) and pair_of(joined.state, secret, joined.now()) == joined.pair.name


def _beside(joined: Joined, channel: int, url: str, there: dict[tuple[int, int | None], str]) -> None:
    for event in BESIDE:
        if there.get((event, channel)) is None or joined.pair.planner.replace:
            try:
                joined.planner.register_event_listener(event, url, channel)
            except Problem as problem:
                log.info("bridge.register pair=%s event=%s %s", joined.pair.name, event, words(problem))
