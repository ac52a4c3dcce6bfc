"""From a cause to its alarm: the watch of each half as a process of its own tells a webhook and mails over a relay.

Each round causes come at times of their own. The messenger: messages late, uncertain, numbers that do not add up, a
sending that paused by itself. The planner: an occurrence past its deadline, a listener that fails, a failed cycle, and
once a full disk (a number in a file that the watch takes for the disk's). Arrival is when the receiver has the request,
and when the relay has taken the mail. HALF=planner or HALF=messenger runs one alone.
"""

import http.server
import importlib
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import orjson

from benchmarks import measure
from benchmarks.alarm_causes import WATCH, causes

HALF = os.environ.get("HALF") or "messenger"
ROUNDS = 3
LONGEST = 60.0
#: the watch looks every ten seconds: causes fall anywhere between two looks
SPREAD = 10.0

Place = tuple[str, str]


def run(n: int) -> dict[str, Any]:
    """Seconds by kind and path, the worst of all rounds; n below a hundred says how many."""
    found = _of_this_half(n)
    if not os.environ.get("HALF"):
        other = _of_planner(n)
        more = {key: value for key, value in other.items() if key.endswith(("_webhook_s", "_mail_s"))}
        found |= more | {"slowest_s": max(found["slowest_s"], other["slowest_s"])}
        found["causes"] += other["causes"]
    number = found["causes"]
    return {
        **found,
        "checked": f"{number} causes, each told once by webhook and once by mail within {LONGEST:g} s",
    }


def _of_planner(n: int) -> dict[str, Any]:
    """The same for the other half, which needs a process of its own."""
    environment = {**os.environ, "HALF": "planner", "NAME": "alarms", "N": str(n), "JSON": "1"}
    words = [sys.executable, "-m", "benchmarks.run"]
    done = subprocess.run(words, env=environment, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = orjson.loads(done.stdout.splitlines()[-1])
    return found


def _of_this_half(n: int) -> dict[str, Any]:
    rounds = n if n < 100 else ROUNDS
    heard: dict[Place, float] = {}
    caused: dict[Place, float] = {}
    with ExitStack() as stack:
        port = stack.enter_context(_receiver(heard))
        relay, log = stack.enter_context(_relay())
        stack.enter_context(_watch(port, relay))
        stack.enter_context(measure.part())
        with causes(HALF) as make:
            mailed = _rounds(rounds, make, caused, heard, log)
    seconds = {path: _worst(caused, told) for path, told in (("webhook", heard), ("mail", mailed))}
    return {
        **{
            f"{kind}_{path}_s": worst
            for path, kinds in seconds.items()
            for kind, worst in sorted(kinds.items())
        },
        "slowest_s": max(worst for kinds in seconds.values() for worst in kinds.values()),
        "causes": len(caused),
        "load": round(os.getloadavg()[0], 1),
    }


def _rounds(
    rounds: int, make: Any, caused: dict[Place, float], heard: dict[Place, float], log: Path
) -> dict[Place, float]:
    draw = random.Random(7)
    for _ in range(rounds):
        for kind in make.kinds:
            time.sleep(draw.uniform(0, SPREAD / 4))
            at = time.time()
            caused.setdefault((kind, make(kind)), at)
        until = time.monotonic() + LONGEST
        while not (caused.keys() <= heard.keys() and caused.keys() <= (mailed := _mailed(log)).keys()):
            if time.monotonic() > until:
                raise SystemExit(f"Not told within {LONGEST:g} s: {sorted(caused.keys() - heard.keys())} by webhook, "
                                 f"{sorted(caused.keys() - _mailed(log).keys())} by mail.")  # fmt: skip
            time.sleep(0.05)
    return mailed


def _worst(caused: dict[Place, float], told: dict[Place, float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for place, at in caused.items():
        found[place[0]] = round(max(found.get(place[0], 0.0), told[place] - at), 1)
    return found


def _mailed(log: Path) -> dict[Place, float]:
    """What the relay took: its Message-ID names the telling, and that the alarm."""
    telling_of = importlib.import_module(f"tandem.{HALF}.alarms.models").Telling
    lines = [orjson.loads(line) for line in log.read_bytes().splitlines() if line.endswith(b"}")]
    ids = [(line["id"].strip("<>").partition("@")[0].rpartition("_")[2], line["at"]) for line in lines]
    places = {
        str(row.pk): (row.alarm.kind, row.alarm.subject)
        for row in telling_of.objects.filter(pk__in=[one for one, _ in ids]).select_related("alarm")
    }
    found: dict[Place, float] = {}
    for telling, at in ids:
        if places[telling] in found:
            raise SystemExit(f"Mailed twice: {places[telling]}.")
        found[places[telling]] = at
    return found


@contextmanager
def _receiver(heard: dict[Place, float]) -> Iterator[int]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            at = time.time()
            said = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
            place = said["data"]["kind"], said["data"]["subject"]
            if said["type"] == "alarm.raised" and heard.setdefault(place, at) != at:
                heard[place] = float("inf")  # told twice
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _relay() -> Iterator[tuple[int, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        log.touch()
        words = ["simulate", "relay", "--port", "0", "--log", str(log)]
        process = subprocess.Popen(
            [sys.executable, "-m", "tandem", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        port = int(process.stderr.readline().split(" ")[0].rpartition(":")[2])
        try:
            yield port, log
        finally:
            process.terminate()
            process.communicate(timeout=30)


@contextmanager
def _watch(hook: int, relay: int) -> Iterator[None]:
    ways = {
        "ALARMS_OF": HALF,
        "TANDEM_ALARM_URL": f"http://127.0.0.1:{hook}/alarms", "TANDEM_ALLOW_PRIVATE": f"127.0.0.1:{hook}",
        "TANDEM_ALARM_MAIL": "operator@shop.example", "TANDEM_PROVIDER": "smtp", "TANDEM_PROVIDER_LOCK": "0",
        "TANDEM_SMTP_HOST": "127.0.0.1", "TANDEM_SMTP_PORT": str(relay), "TANDEM_SMTP_STARTTLS": "0",
    }  # fmt: skip
    process = subprocess.Popen([sys.executable, "-c", WATCH], env={**os.environ, **ways})
    try:
        time.sleep(5.0)  # it has begun to look
        yield
    finally:
        process.terminate()
        process.wait(30)
