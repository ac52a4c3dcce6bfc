"""n contacts uploaded as a wire import into a new list, then read page by page as the REST API answers them."""

import os
import random
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from benchmarks import data, measure

HALF = "messenger"
PAGE = 1000
ENDS = 20
HEADER = ("originalId", "emailAddress", "mobileNumber", "firstName", "lastName", "city", "country", "level")


def run(n: int) -> dict[str, Any]:
    """Import once, read all pages once; every contact is seen once, the last as it is in the file."""
    from tandem.kit import clock
    from tandem.messenger.contacts import service as contacts

    now = clock.from_environment()
    account_id, list_id = _prepared(now)
    file = contact_file(n)
    with measure.part():
        started = time.perf_counter()
        import_id = contacts.start_import(account_id, list_id, delimiter="9", clock=now)
        with file.open("rb") as body:
            blocks = iter(lambda: body.read(1 << 20), b"")
            batch = contacts.upload(account_id, list_id, import_id, blocks, defer=False, clock=now)
        batch = contacts.run_batch(account_id, batch.id, clock=now)
        imported = time.perf_counter() - started
    if (batch.status, batch.total, batch.affected) != ("FINISHED", n, n):
        raise SystemExit(f"{n} lines, but {batch}")
    with measure.part():
        seconds, seen, last = _paged(account_id, list_id)
    if seen != n or last != _line(n - 1):
        raise SystemExit(f"{seen} of {n} contacts were read, the last is {last}.")
    first, end = statistics.median(seconds[:ENDS]), statistics.median(seconds[-ENDS - 1 : -1])
    return {
        "import_s": round(imported, 1),
        "import_rows_per_s": round(n / imported),
        "file_mb": round(file.stat().st_size / 2**20, 1),
        "page_ms_first": round(first * 1000, 1),
        "page_ms_last": round(end * 1000, 1),
        "page_us_per_contact": round(sum(seconds) / n * 1e6, 1),
        "load": round(os.getloadavg()[0], 1),
        "checked": f"{n} lines made {n} contacts; pages of {PAGE} showed each id once, ascending; the last one is the "
        "last line",
    }


def contact_file(n: int) -> Path:
    """A tab-separated file of n made-up contacts in reserved names, made once."""
    target = data.home() / f"contacts-{n}.tsv"
    if not target.exists():
        with target.open("w", encoding="utf-8", newline="\n") as out:
            out.write("\t".join(HEADER) + "\n")
            out.writelines("\t".join(_line(number)) + "\n" for number in range(n))
    return target


def _line(number: int) -> tuple[str, ...]:
    city = random.Random(number).choice(["Malmö", "Oslo", "Aarhus", "Göteborg", "Tampere"])
    return (
        f"B{number}", f"b{number}@people.example", f"+46700{number:06}", f"Åsa {number}", "Öberg", city, "se", "gold",
    )  # fmt: skip


def _prepared(now: Any) -> tuple[int, int]:
    from tandem.messenger.accounts import service as accounts
    from tandem.messenger.contacts import service as contacts

    name = f"benchmark contacts {datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"
    account = accounts.create_account(name=name, zone="UTC")
    contacts.define_property(account.id, name="level", clock=now)
    return account.id, contacts.create_list(account.id, name="People", clock=now).id


def _paged(account_id: int, list_id: int) -> tuple[list[float], int, tuple[str, ...]]:
    """Seconds of each page as JSON, how many contacts were seen, the last one's cells."""
    seconds, seen, last_id, last = [], 0, -1, ()
    for size, took, lines in _pages(account_id, list_id):
        seconds.append(took)
        ids = [line["id"] for line in lines]
        if ids != sorted(set(ids)) or (ids and ids[0] <= last_id):
            raise SystemExit("A page does not ascend.")
        seen, last_id = seen + size, ids[-1] if ids else last_id
        if lines:
            one = lines[-1]
            last = (*(one[name] for name in HEADER[:-1]), one["namedProperties"]["level"])
    return seconds, seen, last


def _pages(account_id: int, list_id: int) -> Iterator[tuple[int, float, list[dict[str, Any]]]]:
    from tandem.messenger.api.rest.contact_lines import contact_line
    from tandem.messenger.contacts import service as contacts

    last_id = -1
    while True:
        started = time.perf_counter()
        found = contacts.page_contacts(account_id, list_id, last_id=last_id, size=PAGE)
        names = contacts.property_names(account_id)
        body = orjson.dumps([contact_line(line, list_id, names) for line in found])
        took = time.perf_counter() - started
        lines = orjson.loads(body)
        yield len(found), took, lines
        if not lines:
            return
        last_id = lines[-1]["id"]
