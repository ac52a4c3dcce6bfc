"""A frozen list of n rows: served by the real planner over HTTP, fetched by the messenger into its ledger.

Three processes: this one prepares and reads once with attributes; the planner serves as `tandem planner` does; the
messenger's half (benchmarks/details_client.py) fetches as its worker does. Figures of the server are of its processes
alone; PostgreSQL of both halves is told beside them.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import data, measure
from benchmarks.list_ import planned

PAGE = 200_000
ATTRIBUTES = "total_spent;stage"
TICK = os.sysconf("SC_CLK_TCK")


def run(n: int) -> dict[str, Any]:
    """Serve with attributes to a plain reader, then to the messenger; figures of each side."""
    os.environ["TANDEM_PLANNER_PORT"] = str(_free_port())
    house = _client("prepare")
    account_id, campaign_id, channel_id = _frozen(n, house["templates"])
    credential = _credential(account_id)
    server = _Served(f"http://127.0.0.1:{os.environ['TANDEM_PLANNER_PORT']}")
    try:
        before, database = server.cpu(), _database_cpu()
        with measure.part():
            rows = _read(server.url, credential.api_key, campaign_id, channel_id)
        served = {
            "server_cpu_s": round(server.cpu() - before, 2),
            "server_peak_mb": server.peak(),
            "database_cpu_s": round(_database_cpu() - database, 2),
        }
        if rows != n:
            raise SystemExit(f"{rows} rows with attributes were served, not {n}.")
        before, database = server.cpu(), _database_cpu()
        fetched = _client(
            "fetch", server.url, credential.api_key, str(house["account"]), str(campaign_id), str(channel_id)
        )
        fetch_cpu = round(server.cpu() - before, 2)
        fetch_database = round(_database_cpu() - database, 2)
    finally:
        server.stop()
    if fetched["ledger"] != n:
        raise SystemExit(f"{fetched['ledger']} rows are in the ledger, not {n}.")
    return {
        **served,
        "fetch_wall_s": fetched["wall_s"],
        "fetch_client_cpu_s": fetched["cpu_s"],
        "fetch_client_peak_mb": fetched["peak_mb"],
        "fetch_server_cpu_s": fetch_cpu,
        "fetch_database_cpu_s": fetch_database,
        "load": round(os.getloadavg()[0], 1),
        "fetch_server_peak_mb": server.last_peak,
        "checked": f"{n} rows served with 2 attributes each, {n} distinct rows in the ledger; wall_s, cpu_s, peak_mb "
        "are of the reader with attributes",
    }


def _frozen(n: int, templates: list[int]) -> tuple[int, int, int]:
    """Account, campaign and channel of a list of n rows without control group."""
    from tandem.kit.clock import FrozenClock
    from tandem.planner.execution import service as execution

    account_id = data.account_with_orders(n, one_each=True)
    clock = FrozenClock(datetime(2026, 7, 1, 8, 0, tzinfo=UTC))
    pair = (templates[0], templates[1])
    occurrence_id, _members = planned(account_id, clock, templates=pair, control=0, left_out=0)
    clock.move(hours=2)
    made = execution.make_list(account_id, occurrence_id, clock=clock)
    if made is None or made.targeted != n:
        raise SystemExit(f"The list is not of {n}: {made}")
    [channel_id] = execution.campaign_details(account_id, occurrence_id).channels
    return account_id, occurrence_id, channel_id


def _credential(account_id: int) -> Any:
    from tandem.kit import clock
    from tandem.planner.accounts import service as accounts

    name = f"benchmark{time.time_ns()}"
    return accounts.create_api_credential(account_id, user_name=name, clock=clock.from_environment())


def _read(url: str, key: str, campaign_id: int, channel_id: int) -> int:
    """Page after page until the empty one, as a client of the vendor reads; rows without attributes end it."""
    import orjson

    rows = 0
    while True:
        query = (
            f"CampaignID={campaign_id}&ChannelID={channel_id}&%24top={PAGE}&%24skip={rows}"
            f"&CustomerAttributes={ATTRIBUTES.replace(';', '%3B')}"
        )
        request = urllib.request.Request(
            f"{url}/current/customers/GetCustomerExecutionDetailsByCampaign?{query}",
            headers={"X-API-KEY": key},
        )
        with urllib.request.urlopen(request, timeout=300) as answer:
            page = orjson.loads(answer.read())
        if not page:
            return rows
        if any(len(row["CustomerAttributes"]) != 2 for row in page):
            raise SystemExit("A row has no attributes.")
        rows += len(page)


def _client(*words: str) -> dict[str, Any]:
    """The messenger's half, in a process of its own; the JSON document it prints last."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.details_client", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:] or done.stdout[-2000:])
    return json.loads(done.stdout.strip().splitlines()[-1])


class _Served:
    """The planner's pages and APIs, started as `tandem planner` starts them."""

    def __init__(self, url: str) -> None:
        from tandem.site.services import children_of

        [child] = children_of("planner")
        self.url, self.last_peak = url, 0.0
        log = (data.home() / "details-server.log").open("wb")
        self._process = subprocess.Popen(
            child.arguments,
            env={**os.environ, **child.environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        self._wait()

    def _wait(self) -> None:
        port = int(self.url.rpartition(":")[2])
        for _ in range(300):
            try:
                with socket.create_connection(("127.0.0.1", port), 1):
                    return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("The planner did not start; see details-server.log among the benchmark files.")

    def _pids(self) -> list[int]:
        """The server and its children, and theirs."""
        parents: dict[int, int] = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
        found = [self._process.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found

    def cpu(self) -> float:
        """Processor seconds so far."""
        total = 0.0
        for pid in self._pids():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / TICK
        return total

    def peak(self) -> float:
        """Largest resident memory of any of its processes so far, MB."""
        peaks = []
        for pid in self._pids():
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            peaks += [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")]
        self.last_peak = round(max(peaks, default=0.0), 1)
        return self.last_peak

    def stop(self) -> None:
        """End it."""
        self.peak()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)


def _database_cpu() -> float:
    """Processor seconds of the home's PostgreSQL so far, its ended connections too; 0 if it is none of the home's."""
    file = Path(os.environ["TANDEM_HOME"]) / "postgres" / "data" / "postmaster.pid"
    if not file.exists():
        return 0.0
    postmaster = int(file.read_text().split()[0])
    ticks = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(folder.name) == postmaster:
            ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) == postmaster:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICK


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
