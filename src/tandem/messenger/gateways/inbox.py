"""What gateways tell us: kept once, however often it is told; and their own names of our messages."""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import connection, transaction

from tandem.messenger.gateways.domain import Came, Flag, Incoming, Receipt
from tandem.messenger.gateways.models import CallBack, HandedPart
from tandem.messenger.gateways.smpp.messages import ids_alike

RECEIPT, INCOMING, FLAG = "receipt", "incoming", "flag"
LONGEST_TEXT = 2000
#: how long names of messages are kept for their receipts, and what was worked on for what is told again
KEPT = timedelta(days=30)
_AGAIN = (2, 5, 15, 60, 300, 1800)

_CLAIM = """
SELECT id, account_id, kind, said, came_at, tries FROM messenger_gateways_callback
WHERE next_at <= %s ORDER BY next_at, id LIMIT %s FOR UPDATE SKIP LOCKED
"""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a message and the name it has at its gateway."""

    gateway_id: str
    sending_id: int
    attempt_id: int
    part: int
    parts: int


@dataclass(frozen=True, kw_only=True)
class Told:
    """One thing told, to be worked on."""

    id: int
    account_id: int
    kind: str
    said: dict[str, Any]
    came_at: datetime
    tries: int


@dataclass(frozen=True, kw_only=True)
class Of:
    """Whose message a receipt is of. complete: what is now known of all its parts; None = not all are known."""

    sending_id: int
    attempt_id: int
    complete: Came | None


def keep(account_id: int, told: Iterable[Receipt | Incoming], now: datetime) -> None:
    """Keep what came, durably on return; what says nothing final is not kept."""
    rows = [
        _row(account_id, one, now)
        for one in told
        if not (isinstance(one, Receipt) and one.came is Came.ON_THE_WAY)
    ]
    CallBack.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)


def keep_flag(account_id: int, number: str, flag: Flag, reference: str, now: datetime) -> None:
    """Keep what an answer said about a number."""
    said = {"number": number, "flag": flag.value}
    row = CallBack(
        account_id=account_id,
        kind=FLAG,
        key=_key(reference, flag.value),
        said=said,
        came_at=now,
        next_at=now,
    )
    CallBack.objects.bulk_create([row], ignore_conflicts=True)


def remember(account_id: int, parts: Sequence[Part], now: datetime) -> None:
    """Keep the gateway's names of a message's parts. A name that an SMSC gives again is the newer message's."""
    HandedPart.objects.bulk_create(
        [
            HandedPart(
                account_id=account_id,
                gateway_id=one.gateway_id.strip().lower()[:200],
                sending_id=one.sending_id,
                attempt_id=one.attempt_id,
                part=one.part,
                parts=one.parts,
                at=now,
            )
            for one in parts
        ],
        update_conflicts=True,
        unique_fields=["account", "gateway_id"],
        update_fields=["sending_id", "attempt_id", "part", "parts", "came", "at"],
        batch_size=500,
    )


def due(now: datetime, limit: int = 200) -> list[Told]:
    """What is to be worked on, locked for the caller's transaction."""
    # all accounts: one worker works for all
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [now, limit])
        return [
            Told(id=pk, account_id=account, kind=kind, said=_loaded(said), came_at=came_at, tries=tries)
            for pk, account, kind, said, came_at, tries in cursor.fetchall()
        ]


def done(told: Told, outcome: str) -> None:
    """Worked on: what was said is forgotten, that it was said is kept."""
    CallBack.objects.filter(account_id=told.account_id, pk=told.id).update(
        next_at=None, said=None, outcome=outcome[:60]
    )


def again(told: Told, now: datetime, otherwise: str) -> bool:
    """Look at it again later; False = it was looked at often enough, and ends as `otherwise`."""
    if told.tries >= len(_AGAIN):
        done(told, otherwise)
        return False
    CallBack.objects.filter(account_id=told.account_id, pk=told.id).update(
        tries=told.tries + 1, next_at=now + timedelta(seconds=_AGAIN[told.tries])
    )
    return True


def message_behind(account_id: int, gateway_id: str, came: Came) -> Of | None:
    """Note what came of a part, in the caller's transaction; the message it is a part of, if it is known."""
    alike = ids_alike(gateway_id)
    rows = HandedPart.objects.select_for_update().filter(account_id=account_id, gateway_id__in=alike)
    found = min(rows, key=lambda row: alike.index(row.gateway_id), default=None)
    if found is None:
        return None
    found.came = came.value
    found.save(update_fields=["came"])
    states = list(
        HandedPart.objects.filter(
            account_id=account_id, attempt_id=found.attempt_id, sending_id=found.sending_id
        ).values_list("came", flat=True)
    )
    return Of(
        sending_id=found.sending_id,
        attempt_id=found.attempt_id,
        complete=_complete(states, found.parts),
    )


def _complete(states: Sequence[str], parts: int) -> Came | None:
    if Came.FAILED in states:
        return Came.FAILED
    return Came.DELIVERED if states.count(Came.DELIVERED.value) >= parts else None


@transaction.atomic
def clean(now: datetime) -> int:
    """Delete what is too old to be told again; how much."""
    # all accounts: a chore of the whole installation
    gone = CallBack.objects.filter(next_at=None, came_at__lt=now - KEPT).delete()[0]
    # all accounts: the same
    return gone + HandedPart.objects.filter(at__lt=now - KEPT).delete()[0]


def _row(account_id: int, one: Receipt | Incoming, now: datetime) -> CallBack:
    if isinstance(one, Receipt):
        said = {
            "gateway_id": _storable(one.gateway_id, 200),
            "came": one.came.value,
            "detail": _storable(one.detail, 200),
            "mark": _storable(one.mark, 64),
            "flag": one.flag.value,
        }
        key = _key(one.mark or one.gateway_id, one.came.value)
        return CallBack(account_id=account_id, kind=RECEIPT, key=key, said=said, came_at=now, next_at=now)
    said = {
        "sender": _storable(one.sender, 40),
        "to": _storable(one.to, 40),
        "text": _storable(one.text, LONGEST_TEXT),
    }
    key = _key(one.gateway_id or uuid.uuid4().hex, "in")
    return CallBack(account_id=account_id, kind=INCOMING, key=key, said=said, came_at=now, next_at=now)


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()


def _storable(text: str, most: int) -> str:
    """The text without what PostgreSQL's text cannot hold."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:most]


def _loaded(said: Any) -> dict[str, Any]:
    return orjson.loads(said) if isinstance(said, str | bytes) else dict(said or {})
