"""A pair at work: its two clients, the state, the clocks."""

import json
import sqlite3
from dataclasses import dataclass
from datetime import date, timedelta

from tandem.bridge.config import Config, Pair
from tandem.bridge.domain import totals_of
from tandem.bridge.state import State
from tandem.clients.messenger_sender import SenderMessenger
from tandem.clients.planner_sender import SenderPlanner
from tandem.kit.clock import Clock
from tandem.kit.http import DEFAULT_PORTS, Http
from tandem.kit.problems import Problem
from tandem.kit.zones import to_local


@dataclass(frozen=True, kw_only=True)
class Joined:
    """Everything that work on one pair needs."""

    pair: Pair
    state: State
    clock: Clock
    http: Http
    planner: SenderPlanner
    messenger: SenderMessenger

    def now(self) -> float:
        """The machine's time, in seconds: retries, receipts."""
        return self.clock.system().timestamp()

    def business(self) -> float:
        """The time campaigns live in, in seconds."""
        return self.clock.business().timestamp()

    def days(self) -> tuple[date, ...]:
        """The planner's date now; shortly after midnight the day before too."""
        wall = to_local(self.clock.business(), self.pair.zone)
        today = wall.date()
        return (today, today - timedelta(days=1)) if wall.hour < 2 else (today,)

    def is_late(self, send_at: int) -> bool:
        """Whether it is too late to hand over."""
        return self.business() > send_at + self.pair.late_minutes * 60


def join(config: Config, pair: Pair, state: State, clock: Clock) -> Joined:
    """The pair with clients of its own."""
    http = Http(allow_private=config.allow_private, ports=DEFAULT_PORTS | set(config.ports))
    planner, messenger = pair.planner, pair.messenger
    return Joined(
        pair=pair,
        state=state,
        clock=clock,
        http=http,
        planner=SenderPlanner(
            planner.url,
            user=planner.credentials.user,
            password=planner.credentials.password,
            api_key=planner.credentials.key,
            http=http,
            profile=planner.profile,
            attributes=tuple(pair.attributes),
        ),
        messenger=SenderMessenger(
            messenger.api_url,
            messenger.customer_id,
            messenger.credentials.user,
            messenger.credentials.password,
            messenger.credentials.key,
            http,
            profile=messenger.profile,
        ),
    )


def baseline_of(joined: Joined, part: sqlite3.Row) -> str | None:
    """The metrics of a part's version up to now, as JSON, for servers without exports; None where none are told."""
    try:
        found = joined.messenger.statistics(part["template"], part["version"])
    except Problem:
        return None
    return None if found is None else json.dumps(totals_of(found))


def words(problem: Problem) -> str:
    """A problem in one line."""
    return f"{problem.title}: {problem.detail} {problem.advice}".strip()[:500]
