"""What can be seen of a Tandem that is broken on purpose: its ledger, its senders' logs, the relay's own log."""

import contextlib
import json
import re
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from tests.fixtures.processes import Stack

from tandem.kit import embedded_postgres
from tandem.simulators.relay import Relay
from tandem.simulators.relay_script import Script
from tandem.site.settings.environment import value

_BURIED = re.compile(r"sender\.buried sender=(\d+) orphans=\d+ uncertain=(\d+)")
_REFUSED = re.compile(r"sender\.claim\.lost|DatabaseError: This sender was declared dead")
_FINISHED_AFTER = """
SELECT greatest(0, extract(epoch FROM finished_at) - %s) FROM messenger_delivery_sending WHERE campaign_id = %s
"""
_SENDING = "SELECT id, state, finished_at FROM messenger_delivery_sending WHERE campaign_id = %s"
_OF_PIDS = "SELECT id FROM messenger_delivery_sender WHERE pid = ANY(%s)"
DATABASE = "tandem_messenger"
TERMINAL = 10


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
    #: when the last fault was over, and when the sending was (monotonic); 0 = not seen
    mended: float = 0.0
    ended: float = 0.0

    @property
    def recovery(self) -> float | None:
        """Seconds from the end of the fault to the end of the sending."""
        return max(0.0, self.ended - self.mended) if self.mended and self.ended else None


class Observed:
    """A home with a messenger in it, whose mail goes to a relay that writes down the truth."""

    #: whether every letter says whose it is
    is_marked = False

    def __init__(self, stack: Stack) -> None:
        self.stack, self.home = stack, stack.home
        self.relay = Relay(log=self.home / "relay.jsonl", script=Script())
        self._armed = self.home / "failpoint"
        self._facts: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._read = 0

    def address_of(self, customer: str) -> str:
        """Where a customer's mail goes."""
        raise NotImplementedError

    @property
    def in_flight(self) -> int:
        """Messages that one sender process may have on the wire."""
        return int(value("TANDEM_SMTP_CONNECTIONS"))

    def sending(self, run: Run) -> tuple[int, str, bool] | None:
        """(id, state, finished) of a campaign's sending; None before its list was taken."""
        found = self.rows(_SENDING, [run.campaign])
        return (found[0][0], found[0][1], found[0][2] is not None) if found else None

    def rows(self, sql: str, values: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
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
                    run.ended = run.ended or time.monotonic()
                    return True
            time.sleep(0.1)
        return False

    def finished_after(self, run: Run, at: float) -> float | None:
        """Seconds from a time (epoch) to the end of the sending; None if it has not ended."""
        found = self.rows(_FINISHED_AFTER, [at, run.campaign])
        return float(found[0][0]) if found and found[0][0] is not None else None

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

    def left_by(self, pids: list[int], before: Mapping[int, int]) -> int:
        """Uncertain rows that these dead sender processes left, of all that were buried since then."""
        ids = {number for (number,) in self.rows(_OF_PIDS, [pids])}
        return sum(unsure for sender, unsure in self.burials().items() if sender in ids - before.keys())

    def refused_by_fence(self) -> int:
        """Writes of senders that were refused because somebody else had taken over, by the senders' own logs."""
        logs = (self.home / "logs").glob("sender-*.log")
        return sum(len(_REFUSED.findall(log.read_text(errors="replace"))) for log in logs)
