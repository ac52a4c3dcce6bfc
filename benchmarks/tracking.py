"""The recipients' door, one process, asked for pictures and links of n messages by a load generator of its own.

SENDING=1: while a sender of the product sends at full speed to a relay, both on the same cores.
"""

import asyncio
import contextlib
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from benchmarks import measure, send

HALF = "messenger"
MOST = 20_000
SECONDS = 6.0
CONNECTIONS = 32
CLICKS = 3  # of ten requests
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
TICKS = os.sysconf("SC_CLK_TCK")


def run(n: int) -> dict[str, Any]:
    """Load the door, then compare what it answered with the events in the database."""
    from tandem.kit import clock
    from tandem.messenger.engagement import service as engagement

    now = clock.from_environment()
    account_id, sending_id, version_id, attempts = _messages(min(n, MOST), now)
    paths = _paths(version_id, attempts)
    with contextlib.ExitStack() as stack:
        door, port = stack.enter_context(_door())
        _ask(port, paths[:500], 1.0)
        sending = stack.enter_context(_sending(account_id, now)) if os.environ.get("SENDING") == "1" else None
        before, database = _cpu_of(door), _cpu_of_database()
        with measure.part():
            load = _ask(port, paths, SECONDS)
        spent, database = _cpu_of(door) - before, _cpu_of_database() - database
        sent = sending() if sending else None
    response = engagement.response_of(account_id, sending_id)
    _check(load, response)
    return {
        "requests": load["requests"],
        "requests_per_s": round(load["requests"] / load["seconds"]),
        "cpu_us_per_request": round(spent / load["requests"] * 1e6, 1),
        "requests_per_s_per_core": round(load["requests"] / spent),
        "database_cpu_us_per_request": round(database / load["requests"] * 1e6, 1) if sent is None else None,
        "generator_cpu_us_per_request": round(load["cpu"] / load["requests"] * 1e6, 1),
        "p50_ms": load["p50_ms"],
        "p99_ms": load["p99_ms"],
        "worst_ms": load["worst_ms"],
        "load": round(os.getloadavg()[0], 1),
        "sending": sent,
        "checked": f"every answer was the picture or led to the link's address; {response.opened} recipients opened "
        f"and {response.clicked} clicked in the database, each who was asked for by the generator",
    }


def _messages(n: int, now: Any) -> tuple[int, int, int, list[int]]:
    """An account with one sending of n messages that left a minute ago."""
    from django.db import connection

    from tandem.messenger.projects import service as projects

    account_id, _, trigger_id = send._prepared(n, now)
    sending_id = send._opened(account_id, trigger_id, n, now)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE messenger_delivery_attempt SET state = 10, done_at = due_at - interval '1 minute' "
            "WHERE account_id = %s AND sending_id = %s RETURNING id",
            [account_id, sending_id],
        )
        attempts = [row[0] for row in cursor.fetchall()]
        cursor.execute("UPDATE messenger_delivery_block SET done = TRUE WHERE sending_id = %s", [sending_id])
    return account_id, sending_id, projects.send_target(account_id, trigger_id).version_id, attempts


def _paths(version_id: int, attempts: list[int]) -> list[str]:
    from django.conf import settings

    from tandem.messenger.delivery import tokens

    chance = random.Random(3)
    paths = []
    for attempt in attempts:
        token = tokens.make(settings.SECRET_KEY, tokens.TRACK, version_id, attempt)
        is_click = chance.randrange(10) < CLICKS
        paths.append(f"/c/{token}/{chance.randrange(1, 15)}" if is_click else f"/o/{token}.gif")
    return paths


@contextlib.contextmanager
def _door() -> Iterator[tuple[int, int]]:
    """The door as `tandem tracking` starts it: its process group and its port."""
    from tandem.site import services
    from tandem.site.settings.environment import value

    port = _free_port()
    child = services.tracking_child()
    words = [str(port) if word == value("TANDEM_TRACKING_PORT") else word for word in child.arguments]
    process = subprocess.Popen(
        words,
        env={**os.environ, **child.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _until_open(port)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait(15)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _until_open(port: int) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise SystemExit(f"Nothing answers on port {port}.")


@contextlib.contextmanager
def _sending(account_id: int, now: Any) -> Iterator[Any]:
    """A sender at work on many messages to a relay that takes them; afterwards what it did meanwhile."""
    from django.db import connection

    own, _, trigger_id = send._prepared(int(os.environ.get("MESSAGES", "100000")), now)
    folder = Path(tempfile.mkdtemp(prefix="tandem-tracking-"))
    port = _free_port()
    relay = [
        sys.executable,
        "-m",
        "tandem",
        "simulate",
        "relay",
        "--log",
        str(folder / "log"),
        "--port",
        str(port),
    ]
    sender = [sys.executable, "-m", "tandem", "run-sender"]
    way = {"TANDEM_PROVIDER": "smtp", "TANDEM_SMTP_HOST": "127.0.0.1", "TANDEM_SMTP_PORT": str(port),
           "TANDEM_SMTP_STARTTLS": "0"}  # fmt: skip
    sending_id = send._opened(own, trigger_id, int(os.environ.get("MESSAGES", "100000")), now)
    with (folder / "said").open("w") as said:
        processes = [subprocess.Popen(relay, stdout=said, stderr=said)]
        _until_open(port)
        processes.append(subprocess.Popen(sender, env={**os.environ, **way}, stdout=said, stderr=said))

    def taken() -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM messenger_delivery_attempt WHERE account_id = %s AND sending_id = %s "
                "AND state = 10",
                [own, sending_id],
            )
            return int(cursor.fetchone()[0])

    try:
        deadline = time.monotonic() + 60
        while not taken():
            if time.monotonic() > deadline:
                raise SystemExit(f"Nothing was sent. Look into {folder}.")
            time.sleep(0.2)
        start, began = taken(), time.monotonic()
        yield lambda: {
            "messages_meanwhile": (end := taken()) - start,
            "messages_per_s": round((end - start) / (time.monotonic() - began)),
        }
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(30)


def _ask(port: int, paths: list[str], seconds: float) -> dict[str, Any]:
    """Load from a process of its own; its numbers."""
    job = orjson.dumps({"port": port, "paths": paths, "seconds": seconds})
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.tracking"], input=job, capture_output=True, check=True
    )
    found: dict[str, Any] = orjson.loads(done.stdout)
    if found["wrong"]:
        raise SystemExit(f"Answered wrongly: {found['wrong']}")
    return found


def _check(load: dict[str, Any], response: Any) -> None:
    if response.opened != load["opened"] or response.clicked != load["clicked"]:
        raise SystemExit(
            f"{load['opened']} were asked for, {load['clicked']} by a click; in the database are "
            f"{response.opened} and {response.clicked}."
        )


def _cpu_of(group: int) -> float:
    """CPU seconds of the processes of a group."""
    return sum(_used(fields) for fields in _processes() if int(fields[2]) == group)


def _cpu_of_database() -> float:
    """CPU seconds of the server's processes, as far as they are there."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_read_file('postmaster.pid', 0, 20)")
        postmaster = int(cursor.fetchone()[0].split()[0])
    return sum(_used(fields) for fields in _processes() if int(fields[1]) == postmaster)


def _processes() -> Iterator[list[str]]:
    """Fields of each /proc/<pid>/stat from the state on."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                yield Path(f"/proc/{entry}/stat").read_text().rpartition(") ")[2].split()


def _used(fields: list[str]) -> float:
    return (int(fields[11]) + int(fields[12])) / TICKS


class _Client(asyncio.Protocol):
    """One connection that asks for one path after the other."""

    def __init__(self, asked: "_Load") -> None:
        self._load = asked
        self._got = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._next()

    def _next(self) -> None:
        self._path = self._load.next_path()
        if not self._path:
            self._transport.close()
            return
        self._at = time.perf_counter()
        self._transport.write(
            b"GET %s HTTP/1.1\r\nHost: door\r\nUser-Agent: %s\r\n\r\n" % (self._path.encode(), AGENT.encode())
        )

    def data_received(self, data: bytes) -> None:
        self._got += data
        is_click = self._path.startswith("/c/")
        if b"\r\n\r\n" not in self._got or not (is_click or self._got.endswith(b";")):
            return
        wanted = b"https://shop.example/item/%s?from=letter" % self._path.rpartition("/")[2].encode()
        right = wanted in self._got if is_click else self._got.startswith(b"HTTP/1.1 200")
        self._load.answered(self._path, time.perf_counter() - self._at, right, self._got)
        self._got = b""
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        self._load.closed()


class _Load:
    """All connections of the generator."""

    def __init__(self, job: dict[str, Any]) -> None:
        self._job = job
        self._at = 0
        self._end = time.perf_counter() + job["seconds"]
        self.times: list[float] = []
        self.opened: set[str] = set()
        self.clicked: set[str] = set()
        self.wrong = ""
        self._open = CONNECTIONS
        self.over = asyncio.Event()

    def next_path(self) -> str:
        if time.perf_counter() > self._end:
            return ""
        paths = self._job["paths"]
        self._at += 1
        found: str = paths[self._at % len(paths)]
        return found

    def answered(self, path: str, took: float, right: bool, got: bytes) -> None:
        self.times.append(took)
        token = path[3:35]
        self.opened.add(token)
        if path.startswith("/c/"):
            self.clicked.add(token)
        if not right:
            self.wrong = got.decode(errors="replace")[:500]

    def closed(self) -> None:
        self._open -= 1
        if not self._open:
            self.over.set()


async def _generate(job: dict[str, Any]) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    load, began = _Load(job), time.perf_counter()
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: _Client(load), "127.0.0.1", job["port"])
    await load.over.wait()
    seconds = time.perf_counter() - began
    times = sorted(load.times)
    return {
        "requests": len(times), "seconds": seconds, "cpu": time.process_time(), "wrong": load.wrong,
        "p50_ms": round(times[len(times) // 2] * 1000, 2), "p99_ms": round(times[len(times) * 99 // 100] * 1000, 2),
        "worst_ms": round(times[-1] * 1000, 1), "opened": len(load.opened), "clicked": len(load.clicked),
    }  # fmt: skip


def main() -> None:
    """The generator: a job on stdin, numbers on stdout."""
    import uvloop

    made = uvloop.run(_generate(orjson.loads(sys.stdin.buffer.read())))
    sys.stdout.buffer.write(orjson.dumps(made))


if __name__ == "__main__":
    main()
