"""The bridge as a process, between two stand-ins: started several times, then given one list of n customers."""

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from benchmarks import measure

HALF = ""
STARTS = 7
MOST = 200_000
EMAIL, TEMPLATE = 504, 11
_TICKS = os.sysconf("SC_CLK_TCK")
_SECRETS = {"PLANNER_USER": "simulator", "PLANNER_PASSWORD": "simulator", "MESSENGER_TOKEN": "simulator"}
_FILE = """
listen = "127.0.0.1:{port}"
allow_private = ["127.0.0.1:{planner}", "127.0.0.1:{messenger}"]
tick_seconds = 0.1
[[pair]]
name = "shop"
zone = "UTC"
hears = "polling"
poll_seconds = 0.2
[pair.planner]
url = "http://127.0.0.1:{planner}"
user_env = "PLANNER_USER"
password_env = "PLANNER_PASSWORD"
[pair.messenger]
url = "http://127.0.0.1:{messenger}/rest"
customer_id = "5004"
token_env = "MESSENGER_TOKEN"
[[pair.channel]]
id = 504
kind = "email"
[[pair.channel]]
id = 505
kind = "sms"
"""


def run(n: int) -> dict[str, Any]:
    """Start it again and again, from nothing; then one campaign from its announcement to the messenger's list."""
    from tandem.kit.clock import OffsetClock
    from tandem.simulators.messenger import Messenger
    from tandem.simulators.planner import Planner
    from tandem.simulators.planner_world import World
    from tandem.simulators.server import Server, Simulator

    size, clock = min(n, MOST), OffsetClock()
    half = Messenger(clock=clock, contacts=size)
    with (
        Server(Simulator(Planner(World(clock=clock, customers=size)))) as planner,
        Server(Simulator(half)) as messenger,
        tempfile.TemporaryDirectory() as folder,
    ):
        ports = {"planner": planner.port, "messenger": messenger.port}
        started = [_start(Path(folder) / str(turn), ports) for turn in range(STARTS)]
        with measure.part():
            handed = _hand_over(Path(folder) / "list", ports, planner.simulator.half, half, size)
    walls, cpus = [wall for wall, _ in started], [cpu for _, cpu in started]
    return {
        "start_s_median": round(statistics.median(walls), 2),
        "start_s_worst": round(max(walls), 2),
        "start_cpu_s": round(statistics.median(cpus), 2),
        **handed,
        "load": round(os.getloadavg()[0], 1),
        "checked": f"{STARTS} starts answered /health; {handed['messages']} messages for {handed['listed']} customers "
        "listed, none twice; cpu_s and peak_mb above are of the stand-ins",
    }


def _start(folder: Path, ports: dict[str, int]) -> tuple[float, float]:
    before = time.perf_counter()
    with _running(folder, ports) as process:
        return time.perf_counter() - before, _cpu(process.pid)


def _hand_over(
    folder: Path, ports: dict[str, int], planner: Any, messenger: Any, size: int
) -> dict[str, Any]:
    with _running(folder, ports) as process:
        _until(lambda: _status(folder)["pairs"][0]["begun_at"], pause=0.5)
        spent, before = _cpu(process.pid), time.perf_counter()
        campaign = planner.control(
            "execute",
            {"channel": EMAIL, "template": TEMPLATE, "customers": size, "lead_seconds": 0},
        )["CampaignID"]
        _until(lambda: messenger.world.messages, seconds=600)
        wall, spent = time.perf_counter() - before, _cpu(process.pid) - spent
        _until(lambda: _parts(folder, campaign) == ["handed over"], pause=0.5)
        [found] = _status(folder)["pairs"][0]["campaigns"]
        peak = int(_field(process.pid, "VmHWM")) / 1024
    contacts = [one["originalId"] for one in messenger.world.messages]
    told = found["parts"][0]["customers"]["sent"]
    if not len(contacts) == len(set(contacts)) == told or told < size // 2:
        raise SystemExit(
            f"{told} were handed over, {len(contacts)} messages to {len(set(contacts))} contacts."
        )
    return {
        "listed": found["customers"],
        "messages": told,
        "hand_over_s": round(wall, 1),
        "bridge_cpu_s": round(spent, 1),
        "bridge_peak_mb": round(peak, 1),
    }


@contextlib.contextmanager
def _running(folder: Path, ports: dict[str, int]) -> Iterator["subprocess.Popen[bytes]"]:
    """The process, from when it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder.mkdir()
    (folder / "bridge.toml").write_text(_FILE.format(port=port, **ports))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(_command(folder), env=_environment(folder), stdout=log, stderr=log)
    try:
        _until(lambda: _answers(f"http://127.0.0.1:{port}/health"))
        yield process
    finally:
        process.terminate()
        process.wait(60)


def _command(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "tandem", "bridge", *words, "--config", str(folder / "bridge.toml")]


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, **_SECRETS, "TANDEM_HOME": str(folder)}


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _status(folder: Path) -> Any:
    words = [*_command(folder, "status"), "--json"]
    return orjson.loads(
        subprocess.run(words, env=_environment(folder), capture_output=True, check=True).stdout
    )


def _parts(folder: Path, campaign: int) -> list[str]:
    shown = _status(folder)["pairs"][0]["campaigns"]
    return [part["state"] for one in shown if one["campaign"] == campaign for part in one["parts"]]


def _until(true: Any, seconds: float = 60, pause: float = 0.01) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise SystemExit("The bridge did not get that far in time.")
        time.sleep(pause)


def _cpu(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _field(pid: int, name: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(name))
