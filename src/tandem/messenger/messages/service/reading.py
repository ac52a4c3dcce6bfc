"""Messages of a trigger, a list or a contact, newest first, read along indexes whatever the ledger's size."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from tandem.kit.clock import Clock
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.service import finding
from tandem.messenger.delivery import tokens
from tandem.messenger.delivery.domain import AttemptState
from tandem.messenger.engagement import service as engagement
from tandem.messenger.engagement.domain import Reaction
from tandem.messenger.messages.domain import MOST_AT_ONCE, TRIED_FOR, MessageView
from tandem.messenger.projects import service as projects

_NO_REACTION = Reaction()
LEFT = (AttemptState.ACCEPTED, AttemptState.UNCERTAIN)
_COLUMNS = """a.id, a.sending_id, a.contact_id, t.version_id, g.name, s.kind, s.channel, a.state, a.reason, a.due_at,
       a.done_at"""
_SINCE = "coalesce(a.done_at, a.due_at) >= %(since)s"
#: newest sendings first, of each no more rows than are wanted in all; what is not due yet is no message yet
_OF_SENDINGS = """
SELECT {columns}
FROM messenger_delivery_sendingtemplate t
JOIN messenger_delivery_sending s
  ON s.account_id = t.account_id AND s.id = t.sending_id AND (s.finished_at IS NULL OR s.finished_at >= %(since)s)
JOIN messenger_projects_trigger g ON g.account_id = t.account_id AND g.id = t.template_id
CROSS JOIN LATERAL (
    SELECT a.* FROM messenger_delivery_attempt a
    WHERE a.account_id = t.account_id AND a.sending_id = t.sending_id AND a.template_id = t.template_id AND {since}
    ORDER BY a.seq DESC LIMIT %(limit)s) a
WHERE t.account_id = %(account)s AND t.{column} = %(of)s AND t.due_at <= %(now)s AND t.due_at >= %(from)s
ORDER BY t.due_at DESC, t.id DESC, a.seq DESC LIMIT %(limit)s
"""
_OF_CONTACT = """
SELECT {columns}
FROM messenger_delivery_attempt a
JOIN messenger_delivery_sending s ON s.account_id = a.account_id AND s.id = a.sending_id
JOIN messenger_delivery_sendingtemplate t
  ON t.account_id = a.account_id AND t.sending_id = a.sending_id AND t.template_id = a.template_id
JOIN messenger_projects_trigger g ON g.account_id = t.account_id AND g.id = t.template_id
WHERE a.account_id = %(account)s AND a.customer = %(of)s AND t.list_id = %(list)s AND t.due_at <= %(now)s AND {since}
ORDER BY t.due_at DESC, t.id DESC, a.seq DESC LIMIT %(limit)s
"""
_OF_SENDING = """
SELECT {columns}, a.seq
FROM messenger_delivery_attempt a
JOIN messenger_delivery_sending s ON s.account_id = a.account_id AND s.id = a.sending_id
JOIN messenger_delivery_sendingtemplate t
  ON t.account_id = a.account_id AND t.sending_id = a.sending_id AND t.template_id = a.template_id
JOIN messenger_projects_trigger g ON g.account_id = t.account_id AND g.id = t.template_id
JOIN messenger_contacts_contact c ON c.account_id = a.account_id AND c.id = a.contact_id
WHERE a.account_id = %(account)s AND a.sending_id = %(of)s AND a.seq > %(after)s
  AND a.done_at >= %(since)s AND a.done_at < %(until)s AND a.state IN (10, 11, 12)
ORDER BY a.seq LIMIT %(limit)s
"""
_LONG_AGO = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


def messages_of_trigger(
    account_id: int, trigger_id: int, *, since: datetime | None, limit: int, clock: Clock
) -> list[MessageView]:
    """Messages of a trigger whose time has come. Raises UnknownTrigger."""
    projects.get_trigger(account_id, trigger_id)
    return _of_sendings(account_id, "template_id", trigger_id, since, limit, clock)


def messages_of_list(
    account_id: int, list_id: int, *, since: datetime | None, limit: int, clock: Clock
) -> list[MessageView]:
    """Messages to contacts of a list whose time has come. Raises UnknownList."""
    finding.check_list(account_id, list_id)
    return _of_sendings(account_id, "list_id", list_id, since, limit, clock)


def messages_of_contact(
    account_id: int, list_id: int, original_id: str, *, since: datetime | None, limit: int, clock: Clock
) -> list[MessageView]:
    """Messages to one contact whose time has come. Raises UnknownList, UnknownContact."""
    contacts.contact_id_of(account_id, list_id, original_id)
    sql = _OF_CONTACT.format(columns=_COLUMNS, since=_SINCE)
    return _read(account_id, sql, _named(original_id, since, limit, clock) | {"list": list_id})


def messages_of_sending(
    account_id: int, sending_id: int, *, after: int, since: datetime, until: datetime, limit: int
) -> tuple[list[MessageView], int]:
    """Messages of a sending that left, or were refused, from `since` on and before `until`, to people still known.

    In the list's order from the place `after` on; and the place of the last one.
    """
    sql = _OF_SENDING.format(columns=_COLUMNS)
    named: dict[str, Any] = {"of": sending_id, "after": after, "since": since, "until": until, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(sql, {**named, "account": account_id})
        rows = cursor.fetchall()
    return _views(account_id, [row[:-1] for row in rows]), rows[-1][-1] if rows else after


def _of_sendings(
    account_id: int, column: str, of: int, since: datetime | None, limit: int, clock: Clock
) -> list[MessageView]:
    sql = _OF_SENDINGS.format(columns=_COLUMNS, column=column, since=_SINCE)
    return _read(account_id, sql, _named(of, since, limit, clock))


def _named(of: int | str, since: datetime | None, limit: int, clock: Clock) -> dict[str, Any]:
    since = max(since or _LONG_AGO, _LONG_AGO)
    return {
        "of": of,
        "since": since,
        "from": since - TRIED_FOR,
        "now": clock.business(),
        "limit": max(1, min(limit, MOST_AT_ONCE)),
    }


def _read(account_id: int, sql: str, named: dict[str, Any]) -> list[MessageView]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {**named, "account": account_id})
        return _views(account_id, cursor.fetchall())


def _views(account_id: int, rows: Sequence[Sequence[Any]]) -> list[MessageView]:
    gone = finding.ended_by(account_id, {(row[2], _source(row[1])) for row in rows if row[2]})
    ids = [row[0] for row in rows]
    reactions, marks = engagement.first_reactions(account_id, ids), engagement.kinds_of(account_id, ids)
    return [
        replace(
            _view(row, (row[2], _source(row[1])) in gone),
            reaction=reactions.get(row[0], _NO_REACTION),
            events=marks.get(row[0], frozenset()),
        )
        for row in rows
    ]


def _source(sending_id: int) -> str:
    return f"link in a message of sending {sending_id}"


def _view(row: Sequence[Any], unsubscribed: bool) -> MessageView:
    id_, sending_id, contact_id, version_id, name, kind, channel, state, reason, due_at, done_at = row
    state = AttemptState(state)
    return MessageView(
        id=id_, contact_id=contact_id, version_id=version_id, trigger_name=name, kind=kind, channel=channel,
        state=state, reason=reason, due_at=due_at, done_at=done_at, unsubscribed=unsubscribed,
        url=address(sending_id, id_) if state in LEFT and contact_id else "",
    )  # fmt: skip


def address(sending_id: int, message_id: int) -> str:
    """Where a browser shows the message again; nobody makes up such an address."""
    token = tokens.make(settings.SECRET_KEY, tokens.VIEW, sending_id, message_id)
    return f"{settings.TANDEM_TRACKING_URL}/v/{token}"
