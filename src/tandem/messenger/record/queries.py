"""Reads of the record along the ledger's two indexes: by customer, and by place in a sending's list."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection

from tandem.messenger.delivery.domain import AttemptState
from tandem.messenger.record.domain import RecordLine

PAGE = 2000
#: a scan never looks at more blocks at once: what is rare lies in few
BLOCKS_AT_ONCE = 20
_LINE = """
SELECT a.sending_id, s.name, s.kind, s.channel, s.campaign_id, s.campaign_key, a.seq, a.customer, a.template_id,
       coalesce(g.name, ''), a.state, a.reason, a.detail, a.tries, a.due_at, a.done_at, f.opened_at, f.clicked_at,
       (SELECT array_agg(b.kind || ' ' || b.category ORDER BY b.id) FROM messenger_bounces_bounce b
        WHERE b.account_id = a.account_id AND b.attempt_id = a.id)
FROM {rows}
JOIN messenger_delivery_sending s ON s.account_id = a.account_id AND s.id = a.sending_id
LEFT JOIN messenger_projects_trigger g ON g.account_id = a.account_id AND g.id = a.template_id
LEFT JOIN messenger_engagement_firstreaction f ON f.account_id = a.account_id AND f.attempt_id = a.id
"""
#: the page is cut out of the index first, then joined
_CUSTOMERS_ROWS = """(SELECT * FROM messenger_delivery_attempt
      WHERE account_id = %(account)s AND customer = %(customer)s AND sending_id < %(before)s
      ORDER BY sending_id DESC LIMIT %(limit)s) a"""
_SENDINGS_ROWS = """(SELECT * FROM messenger_delivery_attempt
      WHERE account_id = %(account)s AND sending_id = %(sending)s AND seq > %(after)s
      ORDER BY seq LIMIT %(limit)s) a"""
#: a range is written out for each block: of ranges that come from a table the planner knows nothing, and reads it all
_BLOCKS_ROWS = "(SELECT * FROM ({ranges}) r ORDER BY seq LIMIT %(limit)s) a"
_RANGE = """(SELECT * FROM messenger_delivery_attempt
      WHERE account_id = %(account)s AND sending_id = %(sending)s AND seq BETWEEN {first} AND {last}
        AND state = %(state)s ORDER BY seq LIMIT %(limit)s)"""
_ONE_ROW = """(SELECT * FROM messenger_delivery_attempt
      WHERE account_id = %(account)s AND customer = %(customer)s AND sending_id = %(sending)s) a"""
_OF_CUSTOMER = f"{_LINE.format(rows=_CUSTOMERS_ROWS)} ORDER BY a.sending_id DESC"
_OF_SENDING = f"{_LINE.format(rows=_SENDINGS_ROWS)} ORDER BY a.seq"
_OF_BLOCKS = f"{_LINE.format(rows=_BLOCKS_ROWS)} ORDER BY a.seq"  # {ranges} stays to be filled in
_ONE = _LINE.format(rows=_ONE_ROW)
#: blocks that may hold a row of a state: those that say so, those that hold uncertain rows (settled later as something
#: else), those that nobody has summed up
_BLOCKS = """
SELECT b.first_seq, b.last_seq FROM messenger_delivery_block b
LEFT JOIN messenger_record_blockstates k
  ON k.account_id = b.account_id AND k.sending_id = b.sending_id AND k.first_seq = b.first_seq AND k.fence = b.fence
WHERE b.account_id = %(account)s AND b.sending_id = %(sending)s AND b.last_seq > %(after)s
  AND (NOT b.done OR k.states IS NULL OR k.states & %(bits)s <> 0)
ORDER BY b.first_seq LIMIT %(blocks)s
"""
_LONGEST_ID = 2**62


def bit(state: int) -> int:
    """The place of a state in a block's bits."""
    return 1 << list(AttemptState).index(AttemptState(state))


def of_customer(
    account_id: int, customer: str, *, before: int | None = None, limit: int = 100
) -> list[RecordLine]:
    """All that a customer was listed for, the newest sending first; before: a sending to go on from."""
    named = {"customer": customer, "before": before or _LONGEST_ID, "limit": limit}
    return _read(account_id, _OF_CUSTOMER, named)


def of_customer_in(account_id: int, sending_id: int, customer: str) -> RecordLine | None:
    """What became of one customer in one sending; None if it was not listed."""
    return next(iter(_read(account_id, _ONE, {"customer": customer, "sending": sending_id})), None)


def of_sending(
    account_id: int, sending_id: int, *, state: str | None = None, after: int = 0, limit: int = 100
) -> list[RecordLine]:
    """A sending's rows in the order of its list, from the row after `after`; of one state if it is named."""
    named: dict[str, Any] = {"sending": sending_id, "after": after, "limit": limit}
    if state is None:
        return _read(account_id, _OF_SENDING, named)
    return _of_state(account_id, named, AttemptState[state.upper()])


def all_of_sending(account_id: int, sending_id: int) -> Iterator[RecordLine]:
    """Every row of a sending, a page in memory at a time."""
    after = 0
    while found := of_sending(account_id, sending_id, after=after, limit=PAGE):
        yield from found
        after = found[-1].seq


def all_of_customer(account_id: int, customer: str) -> Iterator[RecordLine]:
    """Every row of a customer, likewise."""
    before = None
    while found := of_customer(account_id, customer, before=before, limit=PAGE):
        yield from found
        before = found[-1].sending_id


def _of_state(account_id: int, named: dict[str, Any], state: AttemptState) -> list[RecordLine]:
    found: list[RecordLine] = []
    after, limit = named["after"], named["limit"]
    bits = bit(state) | bit(AttemptState.UNCERTAIN)
    while len(found) < limit:
        blocks = _rows(account_id, _BLOCKS, {**named, "after": after, "bits": bits, "blocks": BLOCKS_AT_ONCE})
        if not blocks:
            break
        ranges = " UNION ALL ".join(
            _RANGE.format(first=int(max(first, after + 1)), last=int(last)) for first, last in blocks
        )
        more = {**named, "state": int(state), "limit": limit - len(found)}
        found += _read(account_id, _OF_BLOCKS.format(ranges=ranges), more)
        after = blocks[-1][1]
    return found


def _read(account_id: int, sql: str, named: dict[str, Any]) -> list[RecordLine]:
    return [_line(row) for row in _rows(account_id, sql, named)]


def _rows(account_id: int, sql: str, named: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {**named, "account": account_id})
        return cursor.fetchall()


def _line(row: Sequence[Any]) -> RecordLine:
    return RecordLine(
        sending_id=row[0],
        sending=row[1],
        kind=row[2],
        channel=row[3],
        campaign_id=row[4],
        campaign_key=row[5],
        seq=row[6],
        customer=row[7],
        template_id=row[8],
        template=row[9],
        state=AttemptState(row[10]).words,
        reason=row[11],
        detail=row[12],
        tries=row[13],
        due_at=row[14],
        done_at=row[15],
        opened_at=row[16],
        clicked_at=row[17],
        back=tuple(_back(one) for one in row[18] or ()),
    )


def _back(words: str) -> tuple[str, str]:
    """`hard bad-mailbox` -> both; a kind may have two words, a category has one, or none."""
    kind, _, category = words.rpartition(" ")
    return kind, category
