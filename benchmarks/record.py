"""The record at size: who got what, when, why not, by customer and by campaign, in a generated ledger of N rows.

Ten sendings, the same customers in each; one row in a hundred was left out, refused or came back, a handful are
uncertain, one in five was opened. Each read is a page of a hundred rows as its page shows them. All is dropped after.

The last sending runs still: its first half is sent, one block is in hand, the others wait; its numbers are read as its
page reads them, before and after blocks at rest were counted. In the first one everybody opened, every third clicked.
"""

import random
import time
from typing import Any

from benchmarks import measure
from tandem.messenger.delivery.domain import BLOCK_ROWS

HALF = "messenger"
SENDINGS = 10
READS = 200
_SENDING = """
INSERT INTO messenger_delivery_sending
    (account_id, source_key, kind, name, channel, campaign_id, channel_id, campaign_key, due_at, cut_off, state, policy,
     expected, list_hash, created_at, started_at, finished_at, gate_held)
SELECT %(account)s, 'bench:' || n, 'campaign', 'Campaign ' || n, 'email', n, 504, '', now() - n * interval '1 day',
       interval '1 hour', 'finished', 'hold', %(rows)s, '', now(), now(), now(), FALSE
FROM generate_series(1, %(sendings)s) n RETURNING id
"""
_TEMPLATES = """
INSERT INTO messenger_delivery_sendingtemplate
    (account_id, sending_id, template_id, version_id, list_id, due_at, ignore_opt_out)
SELECT account_id, id, 1, 1, 1, due_at, FALSE FROM messenger_delivery_sending WHERE account_id = %(account)s
"""
_ROWS = """
INSERT INTO messenger_delivery_attempt
    (account_id, sending_id, due_at, done_at, contact_id, template_id, seq, state, tries, customer, reason, detail)
SELECT %(account)s, %(sending)s, now(), now() + n * interval '1 millisecond', NULL, 1, n,
       CASE WHEN n %% 200003 = 7 THEN 12 WHEN n %% 200 = 1 THEN 11 WHEN n %% 100 = 2 THEN 21 ELSE 10 END, 1, 'c' || n,
       CASE WHEN n %% 100 = 2 THEN 'unsubscribed' ELSE '' END,
       CASE WHEN n %% 200 = 1 THEN '550 5.1.1 User unknown' ELSE '250 2.0.0 Ok: queued' END
FROM generate_series(1, %(rows)s) n
"""
_BLOCKS = """
INSERT INTO messenger_delivery_block (account_id, sending_id, first_seq, last_seq, next_at, fence, done)
SELECT %(account)s, %(sending)s, n, least(n + %(block)s - 1, %(rows)s), now(), 1, TRUE
FROM generate_series(1, %(rows)s, %(block)s) n
"""
_BACK = """
INSERT INTO messenger_bounces_bounce
    (account_id, sending_id, attempt_id, template_id, contact_id, customer, kind, category, status, diagnosis, mta,
     remote_mta, domain, source, at)
SELECT account_id, sending_id, id, template_id, NULL, customer, 'hard', 'bad-mailbox', '5.1.1', detail, '', '',
       'people.example', 'refusal', done_at
FROM messenger_delivery_attempt WHERE account_id = %(account)s AND state = 11
"""
_OPENED = """
INSERT INTO messenger_engagement_firstreaction (account_id, attempt_id, sending_id, template_id, opened_at)
SELECT account_id, id, sending_id, template_id, done_at FROM messenger_delivery_attempt
WHERE account_id = %(account)s AND state = 10 AND seq %% 5 = 0
"""
_RUNNING = """
UPDATE messenger_delivery_sending SET state = 'sending', finished_at = NULL
WHERE account_id = %(account)s AND id = %(sending)s
"""
_WAITING = """
UPDATE messenger_delivery_attempt SET state = 0, reason = '', detail = '', done_at = NULL, tries = 0
WHERE account_id = %(account)s AND sending_id = %(sending)s AND seq > %(half)s
"""
_OPEN_BLOCKS = """
UPDATE messenger_delivery_block SET done = FALSE, sender_id = CASE WHEN first_seq = %(half)s + 1 THEN %(sender)s END
WHERE account_id = %(account)s AND sending_id = %(sending)s AND first_seq > %(half)s
"""
_SENDER = """
INSERT INTO messenger_delivery_sender (host, pid, boot_id, journal, started_at, lease_until, recovered)
VALUES ('bench', 0, '', '', now(), now(), TRUE) RETURNING id
"""
_EVERYBODY_OPENED = """
INSERT INTO messenger_engagement_firstreaction (account_id, attempt_id, sending_id, template_id, opened_at, clicked_at)
SELECT account_id, id, sending_id, template_id, done_at, CASE WHEN seq %% 3 = 0 THEN done_at END
FROM messenger_delivery_attempt WHERE account_id = %(account)s AND sending_id = %(sending)s
ON CONFLICT DO NOTHING
"""
_EVENTS = """
INSERT INTO messenger_engagement_event
    (account_id, attempt_id, sending_id, template_id, kind, actor, link, at, source, detail)
SELECT account_id, id, sending_id, template_id, k, 0, CASE k WHEN 2 THEN 1 + seq %% 26 ELSE 0 END,
       done_at + seq %% 72 * interval '1 hour', k || '', ''
FROM messenger_delivery_attempt, generate_series(1, 2) k
WHERE account_id = %(account)s AND sending_id = %(sending)s AND (k = 1 OR seq %% 3 = 0)
"""
_HOURS = """
INSERT INTO messenger_engagement_hourcount (account_id, sending_id, template_id, kind, actor, link, hour, number)
SELECT account_id, sending_id, template_id, kind, actor, link, date_trunc('hour', at), count(*)
FROM messenger_engagement_event WHERE account_id = %(account)s AND sending_id = %(sending)s GROUP BY 1, 2, 3, 4, 5, 6, 7
"""
_RESPONDING = """
INSERT INTO messenger_engagement_responding (account_id, sending_id, template_id, changed_at)
VALUES (%(account)s, %(sending)s, 1, now())
"""
_SIZES = """
SELECT pg_relation_size('messenger_delivery_attempt'), pg_indexes_size('messenger_delivery_attempt')
"""
_TABLES = (
    "messenger_record_check", "messenger_record_blockstates", "messenger_bounces_bounce",
    "messenger_engagement_firstreaction", "messenger_delivery_attempt", "messenger_delivery_block",
    "messenger_engagement_event", "messenger_engagement_hourcount", "messenger_engagement_countedresponse",
    "messenger_engagement_responding", "messenger_delivery_blocknumbers", "messenger_delivery_sendingtemplate",
    "messenger_delivery_sending",
)  # fmt: skip


def run(n: int) -> dict[str, Any]:
    """Times in milliseconds: the median and the worst of each kind of read."""
    from tandem.kit.clock import OffsetClock
    from tandem.messenger.accounts import service as accounts

    clock = OffsetClock()
    account = accounts.create_account(name=f"Bench record {time.time_ns()}", zone="Europe/Stockholm").id
    rows = n // SENDINGS
    began = time.perf_counter()
    try:
        sendings = _generate(account, rows)
        told: dict[str, Any] = {"generated_s": round(time.perf_counter() - began, 1), "rows": rows * SENDINGS}
        told |= _summed(clock)
        with measure.part():
            told |= _reads(account, sendings, rows)
        told |= _checks(account, sendings[0], rows, clock)
        told |= _under_way(account, sendings[-1], rows)
        told |= _responses(account, sendings[0], clock)
        [(heap, indexes)] = _do(_SIZES, {}, wanted=True)
        told |= {"heap_bytes_per_row": round(heap / n), "index_bytes_per_row": round(indexes / n)}
        return told
    finally:
        _drop(account)


def _generate(account: int, rows: int) -> list[int]:
    sendings = [
        one for (one,) in _do(_SENDING, {"account": account, "rows": rows, "sendings": SENDINGS}, wanted=True)
    ]
    _do(_TEMPLATES, {"account": account})
    for sending in sendings:
        named = {"account": account, "sending": sending, "rows": rows, "block": BLOCK_ROWS}
        _do(_ROWS, named)
        _do(_BLOCKS, named)
    _do(_BACK, {"account": account})
    _do(_OPENED, {"account": account})
    for table in _TABLES[2:6]:
        _do(f"VACUUM ANALYZE {table}", {})
    return sendings


def _summed(clock: Any) -> dict[str, Any]:
    from tandem.messenger.record import service

    began, blocks = time.perf_counter(), 0
    while done := service.sum_up_blocks(clock=clock):
        blocks += done
    return {
        "blocks_summed": blocks,
        "sum_up_us_per_block": round((time.perf_counter() - began) / max(blocks, 1) * 1e6),
    }


def _reads(account: int, sendings: list[int], rows: int) -> dict[str, Any]:
    from tandem.messenger.record import service

    draw = random.Random(7)

    def sending() -> int:
        return draw.choice(sendings)

    def customer() -> str:
        return f"c{draw.randint(1, rows)}"

    kinds = {
        "customer": lambda: service.of_customer(account, customer()),
        "customer_in_sending": lambda: [service.of_customer_in(account, sending(), customer())],
        "sending_first_page": lambda: service.of_sending(account, sending()),
        "sending_any_page": lambda: service.of_sending(account, sending(), after=draw.randint(0, rows - 200)),
        "sending_uncertain": lambda: service.of_sending(account, sending(), state="uncertain"),
        "sending_rejected": lambda: service.of_sending(account, sending(), state="rejected"),
        "sending_cancelled_of_none": lambda: service.of_sending(account, sending(), state="cancelled"),
    }
    told: dict[str, Any] = {}
    checked = {}
    for name, read in kinds.items():
        times, found = [], []
        for _ in range(READS):
            began = time.perf_counter()
            found = read()
            times.append((time.perf_counter() - began) * 1000)
        times.sort()
        told[f"{name}_ms"] = [round(times[READS // 2], 2), round(times[-1], 2)]
        checked[name] = len(found)
    return {**told, "checked": checked}


def _checks(account: int, sending: int, rows: int, clock: Any) -> dict[str, Any]:
    from tandem.messenger.record import service

    began = time.perf_counter()
    found = service.check(account, sending, clock=clock)
    took = time.perf_counter() - began
    began, lines = time.perf_counter(), 0
    for _ in service.lines(service.all_of_sending(account, sending)):
        lines += 1
        if lines > 200_000:
            break
    per_second = lines / (time.perf_counter() - began)
    return {
        "check_s": round(took, 2),
        "check_rows": rows,
        "breaches": found.breaches,
        "csv_lines_per_second": round(per_second),
    }


def _under_way(account: int, sending: int, rows: int) -> dict[str, Any]:
    """What the page of a sending under way asks every two seconds: all of it counted, then most of it kept."""
    from tandem.messenger.delivery import numbers
    from tandem.messenger.delivery import service as delivery
    from tandem.messenger.record import service as record
    from tandem.messenger.reporting import service as reporting

    [(sender,)] = _do(_SENDER, {}, wanted=True)
    half = rows // 2 // BLOCK_ROWS * BLOCK_ROWS
    named = {"account": account, "sending": sending, "half": half, "sender": sender}
    for sql in (_RUNNING, _WAITING, _OPEN_BLOCKS):
        _do(sql, named)
    _do("VACUUM ANALYZE messenger_delivery_attempt", {})

    def page() -> tuple[Any, ...]:
        found = delivery.get_sending(account, sending)
        summary = reporting.summary(account, sending)
        return found.counts, summary, record.course(account, sending), delivery.paced(account, sending)

    counted, counted_ms = _timed(page, 3)
    began, blocks = time.perf_counter(), 0
    while done := numbers.keep():
        blocks += done
    keep_us = (time.perf_counter() - began) / max(blocks, 1) * 1e6
    kept, kept_ms = _timed(page, 20)
    if kept[:2] != counted[:2]:
        raise SystemExit("What is kept of blocks differs from what their rows say.")
    _do("UPDATE messenger_delivery_block SET sender_id = NULL WHERE account_id = %(account)s", named)
    _do("DELETE FROM messenger_delivery_sender WHERE id = %(sender)s", named)
    return {
        "under_way_counted_ms": counted_ms, "under_way_kept_ms": kept_ms, "blocks_kept": blocks,
        "keep_us_per_block": round(keep_us),
    }  # fmt: skip


def _responses(account: int, sending: int, clock: Any) -> dict[str, Any]:
    """What came back of one sending, as its page reads it: counted from its events, then as the background counted."""
    from tandem.messenger.engagement import service

    for sql in (_EVERYBODY_OPENED, _EVENTS, _HOURS, _RESPONDING):
        _do(sql, {"account": account, "sending": sending})
    for table in ("event", "firstreaction", "hourcount"):
        _do(f"VACUUM ANALYZE messenger_engagement_{table}", {})
    live, live_ms = _timed(lambda: service.response_of(account, sending), 3)
    began = time.perf_counter()
    service.count_due(clock=clock)
    took = time.perf_counter() - began
    kept, kept_ms = _timed(lambda: service.response_of(account, sending), 20)
    if (kept.tallies, kept.links) != (live.tallies, live.links):
        raise SystemExit("What was counted in the background differs from what the events say.")
    return {
        "response_events": sum(live.machines.values()), "response_counted_ms": live_ms,
        "response_kept_ms": kept_ms, "response_count_s": round(took, 2),
    }  # fmt: skip


def _timed(read: Any, times: int) -> tuple[Any, list[float]]:
    """What was read, and the median and the worst in milliseconds."""
    found, took = None, []
    for _ in range(times):
        began = time.perf_counter()
        found = read()
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    return found, [round(took[times // 2], 1), round(took[-1], 1)]


def _do(sql: str, named: dict[str, Any], *, wanted: bool = False) -> list[tuple[Any, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, named)
        return cursor.fetchall() if wanted else []


def _drop(account: int) -> None:
    for table in _TABLES:
        _do(f"DELETE FROM {table} WHERE account_id = %(account)s", {"account": account})
    for table in _TABLES[2:7]:
        _do(f"VACUUM FULL {table}", {})
