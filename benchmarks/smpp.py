"""SMS over SMPP: a line of our own session to the simulated SMSC in a process of its own, window 50, one bind.

`line` is what a sender does with a message but for the ledger: text to octets, parts, the PDU, window, session, answer.
`session` is PDUs and session without the line. Each message is a line that the SMSC writes before it answers.
"""

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import uvloop

from benchmarks import measure

HALF = "messenger"
WINDOW = 50
_TEXT = "Hello Ann {}, your order is on its way. Reply STOP to hear no more of us."

Work = Callable[[Any, range], Awaitable[int]]


def run(n: int) -> dict[str, Any]:
    """Both, one after the other; wall, CPU of this process, CPU of the SMSC."""
    with measure.part():
        line = _measured(n, _line)
    session = _measured(n, _session)
    return {
        **{f"line_{name}": value for name, value in line.items()},
        **{f"session_{name}": value for name, value in session.items()},
        "window": WINDOW,
        "load": round(os.getloadavg()[0], 1),
        "checked": f"{n} messages accepted = {n} different recipients written down by the SMSC, each time",
    }


def _measured(count: int, client: Work) -> dict[str, float]:
    before = _cpu(resource.RUSAGE_CHILDREN)
    with _smsc() as (port, log):
        wall, cpu = time.perf_counter(), _cpu(resource.RUSAGE_SELF)
        accepted = _all(client, port, count)
        wall, cpu = time.perf_counter() - wall, _cpu(resource.RUSAGE_SELF) - cpu
    found = [orjson.loads(line)["to"] for line in log.read_bytes().splitlines()]
    log.unlink()
    if not (accepted == len(found) == len(set(found)) == count):
        raise SystemExit(
            f"{count} messages, {accepted} accepted, {len(found)} taken, {len(set(found))} different."
        )
    return {
        "per_s": round(count / wall),
        "us": round(cpu / count * 1e6, 1),
        "smsc_us": round((_cpu(resource.RUSAGE_CHILDREN) - before) / count * 1e6, 1),
    }


def _all(client: Work, port: int, count: int) -> int:
    async def main() -> int:
        from tandem.messenger.gateways.lines import SmppLine

        line = SmppLine(_setup(port), _hear)
        await line.session()
        accepted = await asyncio.gather(*(client(line, range(k, count, WINDOW)) for k in range(WINDOW)))
        await line.close()
        return sum(accepted)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


async def _line(line: Any, numbers: range) -> int:
    from tandem.messenger.gateways.domain import Verdict

    accepted = 0
    for number in numbers:
        answer = await line.hand_over(_sms(number), lambda: True)
        accepted += answer is not None and answer.verdict is Verdict.ACCEPTED
    return accepted


async def _session(line: Any, numbers: range) -> int:
    from tandem.messenger.gateways.smpp.messages import submits
    from tandem.messenger.gateways.smpp.options import Long

    made = [submits(_sms(number), Long.UDH)[0] for number in numbers]
    session = await line.session()
    return sum([(await session.submit(one))[0] == 0 for one in made])


def _sms(number: int) -> Any:
    from tandem.messenger.gateways.domain import Sms

    return Sms(to=f"+4670{number:08}", sender="Northwind", text=_TEXT.format(number), reference=str(number))


def _setup(port: int) -> Any:
    from django.conf import settings

    from tandem.messenger.gateways.domain import Profile, Setup

    settings.TANDEM_ALLOW_PRIVATE = (f"127.0.0.1:{port}",)
    return Setup(
        account_id=1, profile=Profile.SMPP, url=f"smpp://127.0.0.1:{port}", user="simulator", secret="secret",
        options={"window": WINDOW, "receive": False},
    )  # fmt: skip


async def _hear(told: Any) -> None:
    """Nobody tells anything here."""


def _cpu(whose: int) -> float:
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime


@contextmanager
def _smsc() -> Iterator[tuple[int, Path]]:
    log = Path(tempfile.mkstemp(suffix=".smsc")[1])
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "tandem", "simulate", "smsc", "--port", "0"],
            stdout=out, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stderr is not None
        port = int(process.stderr.readline().split(" ")[0].rpartition(":")[2])
        try:
            yield port, log
        finally:
            process.send_signal(2)
            process.communicate(timeout=30)
