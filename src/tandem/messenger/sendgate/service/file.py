"""The contact file: JSON Lines behind a signed link that expires, read as it is sent."""

import hashlib
import hmac
from collections.abc import Iterator
from datetime import datetime

import orjson
from django.conf import settings

from tandem.kit import secrets
from tandem.kit.clock import Clock
from tandem.messenger.contacts import queries as contacts
from tandem.messenger.delivery.domain import AttemptState
from tandem.messenger.delivery.models import Attempt
from tandem.messenger.sendgate.domain import LINK_LASTS
from tandem.messenger.sendgate.errors import BadLink, HoldOver
from tandem.messenger.sendgate.models import Hold

_AT_ONCE = 2000


def file_url(row: Hold, token: str, clock: Clock) -> tuple[str, datetime]:
    """The link, and until when it counts."""
    expires = clock.system() + LINK_LASTS
    stamp = str(int(expires.timestamp()))
    base = f"{settings.TANDEM_PUBLIC_URL}/gate/{token}/contacts.jsonl"
    return f"{base}?expires={stamp}&signature={_signature(row.token_hash, stamp)}", expires


def open_file(token: str, *, expires: str, signature: str, clock: Clock) -> Iterator[bytes]:
    """The lines behind a link: everyone who would get a message. Raises BadLink, HoldOver."""
    hashed = secrets.token_hash(token)
    right = hmac.compare_digest(_signature(hashed, expires).encode(), signature.encode(errors="replace"))
    if not right or not expires.isdigit() or int(expires[:12]) < clock.system().timestamp():
        raise BadLink(
            "This link is incomplete, was changed or has expired.", "Use the one of the newest call."
        )
    # all accounts: the unguessable token names the hold
    row = Hold.objects.filter(token_hash=hashed).first()
    if row is None or row.ended_at is not None:
        raise HoldOver("This sending is not held any more.", "Its contacts are not shown after that.")
    return _lines(row.account_id, row.sending_id)


def _lines(account_id: int, sending_id: int) -> Iterator[bytes]:
    after = 0
    rows = Attempt.objects.filter(
        account_id=account_id, sending_id=sending_id, state=AttemptState.PENDING
    ).order_by("seq")
    while part := list(
        rows.filter(seq__gt=after).values_list("seq", "customer", "contact_id", "template_id")[:_AT_ONCE]
    ):
        after = part[-1][0]
        people = contacts.recipients(account_id, [contact_id or 0 for _, _, contact_id, _ in part])
        yield b"".join(
            orjson.dumps(
                {
                    "contactId": customer,
                    "carmaContactId": contact_id,
                    "triggerId": template_id,
                    "properties": people[contact_id or 0].values,
                }
            )
            + b"\n"
            for _, customer, contact_id, template_id in part
            if contact_id in people
        )


def _signature(token_hash: str, expires: str) -> str:
    said = f"gate contacts {token_hash} {expires}".encode(errors="replace")
    return hmac.digest(settings.SECRET_KEY.encode(), said, hashlib.sha256).hex()
