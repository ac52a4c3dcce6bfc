"""The SMTP client alone: 10 kB messages to the simulated relay in a process of its own, beside smtplib and aiosmtplib.

TLS=1 encrypts. Client and relay CPU are apart; each message taken is a line in the relay's log, written before its 250.
"""

import asyncio
import os
import resource
import smtplib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import uvloop

from benchmarks import measure
from tandem.messenger.delivery.domain import AttemptState, Channel, Message, Outcome
from tandem.messenger.delivery.errors import OutboundStopped
from tandem.messenger.delivery.smtp.relay import Encryption, Relay
from tandem.messenger.delivery.smtp.way_out import WayOut

HALF = "messenger"
CONNECTIONS = 8
PEERS_SHARE = 10
_BODY = (
    b"X-Tandem-Campaign: 1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    + (b"y" * 74 + b"\r\n") * 130
)


@dataclass(frozen=True, kw_only=True)
class Sink:
    """A relay that runs: where, its certificate, its log."""

    port: int
    certificate: str
    log: Path


class Feed:
    """Messages made when they are asked for; counts what became of them."""

    def __init__(self, count: int) -> None:
        self._left, self._open = count, count
        self.accepted, self.over = 0, asyncio.Event()

    def take(self) -> Message | None:
        """One more."""
        if not self._left:
            return None
        self._left -= 1
        return letter(self._left)

    def may_leave(self, message: Message) -> bool:
        """Always."""
        return True

    def intent(self, message: Message) -> None:
        """Nothing is kept."""

    def outcome(self, message: Message, outcome: Outcome) -> None:
        """Count it."""
        self.accepted += outcome.state is AttemptState.ACCEPTED
        self._open -= 1
        if not self._open:
            self.over.set()

    def release(self, message: Message) -> None:
        """It does not happen here."""
        raise AssertionError(message.attempt_id)

    def down(self, stopped: OutboundStopped) -> None:
        """It does not happen here."""
        raise AssertionError(stopped.detail)


def letter(number: int) -> Message:
    """A message of 10 kB."""
    return Message(
        attempt_id=number, account_id=1, sending_id=1, channel=Channel.EMAIL, sender="news@shop.example",
        recipient=f"c{number}@people.example", content=b"Message-ID: <%d@shop.example>\r\n" % number + _BODY,
        is_quoted=True,
    )  # fmt: skip


def run(n: int) -> dict[str, Any]:
    """Each client in turn; the peers send a tenth."""
    is_tls = os.environ.get("TLS") == "1"
    few = max(1, n // PEERS_SHARE)
    with measure.part():
        ours = _measured(is_tls, n, lambda sink, count: _ours(sink, count, is_tls))
    figures = {
        **{f"ours_{key}": value for key, value in ours.items()},
        **{
            f"one_by_one_{k}": v
            for k, v in _measured(is_tls, few, _one_by_one(is_tls), "--no-pipelining").items()
        },
        **{f"smtplib_{k}": v for k, v in _measured(is_tls, few, _smtplib(is_tls)).items()},
        **{f"aiosmtplib_{k}": v for k, v in _measured(is_tls, few, _aiosmtplib(is_tls)).items()},
    }
    return {
        **figures,
        "ratio_vs_smtplib": round(figures["smtplib_us"] / figures["ours_us"], 1),
        "ratio_vs_aiosmtplib": round(figures["aiosmtplib_us"] / figures["ours_us"], 1),
        "connections": CONNECTIONS,
        "tls": is_tls,
        "load": round(os.getloadavg()[0], 1),
        "checked": "every message of each client is in the relay's log once",
    }


def _measured(
    is_tls: bool, count: int, client: Callable[[Sink, int], None], *options: str
) -> dict[str, float]:
    numbers: dict[str, float] = {}
    with _sink(is_tls, options, numbers) as sink:
        wall, cpu = time.perf_counter(), _cpu()
        client(sink, count)
        wall, cpu = time.perf_counter() - wall, _cpu() - cpu
        found = [orjson.loads(line)["to"] for line in sink.log.read_bytes().splitlines()]
    if not (len(found) == len(set(found)) == count):
        raise SystemExit(f"{count} messages, but {len(found)} in the log, {len(set(found))} different.")
    return {
        "per_s": round(count / wall),
        "us": round(cpu / count * 1e6, 1),
        "relay_us": round(numbers["cpu_seconds"] / count * 1e6, 1),
    }


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@contextmanager
def _sink(is_tls: bool, options: tuple[str, ...], numbers: dict[str, float]) -> Iterator[Sink]:
    with tempfile.TemporaryDirectory() as folder:
        log, certificate = Path(folder) / "log", Path(folder) / "certificate.pem"
        words = ["simulate", "relay", "--port", "0", "--log", str(log), *options]
        words += ["--starttls", "--certificate", str(certificate)] if is_tls else []
        process = subprocess.Popen(
            [sys.executable, "-m", "tandem", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        port = int(process.stderr.readline().split(" ")[0].rpartition(":")[2])
        try:
            yield Sink(port=port, certificate=str(certificate), log=log)
        finally:
            process.terminate()
            numbers.update(orjson.loads(process.communicate(timeout=30)[0]))


def _ours(sink: Sink, count: int, is_tls: bool) -> None:
    async def main() -> None:
        feed = Feed(count)
        way = WayOut(
            Relay(
                host="127.0.0.1",
                port=sink.port,
                connections=CONNECTIONS,
                encryption=Encryption.STARTTLS if is_tls else Encryption.NONE,
                authorities=sink.certificate if is_tls else "",
            )
        )
        running = asyncio.create_task(way.run(feed))
        await feed.over.wait()
        await way.close()
        await running
        assert feed.accepted == count

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def _one_by_one(is_tls: bool) -> Callable[[Sink, int], None]:
    return lambda sink, count: _ours(sink, count, is_tls)


def _smtplib(is_tls: bool) -> Callable[[Sink, int], None]:
    def client(sink: Sink, count: int) -> None:
        with smtplib.SMTP("127.0.0.1", sink.port) as smtp:
            if is_tls:
                smtp.starttls(context=_context(sink))
            for number in range(count):
                one = letter(number)
                smtp.sendmail(one.sender, [one.recipient], one.content)

    return client


def _aiosmtplib(is_tls: bool) -> Callable[[Sink, int], None]:
    def client(sink: Sink, count: int) -> None:
        import aiosmtplib

        async def some(numbers: range) -> None:
            context = _context(sink) if is_tls else None
            smtp = aiosmtplib.SMTP(
                hostname="127.0.0.1", port=sink.port, start_tls=is_tls, tls_context=context, use_tls=False
            )
            async with smtp:
                for number in numbers:
                    one = letter(number)
                    await smtp.sendmail(one.sender, [one.recipient], one.content)

        async def main() -> None:
            await asyncio.gather(*(some(range(start, count, CONNECTIONS)) for start in range(CONNECTIONS)))

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())

    return client


def _context(sink: Sink) -> Any:
    from tandem.messenger.delivery.smtp.relay import context

    return context(sink.certificate)
