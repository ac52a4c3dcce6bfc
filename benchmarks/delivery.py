"""One sending of n emails, all in: list, rendering, MIME with counted links, SMTP to a relay, durable ledger.

One sender of the product in this process; a Django send loop does the same with fewer, in the same run. TLS=1 encrypts,
DKIM=rsa|ed25519 signs. SMALL=1 opens a sending of ten while the large one runs, and times it to its last message.
CPU is told apart: sender, database, relay. The ledger's bytes are of the pages its rows lie on, free room included.
"""

import csv
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from benchmarks import data, django_loop, letters, measure
from benchmarks.details import _database_cpu as database_cpu
from benchmarks.send import _opened
from tandem.simulators.relay_marks import mistaken

HALF = "messenger"
PEERS = 1500
SMALL_ROWS = 10
SMALL_AFTER = 2.0
DEADLINE_SECONDS = 1800
#: a page that rows of other sendings lie on too counts by its rows
_SIZES = """
SELECT sum(8192.0 * mine / rows) / sum(mine), sum(size) / sum(mine)
FROM (SELECT count(*) AS rows, count(*) FILTER (WHERE account_id = %(account)s AND sending_id = %(sending)s) AS mine,
             sum(pg_column_size(a.*) + 4) FILTER (WHERE account_id = %(account)s AND sending_id = %(sending)s) AS size
      FROM messenger_delivery_attempt a GROUP BY (ctid::text::point)[0]) pages
WHERE mine > 0
"""
_ENDED = "SELECT finished_at IS NOT NULL FROM messenger_delivery_sending WHERE account_id = %s AND id = %s"


@dataclass(kw_only=True)
class Relay:
    """The relay's process: where it listens, what it took, what it cost."""

    port: int
    certificate: str
    log: Path
    maildir: Path
    cpu: float = 0.0
    taken: list[str] = field(default_factory=list)
    facts: list[dict[str, Any]] = field(default_factory=list)


def run(n: int) -> dict[str, Any]:
    """Send n, then a few by Django; compare relay and ledger."""
    from tandem.kit import clock

    now = clock.from_environment()
    account_id, trigger_id = _prepared(n, now)
    before, index_before = database_cpu(), _index_bytes()
    started = time.process_time()
    sending_id = _opened(account_id, trigger_id, n, now)
    opened = time.process_time() - started + database_cpu() - before
    with relay() as sink:
        figures = _sent(account_id, sending_id, sink)
    peer = django_loop.measured(account_id, min(n, PEERS), relay)
    accepted = _accepted(account_id, sending_id)
    small = figures.pop("small_seconds")
    if not len(sink.taken) - SMALL_ROWS * (small > 0) == len(set(sink.taken)) == accepted == n:
        raise SystemExit(f"{n} listed, {accepted} accepted, {len(sink.taken)} taken by the relay")
    _whose(account_id, sink)
    ours = figures["sender_us"] + figures["database_us"]
    table, row = _ledger_bytes(account_id, sending_id)
    return {
        "messages_per_second": round(n / figures["wall"]),
        "messages_per_second_per_core": round(1e6 / ours),
        "cpu_us_per_message": round(ours, 1),
        "sender_us": round(figures["sender_us"], 1),
        "database_us": round(figures["database_us"], 1),
        "relay_us": round(sink.cpu / n * 1e6, 1),
        "opening_us": round(opened / n * 1e6, 1),
        "django_us": round(peer["us"], 1),
        "django_per_second": round(peer["per_s"]),
        "ratio_vs_django": round(peer["us"] / ours, 1),
        **{key: round(value, 2) for key, value in figures.items() if key.startswith("claim")},
        "ledger_bytes_per_send": round(table, 1),
        "ledger_row_bytes": round(row, 1),
        "index_bytes_per_send": round((_index_bytes() - index_before) / n, 1),
        "in_flight": int(os.environ.get("TANDEM_SMTP_CONNECTIONS", "8")),
        "tls": os.environ.get("TLS") == "1",
        "dkim": os.environ.get("DKIM", ""),
        **({"small_seconds": round(small, 2)} if small else {}),
        **measure.interpreter(),
        "load": round(os.getloadavg()[0], 1),
        "checked": f"{n} listed = {accepted} accepted = {len(set(sink.taken))} different recipients at the relay, "
        "each with their own content, links and id",
    }


@contextmanager
def relay(*options: str) -> Iterator[Relay]:
    """`tandem simulate relay` in a process of its own; what it took and cost is known afterwards."""
    is_tls = os.environ.get("TLS") == "1"
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
        found = Relay(
            port=port, certificate=str(certificate) if is_tls else "", log=log, maildir=Path(folder)
        )
        try:
            yield found
        finally:
            process.terminate()
            found.cpu = orjson.loads(process.communicate(timeout=60)[0])["cpu_seconds"]
            found.facts = [orjson.loads(line) for line in log.read_bytes().splitlines()]
            found.taken = [fact["to"] for fact in found.facts]


def _prepared(n: int, now: Any) -> tuple[int, int]:
    """A new account with n contacts, imported from a file, and the reference letter as its active template."""
    from tandem.messenger.accounts import service as accounts
    from tandem.messenger.contacts import service as contacts
    from tandem.messenger.projects import service as projects
    from tandem.messenger.projects.domain import EmailSource

    account = accounts.create_account(name=f"benchmark {datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}", zone="UTC")
    people = contacts.create_list(account.id, name="People", clock=now)
    for name in ("level", "code"):
        contacts.define_property(account.id, name=name, clock=now)
    contacts.import_file(account.id, people.id, _contact_file(n), clock=now)
    project = projects.create_project(
        account.id,
        name="Letters",
        from_name="Shop",
        from_address="news@shop.example",
        sms_sender="Shop",
        clock=now,
    )
    trigger = projects.create_trigger(
        account.id, project_id=project.id, list_id=people.id, name="Week", channel="email", clock=now
    )
    projects.add_active_version(
        account.id, trigger.id, EmailSource(subject=letters.SUBJECT, html=letters.HTML), clock=now
    )
    _sign(account.id, now)
    return account.id, trigger.id


def _sign(account_id: int, now: Any) -> None:
    """With a key of the asked kind, from the first message on."""
    from tandem.messenger.delivery.dkim import service as dkim

    if algorithm := os.environ.get("DKIM", ""):
        names = {"domain": "shop.example", "selector": "bench"}
        dkim.make_key(account_id, **names, algorithm=algorithm, clock=now)
        dkim.use_key(account_id, **names, check=False)


def _contact_file(n: int) -> Path:
    """A CSV file of the people of `letters`, made once."""
    target = data.home() / f"letters-{n}.csv"
    if target.exists():
        return target
    chance = random.Random(3)
    names = [name for name in letters.NAMES.values()]
    with target.with_suffix(".making").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for number in range(n):
            person = letters.person(number, chance)
            writer.writerow([person[name.lower()] for name in names])
    target.with_suffix(".making").rename(target)
    return target


def _sent(account_id: int, sending_id: int, sink: Relay) -> dict[str, float]:
    """Run one sender until the sending has ended."""
    from django.conf import settings

    from tandem.kit import clock
    from tandem.messenger.delivery import claims
    from tandem.messenger.delivery.sender.life import Life

    settings.TANDEM_SENDING = {
        **settings.TANDEM_SENDING, "TANDEM_PROVIDER": "smtp", "TANDEM_PROVIDER_LOCK": "0",
        "TANDEM_SMTP_HOST": "127.0.0.1", "TANDEM_SMTP_PORT": str(sink.port),
        "TANDEM_SMTP_STARTTLS": "1" if sink.certificate else "0", "TANDEM_SMTP_CA_FILE": sink.certificate,
    }  # fmt: skip
    seconds: list[float] = []
    claims.claim = _timed(claims.claim, seconds)
    stop = threading.Event()
    life = Life(clock.from_environment(), stop)
    small = {"small_seconds": 0.0}
    watcher = threading.Thread(target=_stop_at_end, args=(account_id, sending_id, stop, small), daemon=True)
    database, used, wall = database_cpu(), time.process_time(), time.perf_counter()
    with measure.part():
        watcher.start()
        life.work()
        wall = time.perf_counter() - wall
        life.close()
    used, database = time.process_time() - used, database_cpu() - database
    n = max(1, _accepted(account_id, sending_id))
    half = len(seconds) // 2
    return {
        "wall": wall,
        "sender_us": used / n * 1e6,
        "database_us": database / n * 1e6,
        **small,
        "claims": float(len(seconds)),
        "claim_p95_ms": _p95(seconds),
        "claim_p95_ms_first_half": _p95(seconds[:half]),
        "claim_p95_ms_last_half": _p95(seconds[half:]),
    }


def _timed(claim: Any, seconds: list[float]) -> Any:
    def timed(*arguments: Any, **named: Any) -> Any:
        began = time.perf_counter()
        found = claim(*arguments, **named)
        if found is not None:
            seconds.append(time.perf_counter() - began)
        return found

    return timed


def _p95(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.95)] * 1000 if seconds else 0.0


def _stop_at_end(account_id: int, sending_id: int, stop: threading.Event, small: dict[str, float]) -> None:
    from django.db import connection

    if os.environ.get("SMALL") == "1":
        small["small_seconds"] = _small(account_id, sending_id)

    deadline, has_ended = time.monotonic() + DEADLINE_SECONDS, False
    with connection.cursor() as cursor:
        while time.monotonic() < deadline and not has_ended:
            time.sleep(0.1)
            cursor.execute(_ENDED, [account_id, sending_id])
            has_ended = cursor.fetchone()[0]
    stop.set()
    connection.close()


def _small(account_id: int, large_id: int) -> float:
    """Seconds from opening a sending of SMALL_ROWS to its last outcome, while the large one runs."""
    from tandem.kit import clock
    from tandem.messenger.delivery.models import Sending, SendingTemplate

    time.sleep(SMALL_AFTER)
    trigger = SendingTemplate.objects.get(account_id=account_id, sending_id=large_id).template_id
    began = time.monotonic()
    opened = _opened(account_id, trigger, SMALL_ROWS, clock.from_environment(), source="small")
    mine = Sending.objects.filter(account_id=account_id, id=opened, finished_at__isnull=True)
    while mine.exists():
        time.sleep(0.05)
    took = time.monotonic() - began
    if not Sending.objects.filter(account_id=account_id, id=large_id, finished_at__isnull=True).exists():
        raise SystemExit("The large sending had ended before the small one; take more messages.")
    return took


def _accepted(account_id: int, sending_id: int) -> int:
    from tandem.messenger.delivery.models import Attempt

    return Attempt.objects.filter(account_id=account_id, sending_id=sending_id, state=10).count()


def _whose(account_id: int, sink: Relay) -> None:
    """Every message is its recipient's: content, links, id, head."""
    from tandem.messenger.delivery.models import Attempt

    rows = dict(Attempt.objects.filter(account_id=account_id).values_list("id", "customer"))
    found = Counter(
        mistaken(fact, fact["to"].partition("@")[0].upper(), rows, is_marked=True) for fact in sink.facts
    )
    if set(found) != {""}:
        raise SystemExit(f"What arrived is not what its recipients should have: {dict(found)}")


def _ledger_bytes(account_id: int, sending_id: int) -> tuple[float, float]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(_SIZES, {"account": account_id, "sending": sending_id})
        table, row = cursor.fetchone()
    return float(table), float(row)


def _index_bytes() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_indexes_size('messenger_delivery_attempt')")
        return int(cursor.fetchone()[0])
