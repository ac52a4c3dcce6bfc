"""A messenger of its own to break: a planner's stand-in before it, a relay that writes down the truth behind it."""

import contextlib
import json
import os
import random
import re
import signal
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from tests.fixtures.processes import Stack, free_port, wait_for

from tandem.kit import embedded_postgres
from tandem.kit.clock import OffsetClock
from tandem.simulators.planner import Planner
from tandem.simulators.planner_world import World as PlannerWorld
from tandem.simulators.relay import Relay
from tandem.simulators.relay_script import Rule, Script
from tandem.simulators.server import Server, Simulator
from tandem.site.settings.environment import value

CHANNEL = 504
#: seconds; a zombie must outlive it, and nothing in these runs waits longer for an answer
LEASE = 6
SENDERS = 2
#: every so many of the contacts have opted out, and must never be at the relay
OPTED_OUT_EVERY = 50
PASSWORD = "canary-7f3a91-of-the-planner"
BOUNCES = "back.faults.example"
PEOPLE = "people.example"
DATABASE = "tandem_messenger"
TERMINAL = 10
HTML = (
    "<html><body><p>Hello {{contact.firstName}}</p>"
    '<p><a href="{{message.unsubscribeUrl}}">Unsubscribe</a></p></body></html>'
)
_BURIED = re.compile(r"sender\.buried sender=(\d+) orphans=\d+ uncertain=(\d+)")
_WORKING = """
SELECT DISTINCT s.pid FROM messenger_delivery_block b JOIN messenger_delivery_sender s ON s.id = b.sender_id
WHERE b.sending_id = %s AND NOT b.done AND NOT s.recovered
"""
_SENDING = "SELECT id, state, finished_at FROM messenger_delivery_sending WHERE campaign_id = %s"


@dataclass(kw_only=True)
class Run:
    """One campaign: who is on its list, and what was done to the processes meanwhile."""

    campaign: int
    customers: frozenset[str]
    opted_out: frozenset[str]
    send_at: float
    kills: list[str] = field(default_factory=list)
    #: sender processes that died, of all that were killed
    deaths: int = 0


class World:
    """Processes, their database, and both neighbours."""

    def __init__(self, home: Path, *, most: int, environment: dict[str, str] | None = None) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home, self._most = home, most
        self.relay = Relay(log=home / "relay.jsonl", script=Script())
        self._known = PlannerWorld(
            clock=OffsetClock(), customers=most, templates={CHANNEL: {1: "-"}}, channels={CHANNEL: "-"}
        )
        self.planner = Server(Simulator(Planner(self._known, password=PASSWORD)))
        self.stack = Stack(home, {"TANDEM_PROVIDER_LOCK": "0", **(environment or {})})
        self._services: list[tuple[tuple[str, ...], dict[str, str]]] = []
        self._armed = home / "failpoint"
        self._facts: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._read = 0
        self.bounce_port = free_port()

    def __enter__(self) -> "World":
        self.relay.start()
        self.planner.__enter__()
        self.stack.environment |= {
            "TANDEM_ALLOW_PRIVATE": f"{self.stack.environment['TANDEM_ALLOW_PRIVATE']},127.0.0.1:{self.planner.port}",
            "TANDEM_PROVIDER": "smtp",
            "TANDEM_SMTP_STARTTLS": "0",
            "TANDEM_SMTP_PORT": str(self.relay.port),
            "TANDEM_SENDER_LEASE": str(LEASE),
            "TANDEM_SENDERS": str(SENDERS),
            "TANDEM_FAILPOINT_FILE": str(self._armed),
            "TANDEM_BOUNCE_DOMAIN": BOUNCES,
            "TANDEM_BOUNCE_PORT": str(self.bounce_port),
        }
        self._furnish()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        self.planner.__exit__(*error)
        self.relay.stop()
        self.stack.close()

    def start(self, **more: str) -> None:
        """All services of the messenger."""
        self._services = [(("messenger",), more), (("worker", "messenger"), more)]
        self._up()

    def stop(self) -> None:
        """Every service, at once."""
        names = list(self.stack.services)
        if names:
            self.stack.kill(*names)

    def again(self) -> None:
        """Kill everything and start it as it was."""
        self.stop()
        self._up()

    def _up(self) -> None:
        for words, values in self._services:
            self.stack.start(*words, **values)
        wait_for(self.stack.url("messenger") + "/ui/sign-in", 60)

    def begin(self, recipients: int, *, lead_seconds: float = 3.0) -> Run:
        """A campaign is executed, as the planner does it; a tenth of its customers more are its control group."""
        made = self.planner.simulator.half.control(
            "execute",
            {
                "channel": CHANNEL,
                "template": self._trigger,
                "customers": -(-recipients * 10 // 9),
                "lead_seconds": lead_seconds,
            },
        )
        world = self._known
        one = world.campaigns[int(made["CampaignID"])]
        numbers = [one.targeted_at(place) for place in range(one.targeted)]
        return Run(
            campaign=one.id,
            customers=frozenset(world.customer(number) for number in numbers),
            opted_out=frozenset(world.customer(n) for n in numbers if n % OPTED_OUT_EVERY == 0),
            # the planner tells whole seconds
            send_at=one.at.replace(microsecond=0, tzinfo=OffsetClock().business().tzinfo).timestamp(),
        )

    def sending(self, run: Run) -> tuple[int, str, bool] | None:
        """(id, state, finished) of a campaign's sending; None before its list was taken."""
        found = self.rows(_SENDING, [run.campaign])
        return (found[0][0], found[0][1], found[0][2] is not None) if found else None

    def rows(self, sql: str, values: list[Any]) -> list[tuple[Any, ...]]:
        """What the database says, on a connection of its own."""
        with psycopg.connect(self.database_url, connect_timeout=5) as connection:
            return connection.execute(sql, values).fetchall()

    @property
    def database_url(self) -> str:
        """The messenger's database."""
        server = embedded_postgres.find(self.home)
        if server is None:
            raise psycopg.OperationalError("The server is down.")
        return server.url(DATABASE)

    def wait(self, run: Run, seconds: float) -> bool:
        """Until the sending has ended; whether it has."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(psycopg.Error):
                found = self.sending(run)
                if found is not None and found[2]:
                    return True
            time.sleep(0.1)
        return False

    def facts(self, run: Run) -> list[dict[str, Any]]:
        """What the relay wrote down of a campaign's messages so far."""
        with self.relay.log.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if line.endswith(b"\n"):
                    self._read += len(line)
                    fact = json.loads(line)
                    self._facts[fact["campaign"]].append(fact)
        return self._facts[str(run.campaign)]

    def arrived(self, run: Run) -> int:
        """Messages of a campaign at the relay so far."""
        return len(self.facts(run))

    def buried_since(self, before: Mapping[int, int]) -> list[int]:
        """What the senders left that were buried since then."""
        return [unsure for sender, unsure in self.burials().items() if sender not in before]

    def arm(self, step: str, nth: int = 1, action: str = "kill") -> None:
        """The first process that passes the step for the n-th time from now dies, or fails, there."""
        fresh = self._armed.with_suffix(".new")
        fresh.write_text(f"{step}:{nth}:{action}")
        fresh.rename(self._armed)

    def disarm(self) -> bool:
        """Nothing happens any more; whether what was armed had happened."""
        if not self._armed.exists():
            return True
        self._armed.unlink(missing_ok=True)
        return False

    @property
    def armed(self) -> bool:
        """Whether what was armed has not happened yet."""
        return self._armed.exists()

    def burials(self) -> dict[int, int]:
        """Uncertain rows that each dead sender left, by the logs of those who buried it."""
        found = {}
        for log in (self.home / "logs").glob("sender-*.log"):
            for sender, unsure in _BURIED.findall(log.read_text(errors="replace")):
                found[int(sender)] = int(unsure)
        return found

    def slow(self, seconds: float) -> None:
        """Let the relay answer each message after so long, on open connections too."""
        self.relay.rules_at_once(*((Rule(at="dot", seconds=seconds),) if seconds else ()))

    def kill_one(self, run: Run, chance: random.Random) -> None:
        """SIGKILL to one process, every other time a sender, or to everything, which is then started again."""
        victims = [(pid, words) for pid, words in self.processes() if "supervised" in words]
        if not victims or chance.random() < 0.15:
            run.deaths += len(self.senders())
            self.again()
            run.kills.append("everything")
            return
        senders = [one for one in victims if one[1].endswith("run-sender")]
        pid, words = chance.choice(senders if senders and chance.random() < 0.5 else victims)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        run.deaths += words.endswith("run-sender")
        run.kills.append(words.removeprefix("supervised "))

    def processes(self) -> list[tuple[int, str]]:
        """(pid, what it is) of the services and all their children."""
        found = []
        for name, process in self.stack.services.items():
            found.append((process.pid, name))
            found += [(pid, f"supervised {_name(pid)}") for pid in _below(process.pid)]
        return found

    @property
    def in_flight(self) -> int:
        """Messages that one sender process may have on the wire."""
        return int(value("TANDEM_SMTP_CONNECTIONS"))

    def choose(self, run: Run, policy: str) -> None:
        """What becomes of a campaign's messages in doubt: hold or resend."""
        deadline = time.monotonic() + 30
        while (found := self.sending(run)) is None and time.monotonic() < deadline:
            time.sleep(0.1)
        assert found is not None
        self.stack.run("sendings", "policy", str(found[0]), policy)

    def end(self, run: Run) -> None:
        """Cancel what is still open of a campaign."""
        found = self.sending(run)
        if found is not None and not found[2]:
            self.stack.run("sendings", "cancel", str(found[0]))

    def senders(self) -> list[int]:
        """Process ids of the senders."""
        return [pid for pid, words in self.processes() if words.endswith("run-sender")]

    def working(self, run: Run) -> list[int]:
        """Process ids of the senders that hold rows of a campaign."""
        found = self.sending(run)
        return [pid for (pid,) in self.rows(_WORKING, [found[0]])] if found else []

    def _furnish(self) -> None:
        """An account with contacts, a template and the planner's stand-in connected."""
        run = self.stack.run
        self.stack.start("messenger")  # makes the tables
        wait_for(self.stack.url("messenger") + "/ui/sign-in", 90)
        run("messenger-account", "create", "Faults", "--zone", "UTC")
        people = run("contacts", "create-list", "Everybody", "--json")["id"]
        project = run(
            "triggers", "create-project", "Faults", "--from-name", "Faults", "--from-address", "news@faults.example",
            "--json",
        )["id"]  # fmt: skip
        template = self.home / "letter.html"
        template.write_text(HTML)
        made = run(
            "triggers", "create", "Letter", str(template), "--project", str(project), "--list", str(people),
            "--subject", "Hello {{contact.firstName}}", "--json",
        )  # fmt: skip
        self._trigger = int(made["id"])
        run("contacts", "import", str(self._contacts()), "--list", str(people))
        self._known.change_template(CHANNEL, self._trigger)
        run(
            "listener", "connect", "--planner-url", f"http://127.0.0.1:{self.planner.port}", "--zone", "UTC",
            "--user", "simulator", "--password", PASSWORD, "--channel", f"{CHANNEL}:email",
            "--hears", "events", "--poll-seconds", "10",
        )  # fmt: skip
        run("listener", "register")
        self.stop()

    def _contacts(self) -> Path:
        world = self._known
        path = self.home / "contacts.csv"
        with path.open("w") as file:
            file.write("originalId,emailAddress,firstName,unsubscribed\n")
            for number in range(self._most):
                customer = world.customer(number)
                opted_out = int(number % OPTED_OUT_EVERY == 0)
                file.write(f"{customer},{address_of(customer)},Ann {number},{opted_out}\n")
        return path


def address_of(customer: str) -> str:
    """Where a customer's mail goes."""
    return f"c{customer}@{PEOPLE}"


@contextlib.contextmanager
def opened(most: int, **environment: str) -> Iterator[World]:
    """A world in a folder of its own, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tandem-faults-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o755)
        with World(home / "home", most=most, environment=environment) as world:
            yield world


def _below(pid: int) -> list[int]:
    """Children of a process, and theirs."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [found for child in map(int, children) for found in (child, *_below(child))]


def _name(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "gone"
    known = [word for word in words if word in {"run-sender", "run-worker"} or word.startswith("tandem.")]
    return known[-1] if known else "child"
