"""A message is asked for once under a key: the same again gets the same answer, and nothing is sent twice."""

import hashlib
import hmac

import orjson
from django.conf import settings
from django.db import connection

from tandem.kit.clock import Clock
from tandem.messenger.messages.domain import KEYS_KEPT, LONGEST_KEY, Accepted, Wanted
from tandem.messenger.messages.errors import BadMessage, KeyUsedOtherwise
from tandem.messenger.messages.models import MessageKey

_LOCK = 7261005


def earlier(account_id: int, key: str, trigger_id: int, wanted: Wanted, *, clock: Clock) -> Accepted | None:
    """What was answered under this key; in the transaction that sends, which others with the key wait for.

    Raises KeyUsedOtherwise, BadMessage.
    """
    if len(key) > LONGEST_KEY or not key.isprintable():
        raise BadMessage(f"The key is longer than {LONGEST_KEY} characters, or not plain text.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, f"{account_id}:{key}"])
    MessageKey.objects.filter(account_id=account_id, at__lt=clock.system() - KEYS_KEPT).delete()
    row = MessageKey.objects.filter(account_id=account_id, key=key).first()
    if row is None:
        return None
    if not hmac.compare_digest(row.digest, _digest(trigger_id, wanted)):
        raise KeyUsedOtherwise(
            "Another message was asked for under this key.", "Use a new key for each message."
        )
    return Accepted(message_id=row.message_id, words=row.words)


def keep(
    account_id: int, key: str, trigger_id: int, wanted: Wanted, answer: Accepted, *, clock: Clock
) -> None:
    """Remember the answer, with the sending or not at all."""
    MessageKey.objects.create(
        account_id=account_id,
        key=key,
        digest=_digest(trigger_id, wanted),
        message_id=answer.message_id,
        words=answer.words,
        at=clock.system(),
    )


def _digest(trigger_id: int, wanted: Wanted) -> str:
    """Keyed, so that nobody finds the person by trying ids."""
    said = orjson.dumps([trigger_id, wanted], option=orjson.OPT_SORT_KEYS)
    return hmac.digest(settings.SECRET_KEY.encode(), b"message key " + said, hashlib.sha256).hex()
