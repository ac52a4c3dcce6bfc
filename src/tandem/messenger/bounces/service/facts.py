"""Whose message it was: the ledger's row behind a token, with what is needed to judge what came back of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

_KNOWN = """
SELECT a.account_id, a.id, a.sending_id, a.template_id, a.contact_id, a.customer, a.done_at, coalesce(c.email, ''),
       c.modified_at
FROM messenger_delivery_attempt a
LEFT JOIN messenger_contacts_contact c ON c.account_id = a.account_id AND c.id = a.contact_id
WHERE a.id = %s AND a.sending_id = %s
"""


@dataclass(frozen=True, kw_only=True)
class Known:
    """A message of the ledger and its contact as it is now; email '' when the contact is not known any more."""

    account_id: int
    attempt_id: int
    sending_id: int
    template_id: int
    contact_id: int | None
    customer: str
    handed_over_at: datetime | None
    email: str
    modified_at: datetime | None

    @property
    def domain(self) -> str:
        """The domain of the recipient's address."""
        return self.email.rpartition("@")[2].lower()


def known(messages: Iterable[tuple[int, int]]) -> Known | None:
    """The first of these (sending, attempt) that the ledger still has."""
    for sending_id, attempt_id in messages:
        with connection.cursor() as cursor:
            cursor.execute(_KNOWN, [attempt_id, sending_id])
            found = cursor.fetchone()
        if found:
            return Known(
                account_id=found[0],
                attempt_id=found[1],
                sending_id=found[2],
                template_id=found[3],
                contact_id=found[4] if found[7] else None,
                customer=found[5],
                handed_over_at=found[6],
                email=found[7],
                modified_at=found[8],
            )
    return None
