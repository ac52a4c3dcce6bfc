"""F1 and F3 for the planner: both halves as they are installed, campaigns of the demonstration, mail by the relay."""

import contextlib
import os
import re
import signal
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from tests.fixtures.days import schedule
from tests.fixtures.processes import Stack, wait_for

from faults.invariants import Report, check_invariants
from faults.observed import Observed, Run
from faults.world import UP
from tandem.kit import embedded_postgres

WHERE = {
    "p1": "due check", "p2": "group asked", "p3": "list written", "p5": "outbox row", "p4": "freeze, before its commit",
    "p6": "event claimed, before the post", "p7": "event posted, before it is written down", "p8": "a page served",
}  # fmt: skip
#: in the order in which a campaign comes to them
STEPS = tuple(WHERE)
#: where one of two planners stands still: its list is made and not committed; its event is claimed and not told
STANDING = ("p4", "p6")
CHECKED = (
    "the list was frozen once, each on it has one row at the messenger and nobody else has, the event is told, the "
    "campaign counts as sent"
)
CUSTOMERS = 300
REACHED = 90.0
SLOWEST = 240.0
LEAD = timedelta(seconds=15)
PLANNER = "tandem_planner"
_DUE = """
UPDATE planner_campaigns_occurrence SET lock_at = %s, send_at = %s, late_at = %s WHERE id = %s RETURNING id
"""
#: a claim on an event is a minute, longer than a listener may take; the first turn waits for it, the others do not
_LEASE_OVER = (
    "UPDATE planner_listeners_eventoutbox SET claimed_until = NULL WHERE state = 'waiting' RETURNING id"
)
_LISTED = """
SELECT c.customer_id FROM planner_execution_listrow r JOIN planner_customers_customer c ON c.id = r.customer
WHERE r.occurrence_id = %s AND r.action = 2 AND r.reason = ''
"""
_HEAD = """
SELECT o.state, (SELECT array_agg(l.targeted) FROM planner_execution_customerlist l WHERE l.occurrence_id = o.id),
       (SELECT count(*) FROM planner_listeners_eventoutbox b WHERE b.state = 'waiting' AND b.account_id = o.account_id)
FROM planner_campaigns_occurrence o WHERE o.id = %s
"""
_ADDRESSES = "SELECT original_id, email FROM messenger_contacts_contact"


class House(Observed):
    """A finished demonstration, whose next campaigns wait for their minute and leave through the relay."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True)
        super().__init__(Stack(home))
        self.stack.environment.pop("TANDEM_ALLOW_PRIVATE")
        #: the second worker of the same planner
        self._beside = Stack(home)
        self.waiting: list[int] = []
        self.runs: list[Run] = []

    def furnish(self, campaigns: int) -> None:
        """The demonstration, and campaigns that wait."""
        demonstrate(self.stack)
        for line in (self.home / "tandem.env").read_text().splitlines():
            name, _, text = line.partition("=")
            if name.endswith("_PORT"):
                self.stack.environment[name] = text
        self.waiting = [schedule(self, f"Broken {n + 1}")[0]["occurrence_id"] for n in range(campaigns)]

    def start(self) -> None:
        """Everything that serves, with two workers of the planner."""
        self.relay.start()
        self.stack.environment |= {
            "TANDEM_PROVIDER": "smtp",
            "TANDEM_PROVIDER_LOCK": "0",
            "TANDEM_SMTP_STARTTLS": "0",
            "TANDEM_SMTP_PORT": str(self.relay.port),
            "TANDEM_FAILPOINT_FILE": str(self._armed),
        }
        self._beside.environment = self.stack.environment
        for words in (("messenger",), ("planner",), ("worker", "planner"), ("worker", "messenger")):
            self.stack.start(*words)
        self._beside.start("worker", "planner")
        for half in ("planner", "messenger"):
            wait_for(self.stack.url(half) + "/ui/sign-in", UP)
        self._addresses = dict(self.rows(_ADDRESSES, []))

    def close(self) -> None:
        """End everything."""
        self._beside.kill(*self._beside.services)
        self.stack.kill(*self.stack.services)
        self.relay.stop()
        self.stack.close()

    def run(self, *words: str) -> Any:
        """A command."""
        return self.stack.run(*words)

    def business_now(self) -> datetime:
        """Business time of this home."""
        offset = re.search(r"TANDEM_CLOCK_OFFSET=(\S+)", (self.home / "tandem.env").read_text())
        assert offset is not None
        return datetime.now(UTC) + timedelta(seconds=float(offset[1]))

    def address_of(self, customer: str) -> str:
        """Where a customer's mail goes."""
        return self._addresses[customer]

    def asked(self, sql: str, values: list[Any]) -> list[tuple[Any, ...]]:
        """What the planner's database says."""
        server = embedded_postgres.find(self.home)
        assert server is not None
        with psycopg.connect(server.url(PLANNER), connect_timeout=5) as connection:
            return connection.execute(sql, values).fetchall()

    def due(self) -> Run:
        """The next campaign's list is due now, its messages soon."""
        occurrence, now = self.waiting[len(self.runs)], self.business_now().replace(microsecond=0)
        # the relay writes real time
        leaves = (datetime.now(UTC) + (now + LEAD - self.business_now())).timestamp()
        self.asked(_DUE, [now, now + LEAD, now + LEAD + timedelta(hours=1), occurrence])
        self.runs.append(
            Run(campaign=occurrence, customers=frozenset(), opted_out=frozenset(), send_at=leaves)
        )
        return self.runs[-1]

    def planners(self) -> set[int]:
        """Process ids of the planner's workers that stand still."""
        return {pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _stands(pid, self.home)}

    def check(self, run: Run) -> Report:
        """The invariants against the planner's own list, and what the planner says of its campaign."""
        run.customers = frozenset(name for (name,) in self.asked(_LISTED, [run.campaign]))
        report = check_invariants(self, run)
        state, lists, waiting = self.asked(_HEAD, [run.campaign])[0]
        broken = []
        if lists != [len(run.customers)] or not run.customers:
            broken.append(f"I1: frozen {lists}, and {len(run.customers)} rows")
        if state != "sent":
            broken.append(f"I6: the planner's campaign is {state}")
        if waiting:
            broken.append(f"I10: {waiting} events wait to be told")
        return report.with_more(broken)


@contextlib.contextmanager
def opened(campaigns: int) -> Iterator[House]:
    """A house in a folder of its own, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tandem-faults-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with contextlib.closing(House(Path(folder) / "home")) as house:
            house.furnish(campaigns)
            house.start()
            yield house


def demonstrate(stack: Stack) -> None:
    """The demonstration, to its end."""
    stack.run("demo", "run", "--no-serve", "--json", "--customers", str(CUSTOMERS))


def a_turn(house: House, turn: int) -> Iterator[tuple[str, float]]:
    """One campaign that is cut off at each step in turn; seconds from a death to the next step, the last to the end."""
    house.arm(STEPS[0])
    run, died_at = house.due(), 0.0
    for place, step in enumerate(STEPS):
        house.arm(step)
        _until_reached(house, step)
        run.kills.append(step)
        if died_at:
            yield STEPS[place - 1], time.monotonic() - died_at
        died_at = run.mended = time.monotonic()
        if turn and step in ("p6", "p7"):
            house.asked(_LEASE_OVER, [])
    yield STEPS[-1], _fetched(house, run) - died_at


def ended(house: House) -> Iterator[tuple[Run, Report]]:
    """Each campaign, when it is over."""
    for run in house.runs:
        _until_sent(house, run)
        yield run, house.check(run)


def two_planners(house: House, *, seconds: float) -> Iterator[tuple[str, Run, Report]]:
    """One of two workers of a planner stands still in the middle, for longer than its claims, and goes on."""
    for step in STANDING:
        house.arm(step, action="stop")
        run = house.due()
        _until_reached(house, step)
        time.sleep(1.0)
        standing = house.planners()
        run.kills = ["frozen"] * len(standing)
        time.sleep(seconds)
        for pid in standing:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        run.mended = time.monotonic()
        _until_sent(house, run)
        report = house.check(run)
        yield step, run, report if standing else report.with_more(["F3: nobody stood still"])


def _until_reached(house: House, step: str) -> None:
    deadline = time.monotonic() + REACHED
    while house.armed:
        assert time.monotonic() < deadline, f"nobody came to {step}"
        time.sleep(0.01)


def _fetched(house: House, run: Run) -> float:
    """When the messenger had the list."""
    deadline = time.monotonic() + REACHED
    while house.sending(run) is None and time.monotonic() < deadline:
        time.sleep(0.1)
    return time.monotonic()


def _until_sent(house: House, run: Run) -> None:
    house.wait(run, SLOWEST)
    deadline = time.monotonic() + REACHED
    while house.asked(_HEAD, [run.campaign])[0][::2] != ("sent", 0) and time.monotonic() < deadline:
        time.sleep(0.2)


def _stands(pid: int, home: Path) -> bool:
    try:
        words = Path(f"/proc/{pid}/environ").read_bytes()
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state == "T" and f"TANDEM_HOME={home}\0".encode() in words
