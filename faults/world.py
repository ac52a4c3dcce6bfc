"""A messenger of its own to break: a planner's stand-in before it, a relay that writes down the truth behind it."""

import contextlib
import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.fixtures.processes import Stack, free_port, wait_for

from faults.observed import Observed, Run
from tandem.kit.clock import OffsetClock
from tandem.simulators.planner import Planner
from tandem.simulators.planner_world import World as PlannerWorld
from tandem.simulators.relay_marks import MARK
from tandem.simulators.relay_script import Rule
from tandem.simulators.server import Server, Simulator

CHANNEL = 504
#: seconds; a zombie must outlive it, and nothing in these runs waits longer for an answer
LEASE = 6
SENDERS = 2
#: seconds until pages answer, on a machine that has much else to do
UP = 180.0
#: every so many of the contacts have opted out, and must never be at the relay
OPTED_OUT_EVERY = 50
PASSWORD = "canary-7f3a91-of-the-planner"
BOUNCES = "back.faults.example"
PEOPLE = "people.example"
HTML = (
    f"<html><body><p>Hello {{{{contact.firstName}}}}</p><p>{MARK}</p>"
    '<p><a href="{{message.unsubscribeUrl}}">Unsubscribe</a></p></body></html>'
)
_WORKING = """
SELECT DISTINCT s.pid FROM messenger_delivery_block b JOIN messenger_delivery_sender s ON s.id = b.sender_id
WHERE b.sending_id = %s AND NOT b.done AND NOT s.recovered
"""


class World(Observed):
    """Processes, their database, and both neighbours."""

    is_marked = True

    def __init__(self, home: Path, *, most: int, environment: dict[str, str] | None = None) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._most = most
        self._known = PlannerWorld(
            clock=OffsetClock(), customers=most, templates={CHANNEL: {1: "-"}}, channels={CHANNEL: "-"}
        )
        self._known.campaigns.clear()  # those it has of its own would be sent to the same people beside
        self.planner = Server(Simulator(Planner(self._known, password=PASSWORD)))
        super().__init__(Stack(home, {"TANDEM_PROVIDER_LOCK": "0", **(environment or {})}))
        self._services: list[tuple[tuple[str, ...], dict[str, str]]] = []
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
        self.until_up()

    def until_up(self) -> None:
        """Return when the pages answer."""
        wait_for(self.stack.url("messenger") + "/ui/sign-in", UP)

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

    def address_of(self, customer: str) -> str:
        """Where a customer's mail goes."""
        return address_of(customer)

    def write_letter(self, name: str, html: str) -> None:
        """What campaigns send from now on."""
        template = self.home / f"{name}.html"
        template.write_text(html)
        subject = "Hello {{contact.firstName}}"
        made = self.stack.run(
            "triggers", "create", name, str(template), *self._where, "--subject", subject, "--json"
        )
        self._trigger = int(made["id"])
        self._known.change_template(CHANNEL, self._trigger)

    def _furnish(self) -> None:
        """An account with contacts, a template and the planner's stand-in connected."""
        run = self.stack.run
        self.stack.start("messenger")  # makes the tables
        wait_for(self.stack.url("messenger") + "/ui/sign-in", UP)
        run("messenger-account", "create", "Faults", "--zone", "UTC")
        people = run("contacts", "create-list", "Everybody", "--json")["id"]
        project = run(
            "triggers", "create-project", "Faults", "--from-name", "Faults", "--from-address", "news@faults.example",
            "--json",
        )["id"]  # fmt: skip
        self._where = ("--project", str(project), "--list", str(people))
        self.write_letter("Letter", HTML)
        run("contacts", "import", str(self._contacts()), "--list", str(people))
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
