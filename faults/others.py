"""F3, F4, F16 and F17: senders that freeze, a database that stops, a stop in the middle, pieces that are cut off."""

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import psycopg

from faults.invariants import Report, check_invariants
from faults.observed import DATABASE, Run
from faults.proxy import Chaos, Proxy
from faults.world import LEASE, SENDERS, World
from tandem.kit import embedded_postgres

SLOWEST = 90.0
#: seconds that a stop may take
STOPPED = 2.0
_END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()
"""
#: as if the process were on a machine that cannot be reached any more: no journal to look at, its session gone
_LOSE_SIGHT = (
    "UPDATE messenger_delivery_sender SET host = 'out-of-sight' WHERE pid = %s AND NOT recovered RETURNING id"
)
#: as if another machine bore its name: then its lease counts, and its session, which still stands, does not
_OTHER_BOOT = (
    "UPDATE messenger_delivery_sender SET boot_id = 'another' WHERE pid = %s AND NOT recovered RETURNING id"
)
_END_SESSION = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s"


def zombies(
    world: World,
    *,
    recipients: int,
    senders: int,
    chance: random.Random,
    out_of_sight: bool,
    unlike: bool = False,
    seconds: float = LEASE + 4.0,
) -> tuple[Run, Report, bool]:
    """One of several senders stands still for longer than its lease, and goes on; whether it was given up meanwhile.

    Out of sight it is taken for dead because its session is gone too, unlike because another machine has its name (and
    so its lease alone counts): its rows are settled by others before it wakes. Its session still open, all that it then
    writes must be refused by the fence.
    """
    if len(world.senders()) != senders:
        world.stop()
        world.start(TANDEM_SENDERS=str(senders))
    world.slow((seconds + 2) * 8 * senders / recipients)
    run, before = world.begin(recipients), world.burials()
    _until_sending(world, run)
    frozen = chance.choice(_working(world, run))
    os.kill(frozen, signal.SIGSTOP)
    run.kills, run.deaths = ["frozen"], 1
    if out_of_sight:
        for (sender,) in world.rows(_LOSE_SIGHT, [frozen]):
            world.rows(_END_SESSION, [sender])
    elif unlike:
        world.rows(_OTHER_BOOT, [frozen])
    world.slow(LEASE * 8 * senders / recipients)
    time.sleep(seconds)
    given_up = bool(world.buried_since(before))
    refused = world.refused_by_fence()
    with contextlib.suppress(ProcessLookupError):
        os.kill(frozen, signal.SIGCONT)
    run.mended = time.monotonic()
    time.sleep(2.0 if unlike else 0.0)  # what it does when it wakes is what this is about
    world.slow(0)
    world.wait(run, SLOWEST)
    report = check_invariants(world, run, buried=world.buried_since(before))
    missing = [] if given_up or not (out_of_sight or unlike) else ["F3: nobody gave the frozen sender up"]
    if unlike:
        report = replace(report, rejected=world.refused_by_fence() - refused)
        missing += [] if report.rejected else ["F3: the fence refused nothing"]
    return run, report.with_more(missing), given_up


def database_stops(
    world: World,
    *,
    recipients: int,
    times: int,
    chance: random.Random,
    what: Sequence[str] = ("server", "sessions"),
) -> tuple[Run, Report]:
    """The server is stopped as by a crash, or every session ended, or both in turn, in the middle of a sending."""
    world.slow(times * 3.0 * 16 / recipients)
    run, before = world.begin(recipients), world.burials()
    _until_sending(world, run)
    for number in range(times):
        time.sleep(chance.uniform(0.3, 1.5))
        done = what[number % len(what)]
        if done == "sessions":
            with psycopg.connect(world.database_url, autocommit=True) as connection:
                connection.execute(_END_SESSIONS, [DATABASE])
        else:
            _away(world, 0.5)
        run.kills.append(done)
        run.deaths += SENDERS
        run.mended = time.monotonic()
    world.slow(0)
    world.wait(run, SLOWEST)
    return run, check_invariants(world, run, buried=world.buried_since(before))


def database_away(world: World, *, recipients: int, seconds: float) -> tuple[Run, Report]:
    """A fail-over: no server for so long, and then the one that has all that was committed. No message meanwhile.

    The database is one that is served: none of the processes may start it again.
    """
    server = embedded_postgres.find(world.home)
    assert server is not None
    world.stop()
    world.start(TANDEM_MESSENGER_DATABASE_URL=server.url(DATABASE))
    world.slow(8.0 * 16 / recipients)
    run, before = world.begin(recipients), world.burials()
    _until_sending(world, run)
    run.kills, run.deaths, gone = ["server"], SENDERS, time.time()
    _away(world, seconds)
    run.mended = time.monotonic()
    there = gone + seconds
    world.slow(0)
    world.wait(run, SLOWEST)
    left = [fact["at"] - gone for fact in world.facts(run) if gone < fact["at"] < there]
    broken = []
    if len(left) > world.in_flight * SENDERS or any(one > STOPPED for one in left):
        broken.append(f"F4: {len(left)} left without a database, the last after {max(left):.1f} s")
    if world.arrived(run) - len(left) >= len(run.customers - run.opted_out):
        broken.append("F4: all had left before, which proves nothing")
    return run, check_invariants(world, run, buried=world.buried_since(before)).with_more(broken)


def _away(world: World, seconds: float) -> None:
    server = embedded_postgres.find(world.home)
    assert server is not None
    embedded_postgres.stop(server, mode="immediate")
    time.sleep(seconds)
    embedded_postgres.ensure(world.home)


def stopped(world: World, *, recipients: int, words: tuple[str, ...]) -> tuple[Run, Report]:
    """F16: cancelled, or the kill switch, in the middle: at most what is in flight leaves after that."""
    world.slow(8.0 * 16 / recipients)
    run = world.begin(recipients)
    _until_sending(world, run)
    sending = world.sending(run)
    assert sending is not None
    world.stack.run("sendings", *words, *([str(sending[0])] if words[0] == "cancel" else []))
    at, before = time.time(), world.arrived(run)
    time.sleep(STOPPED + 3)
    after = [fact["at"] - at for fact in world.facts(run) if fact["at"] > at]
    if words[0] != "cancel":
        world.stack.run("sendings", "start")
    world.slow(0)
    world.wait(run, SLOWEST)
    report = check_invariants(world, run)
    return run, report.with_more(_left(world, run, after, before))


def _left(world: World, run: Run, after: list[float], before: int) -> list[str]:
    most = world.in_flight * SENDERS
    broken = []
    if len(after) > most or any(one > STOPPED for one in after):
        broken.append(
            f"I7: {len(after)} left after the stop (of at most {most}), the last {max(after):.1f} s later"
        )
    if before + most >= len(run.customers - run.opted_out):
        broken.append("I7: nearly all had left before the stop, which proves nothing")
    return broken


def nth_piece_to_relay(
    world: World, numbers: Iterator[int], *, recipients: int, whole: bool | None = None
) -> Iterator[tuple[Run, Report]]:
    """The connection to the relay is cut at the n-th piece the sender writes: before it arrives, or right after.

    Of several kinds the odd numbers are `whole`. It ends with a run that came to no n-th piece, whose kills are none.
    """
    with Proxy(world.relay.port) as proxy:
        world.stop()
        world.slow(0)
        world.start(TANDEM_SMTP_PORT=str(proxy.port), TANDEM_SENDERS="1")
        yield from _each_piece(world, proxy, numbers, recipients=recipients, whole=whole)


def nth_piece_to_database(
    world: World, numbers: Iterator[int], *, recipients: int, whole: bool | None = None
) -> Iterator[tuple[Run, Report]]:
    """The same of every process's connections to PostgreSQL; a piece is a statement, or a commit."""
    server = embedded_postgres.find(world.home)
    assert server is not None
    folder = Path(f"/tmp/tandem-faults-{os.getpid()}")  # a socket's name may not be long
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    with Proxy(server.sockets / ".s.PGSQL.5432", folder / ".s.PGSQL.5432") as proxy:
        url = server.url(DATABASE).partition("?")[0] + f"?host={quote(str(folder), safe='')}"
        world.stop()
        world.slow(0)
        world.start(TANDEM_MESSENGER_DATABASE_URL=url, TANDEM_SENDERS="1")
        yield from _each_piece(world, proxy, numbers, recipients=recipients, whole=whole)
    for left in folder.iterdir():
        left.unlink()
    folder.rmdir()


def _each_piece(
    world: World, proxy: Proxy, numbers: Iterator[int], *, recipients: int, whole: bool | None
) -> Iterator[tuple[Run, Report]]:
    for number in numbers:
        proxy.tell(Chaos(cut_at=number, whole=bool(number % 2) if whole is None else whole))
        run = world.begin(recipients, lead_seconds=1.0)
        world.wait(run, SLOWEST)
        yield _cut(world, run, proxy, number)


def _cut(world: World, run: Run, proxy: Proxy, number: int) -> tuple[Run, Report]:
    run.kills = [f"piece {number}"] * proxy.cuts
    run.deaths, run.mended = proxy.cuts, proxy.cut_when
    proxy.tell(Chaos())
    return run, check_invariants(world, run)


def _until_sending(world: World, run: Run) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not world.arrived(run):
        time.sleep(0.05)


def _working(world: World, run: Run) -> list[int]:
    deadline = time.monotonic() + 20
    while not (found := world.working(run)):
        assert time.monotonic() < deadline, "no sender works on it"
        time.sleep(0.1)
    return found
