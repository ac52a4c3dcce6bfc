"""Opening a sending: the list becomes ledger rows, all in one transaction, before anything is sent."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.messenger.delivery import cancelling, holding, policies
from tandem.messenger.delivery.domain import BLOCK_ROWS, LATE_CUT_OFF, Channel, PlannedTemplate, SendingState
from tandem.messenger.delivery.errors import ListChanged
from tandem.messenger.delivery.models import Sending, SendingTemplate
from tandem.messenger.delivery.staging import StagedList

#: In the database's own collation, as the indexes are: they are used then, whatever is known of a new list's contacts.
#: One row per listed customer; who was cancelled, has no contact, or an address an earlier row has, is settled here
_ROWS = """
INSERT INTO messenger_delivery_attempt
    (account_id, sending_id, due_at, done_at, contact_id, template_id, seq, state, tries, customer, reason, detail)
SELECT %(account)s, %(sending)s, m.due_at, CASE WHEN m.reason <> '' THEN %(now)s END, m.contact_id, m.template_id,
       m.seq, CASE m.reason WHEN '' THEN 0 WHEN 'cancelled' THEN 24 ELSE 21 END, 0, m.customer, m.reason, ''
FROM (
    SELECT l.seq, l.customer, l.template_id, t.due_at, c.id AS contact_id,
           CASE WHEN k.customer IS NOT NULL THEN 'cancelled'
                WHEN c.id IS NULL THEN 'no contact'
                WHEN c.{key} <> ''
                 AND row_number() OVER (PARTITION BY c.{key} ORDER BY k.customer IS NOT NULL, l.seq) > 1
                THEN 'duplicate address' ELSE '' END AS reason
    FROM tandem_list l
    JOIN messenger_delivery_sendingtemplate t
      ON t.account_id = %(account)s AND t.sending_id = %(sending)s AND t.template_id = l.template_id
    LEFT JOIN messenger_contacts_contact c
      ON c.account_id = %(account)s AND c.list_id = t.list_id AND c.original_id = l.customer COLLATE "default"
    LEFT JOIN messenger_delivery_cancelledcustomer k
      ON k.account_id = %(account)s AND k.campaign_id = %(campaign)s AND k.customer = l.customer COLLATE "default"
) m ORDER BY m.seq
"""
_BLOCKS = """
INSERT INTO messenger_delivery_block (account_id, sending_id, first_seq, last_seq, next_at, fence, done)
SELECT %(account)s, %(sending)s, min(seq), max(seq), coalesce(min(due_at) FILTER (WHERE state = 0), min(due_at)), 0,
       bool_and(state <> 0)
FROM messenger_delivery_attempt WHERE account_id = %(account)s AND sending_id = %(sending)s
GROUP BY (seq - 1) / {size}
"""
#: a list of so many rows changes what the planner of queries must know
COUNTED_ROWS = 1000
_KEYS = {Channel.EMAIL: "email_key", Channel.SMS: "mobile_key"}


@transaction.atomic
def open_sending(
    account_id: int,
    *,
    source_key: str,
    channel: Channel,
    templates: Sequence[PlannedTemplate],
    rows: StagedList | Iterable[tuple[str, int | None]],
    clock: Clock,
    kind: str = "campaign",
    name: str = "",
    campaign_id: int | None = None,
    channel_id: int | None = None,
    list_hash: str = "",
    cut_off: timedelta = LATE_CUT_OFF,
    campaign_key: str = "",
    values: Mapping[str, str] | None = None,
) -> int:
    """The id of the sending of this source; its rows (customer, template) are written once.

    A second call for the same source changes nothing. Raises ListChanged if its list differs from the first, and
    ListedTwice.
    """
    now = clock.business()
    gate_id = holding.gate_of(account_id, kind, templates)
    sending, created = Sending.objects.get_or_create(
        account_id=account_id,
        source_key=source_key,
        defaults={
            "kind": kind,
            "name": name[:200],
            "channel": channel.value,
            "campaign_id": campaign_id,
            "channel_id": channel_id,
            "campaign_key": campaign_key,
            "values": dict(values) if values else None,
            "due_at": min(template.due_at for template in templates),
            "cut_off": cut_off,
            "state": SendingState.SCHEDULED.value,
            "expected": 0,
            "list_hash": list_hash,
            "gate_id": gate_id,
            "gate_held": gate_id is not None,
            **policies.of_new(account_id, channel),
            "created_at": now,
        },
    )
    if not created:
        if sending.list_hash != list_hash:
            raise ListChanged(
                f"Campaign {campaign_id} came a second time with another list.", "Look at the first."
            )
        return sending.id
    cancelling.before_list(sending)
    _write_templates(account_id, sending.id, templates)
    sending.expected = _write_rows(sending, rows, now)
    cancelling.after_list(sending)
    sending.save(update_fields=["expected", "state"])
    failpoint("m6")
    if sending.expected >= COUNTED_ROWS:
        transaction.on_commit(_count_anew)
    return sending.id


def _count_anew() -> None:
    """Fresh statistics: without them the next hours' reads of a new list are planned as if it were empty."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE messenger_delivery_attempt")


def _write_templates(account_id: int, sending_id: int, templates: Sequence[PlannedTemplate]) -> None:
    SendingTemplate.objects.bulk_create(
        SendingTemplate(
            account_id=account_id,
            sending_id=sending_id,
            template_id=template.template_id,
            version_id=template.version_id,
            list_id=template.list_id,
            due_at=template.due_at,
            ignore_opt_out=template.ignore_opt_out,
        )
        for template in templates
    )


def _write_rows(sending: Sending, rows: StagedList | Iterable[tuple[str, int | None]], now: datetime) -> int:
    named: dict[str, Any] = {
        "account": sending.account_id, "sending": sending.id, "campaign": sending.campaign_id, "now": now,
    }  # fmt: skip
    with ExitStack() as stack:
        if not isinstance(rows, StagedList):
            given, rows = rows, stack.enter_context(StagedList())
            rows.add(given)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE tandem_list")
            cursor.execute(_ROWS.format(key=_KEYS[Channel(sending.channel)]), named)
            if cursor.rowcount != rows.rows:
                raise ListChanged(
                    "The list names a template that the campaign does not have.", "Fetch it again."
                )
            cursor.execute(_BLOCKS.format(size=BLOCK_ROWS), named)
        return rows.rows
