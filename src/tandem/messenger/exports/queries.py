"""Records of an export, read in pages: sending by sending from the ledger, opt-outs from the proofs of consent."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from tandem.messenger.bounces import queries as bounces
from tandem.messenger.bounces.domain import Kind
from tandem.messenger.engagement.domain import Kind as Reaction
from tandem.messenger.exports.domain import Event, ExportType
from tandem.messenger.messages import service as messages
from tandem.messenger.messages.domain import MessageView

PAGE = 2000
_SENDINGS = """
SELECT id FROM messenger_delivery_sending
WHERE account_id = %(account)s AND due_at < %(until)s AND (finished_at IS NULL OR finished_at >= %(since)s)
ORDER BY id
"""
_EVENTS = """
SELECT a.seq, a.id, s.channel, t.list_id, l.name, a.contact_id, a.customer, t.version_id, g.name, p.id, p.name,
       a.done_at
FROM messenger_delivery_attempt a
JOIN messenger_delivery_sending s ON s.account_id = a.account_id AND s.id = a.sending_id
JOIN messenger_delivery_sendingtemplate t
  ON t.account_id = a.account_id AND t.sending_id = a.sending_id AND t.template_id = a.template_id
JOIN messenger_contacts_contact c ON c.account_id = a.account_id AND c.id = a.contact_id
JOIN messenger_contacts_contactlist l ON l.account_id = a.account_id AND l.id = t.list_id
JOIN messenger_projects_trigger g ON g.account_id = a.account_id AND g.id = a.template_id
JOIN messenger_projects_project p ON p.account_id = a.account_id AND p.id = g.project_id
WHERE a.account_id = %(account)s AND a.sending_id = %(sending)s AND a.seq > %(after)s
  AND a.done_at >= %(since)s AND a.done_at < %(until)s AND {which}
ORDER BY a.seq LIMIT %(page)s
"""
_OPT_OUTS = """
SELECT e.id, e.channel, e.list_id, l.name, c.id, c.original_id, e.at
FROM messenger_contacts_consentevent e
JOIN messenger_contacts_contact c ON c.account_id = e.account_id AND c.id = e.contact_id
JOIN messenger_contacts_contactlist l ON l.account_id = e.account_id AND l.id = e.list_id
WHERE e.account_id = %(account)s AND e.id > %(after)s AND e.change = 'unsubscribed'
  AND e.at >= %(since)s AND e.at < %(until)s
ORDER BY e.id LIMIT %(page)s
"""
_RESPONDING = """
SELECT DISTINCT sending_id FROM messenger_engagement_responding
WHERE account_id = %(account)s AND changed_at >= %(heard_since)s ORDER BY 1
"""
_REACTIONS = """
SELECT e.id, s.channel, t.list_id, l.name, a.contact_id, a.customer, t.version_id, g.name, p.id, p.name, a.done_at,
       e.at, coalesce(k.target, '')
FROM messenger_engagement_event e
JOIN messenger_delivery_attempt a ON a.account_id = e.account_id AND a.id = e.attempt_id
JOIN messenger_delivery_sending s ON s.account_id = e.account_id AND s.id = e.sending_id
JOIN messenger_delivery_sendingtemplate t
  ON t.account_id = e.account_id AND t.sending_id = e.sending_id AND t.template_id = e.template_id
JOIN messenger_contacts_contact c ON c.account_id = e.account_id AND c.id = a.contact_id
JOIN messenger_contacts_contactlist l ON l.account_id = e.account_id AND l.id = t.list_id
JOIN messenger_projects_trigger g ON g.account_id = e.account_id AND g.id = e.template_id
JOIN messenger_projects_project p ON p.account_id = e.account_id AND p.id = g.project_id
LEFT JOIN messenger_projects_versionlink k
  ON k.account_id = e.account_id AND k.version_id = t.version_id AND k.number = e.link
WHERE e.account_id = %(account)s AND e.sending_id = %(sending)s AND e.kind = %(kind)s AND e.actor = 0
  AND e.id > %(after)s AND e.at >= %(since)s AND e.at < %(until)s
ORDER BY e.id LIMIT %(page)s
"""
#: pictures fetched and links followed by people, each time they did
_REACTION_KINDS = {ExportType.OPENS: Reaction.OPENED, ExportType.CLICKS: Reaction.CLICKED}
#: which rows of the ledger are meant
_WHICH = {
    ExportType.SENT: "a.state = 10",
}
#: what was refused at once or came back; a message that was blocked did not arrive either, for no fault of its contact
_BOUNCES = {
    ExportType.HARD_BOUNCES: (Kind.HARD,),
    ExportType.SOFT_BOUNCES: (Kind.SOFT, Kind.BLOCKED),
}


def events(
    account_id: int, kind: ExportType, since: datetime, until: datetime, ahead: timedelta
) -> Iterator[Event | MessageView]:
    """Records in the order in which they came. ahead: by how much business time runs ahead of the machine's."""
    named = {"account": account_id, "since": since, "until": until, "page": PAGE}
    if kind is ExportType.OPTOUTS:
        yield from _opt_outs({**named, "since": since - ahead, "until": until - ahead})
    elif kind in _BOUNCES:
        yield from _bounced(account_id, kind, since, until)
    elif kind in _REACTION_KINDS:
        yield from _reactions(kind, {**named, "heard_since": since - ahead})
    elif kind is ExportType.MESSAGES or kind in _WHICH:
        of_sending = _messages if kind is ExportType.MESSAGES else _of_sending
        for (sending_id,) in _rows(_SENDINGS, named):
            yield from of_sending(kind, {**named, "sending": sending_id})


def _messages(kind: ExportType, named: dict[str, Any]) -> Iterator[MessageView]:
    after, more = 0, True
    while more:
        found, after = messages.messages_of_sending(
            named["account"],
            named["sending"],
            after=after,
            since=named["since"],
            until=named["until"],
            limit=PAGE,
        )
        yield from found
        more = bool(found)


def _of_sending(kind: ExportType, named: dict[str, Any]) -> Iterator[Event]:
    sql, after = _EVENTS.format(which=_WHICH[kind]), 0
    while rows := _rows(sql, {**named, "after": after}):
        for row in rows:
            (
                after,
                pk,
                channel,
                list_id,
                list_name,
                contact_id,
                customer,
                version_id,
                trigger,
                *project,
                at,
            ) = row
            yield Event(
                id=pk, type=kind, channel=channel, list_id=list_id, list_name=list_name, contact_id=contact_id,
                original_id=customer, version_id=version_id, trigger=trigger, project_id=project[0],
                project=project[1], sent_at=at, at=at,
            )  # fmt: skip


def _reactions(kind: ExportType, named: dict[str, Any]) -> Iterator[Event]:
    named = {**named, "kind": int(_REACTION_KINDS[kind])}
    for (sending_id,) in _rows(_RESPONDING, named):
        after = 0
        while rows := _rows(_REACTIONS, {**named, "sending": sending_id, "after": after}):
            for row in rows:
                after, channel, list_id, list_name, contact_id, customer, version_id, trigger, *rest = row
                project_id, project, sent_at, at, target = rest
                yield Event(
                    id=after, type=kind, channel=channel, list_id=list_id, list_name=list_name,
                    contact_id=contact_id, original_id=customer, version_id=version_id, trigger=trigger,
                    project_id=project_id, project=project, sent_at=sent_at, at=at, link_target=target,
                )  # fmt: skip


def _bounced(account_id: int, kind: ExportType, since: datetime, until: datetime) -> Iterator[Event]:
    for row in bounces.exported(account_id, _BOUNCES[kind], since, until):
        (
            _,
            pk,
            channel,
            list_id,
            list_name,
            contact_id,
            customer,
            version_id,
            trigger,
            *project,
            sent_at,
            at,
        ) = row
        yield Event(
            id=pk, type=kind, channel=channel, list_id=list_id, list_name=list_name, contact_id=contact_id,
            original_id=customer, version_id=version_id, trigger=trigger, project_id=project[0],
            project=project[1], sent_at=sent_at, at=at,
        )  # fmt: skip


def _opt_outs(named: dict[str, Any]) -> Iterator[Event]:
    after = 0
    while rows := _rows(_OPT_OUTS, {**named, "after": after}):
        for after, channel, list_id, list_name, contact_id, original_id, at in rows:
            yield Event(
                id=after, type=ExportType.OPTOUTS, channel=channel, list_id=list_id, list_name=list_name,
                contact_id=contact_id, original_id=original_id, version_id=None, trigger="", project_id=None,
                project="", sent_at=None, at=at,
            )  # fmt: skip


def _rows(sql: str, named: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, named)
        return cursor.fetchall()
