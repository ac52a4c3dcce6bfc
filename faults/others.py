"""F3, F4 and F17: senders that freeze, a database that stops, the n-th piece to either neighbour that fails."""

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator
from urllib.parse import quote

import psycopg

from faults.invariants import Report, check_invariants
from faults.proxy import Chaos, Proxy
from faults.world import DATABASE, LEASE, Run, World
from tandem.kit import embedded_postgres

SLOWEST = 150.0
_END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()
"""


def zombies(world: World, *, recipients: int, senders: int, chance: random.Random) -> tuple[Run, Report]:
    """One of several senders stands still for longer than its lease, and then goes on."""
    world.stop()
    world.start(TANDEM_SENDERS=str(senders))
    world.slow(LEASE * 1.5 * 8 * senders / recipients)
    run = world.begin(recipients)
    _until_sending(world, run)
    frozen = chance.choice(world.senders())
    os.kill(frozen, signal.SIGSTOP)
    time.sleep(LEASE + 3)
    with contextlib.suppress(ProcessLookupError):
        os.kill(frozen, signal.SIGCONT)
    world.slow(0)
    world.wait(run, SLOWEST)
    return run, check_invariants(world, run)


def database_stops(world: World, *, recipients: int, times: int, chance: random.Random) -> tuple[Run, Report]:
    """The server is stopped as by a crash, or every session ended, in the middle of a sending."""
    world.slow(times * 3.0 * 16 / recipients)
    run = world.begin(recipients)
    _until_sending(world, run)
    for number in range(times):
        time.sleep(chance.uniform(0.3, 1.5))
        if number % 2:
            with psycopg.connect(world.database_url, autocommit=True) as connection:
                connection.execute(_END_SESSIONS, [DATABASE])
        else:
            server = embedded_postgres.find(world.home)
            assert server is not None
            embedded_postgres.stop(server, mode="immediate")
            time.sleep(0.5)
            embedded_postgres.ensure(world.home)
        run.kills.append("sessions" if number % 2 else "server")
    world.slow(0)
    world.wait(run, SLOWEST)
    return run, check_invariants(world, run)


def nth_piece_to_relay(
    world: World, numbers: Iterator[int], *, recipients: int
) -> Iterator[tuple[int, Run, Report]]:
    """The connection to the relay is cut at the n-th piece the sender writes: before it arrives, or right after."""
    with Proxy(world.relay.port) as proxy:
        world.stop()
        world.slow(0)
        world.start(TANDEM_SMTP_PORT=str(proxy.port), TANDEM_SENDERS="1")
        for number in numbers:
            proxy.tell(Chaos(cut_at=number, whole=bool(number % 2)))
            run = world.begin(recipients, lead_seconds=1.0)
            world.wait(run, SLOWEST)
            run.kills = [f"piece {number}"] * proxy.cuts
            yield number, run, check_invariants(world, run)


def nth_piece_to_database(
    world: World, numbers: Iterator[int], *, recipients: int
) -> Iterator[tuple[int, Run, Report]]:
    """The same of every process's connections to PostgreSQL."""
    server = embedded_postgres.find(world.home)
    assert server is not None
    folder = world.home / "proxied"
    folder.mkdir(exist_ok=True)
    with Proxy(server.sockets / ".s.PGSQL.5432", folder / ".s.PGSQL.5432") as proxy:
        url = server.url(DATABASE).partition("?")[0] + f"?host={quote(str(folder), safe='')}"
        world.stop()
        world.slow(0)
        world.start(TANDEM_MESSENGER_DATABASE_URL=url, TANDEM_SENDERS="1")
        for number in numbers:
            run = world.begin(recipients, lead_seconds=1.5)
            proxy.tell(Chaos(cut_at=number, whole=bool(number % 2)))
            world.wait(run, SLOWEST)
            run.kills = [f"piece {number}"] * proxy.cuts
            yield number, run, check_invariants(world, run)


def _until_sending(world: World, run: Run) -> None:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline and not world.arrived(run):
        time.sleep(0.05)
