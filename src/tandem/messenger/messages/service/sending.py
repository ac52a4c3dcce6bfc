"""A message to one contact: what changes of the contact, the sending and its one ledger row are one transaction."""

import uuid
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.messenger.contacts import queries as contact_queries
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.domain import HEADERS, STATIC, Changes
from tandem.messenger.contacts.errors import NameTaken
from tandem.messenger.contacts.proofs import Door, Proof
from tandem.messenger.delivery import ledger, single
from tandem.messenger.delivery.domain import Channel, PlannedTemplate, SendingKind
from tandem.messenger.messages.domain import (
    LATEST,
    LONGEST_VALUE,
    MOST_PROPERTIES,
    WHY_NOT,
    Accepted,
    Wanted,
)
from tandem.messenger.messages.errors import BadMessage
from tandem.messenger.messages.service import once
from tandem.messenger.projects import service as projects
from tandem.messenger.projects.domain import SendTarget
from tandem.messenger.projects.tags import MESSAGE_PREFIX

SOURCE = "message of a trigger"
_COLUMNS = {column: name.lower() for name, column in STATIC.items()}
#: other words for built-in attributes, as import files know them: lower-case -> lower-case
_ALIASES = {said: _COLUMNS[column] for said, column in HEADERS.items()}


@transaction.atomic
def send(account_id: int, trigger_id: int, wanted: Wanted, *, key: str = "", clock: Clock) -> Accepted:
    """Send now or at its time; under the same key once. Nothing is half-done: all of it holds, or nothing.

    Raises UnknownTrigger, NotActive, UnknownContact, BadMessage, BadContact, KeyUsedOtherwise.
    """
    if key and (answer := once.earlier(account_id, key, trigger_id, wanted, clock=clock)):
        return answer
    target = projects.send_target(account_id, trigger_id, version_id=wanted.version_id)
    contact_id = contacts.contact_id_of(account_id, target.list_id, wanted.original_id)
    values = _values(account_id, target, wanted, clock)
    _change_contact(account_id, target, contact_id, wanted, values, clock)
    answer = _open(account_id, target, contact_id, wanted, values, clock)
    if key:
        once.keep(account_id, key, trigger_id, wanted, answer, clock=clock)
    return answer


def _values(account_id: int, target: SendTarget, wanted: Wanted, clock: Clock) -> dict[str, str]:
    """The message's own values by lower-case name; missing attributes are made, if asked. Raises BadMessage."""
    values = {_meant(name): value for name, value in wanted.properties.items()}
    if len(values) > MOST_PROPERTIES:
        raise BadMessage(f"There are more than {MOST_PROPERTIES} properties.", "Send fewer.")
    for name, value in values.items():
        if len(value) > LONGEST_VALUE:
            raise BadMessage(
                f"The property {name!r} is longer than {LONGEST_VALUE} characters.", "Shorten it."
            )
    known = contacts.attribute_names(account_id)
    missing = [name for name in wanted.properties if _meant(name) not in known]
    if missing and wanted.create_missing:
        _create(account_id, missing, clock)
    elif unknown := _unknown(account_id, target, missing, saved=wanted.save_properties):
        raise BadMessage(
            f"There is no attribute {unknown!r}.", "Create it, or send forceCreateMissingProperties: true."
        )
    return values


def _meant(name: str) -> str:
    return _ALIASES.get(name.strip().lower(), name.strip().lower())


def _create(account_id: int, names: Collection[str], clock: Clock) -> None:
    for name in names:
        with suppress(NameTaken):  # made by another call meanwhile
            contacts.define_property(account_id, name=name.strip(), clock=clock)


def _unknown(account_id: int, target: SendTarget, missing: Collection[str], *, saved: bool) -> str:
    """The first name that is no attribute; one that the version asks of its messages needs to be none."""
    if missing and not saved:
        asked = set(projects.compiled_version(account_id, target.version_id).names)
        missing = [name for name in missing if MESSAGE_PREFIX + _meant(name) not in asked]
    return next(iter(missing), "")


def _change_contact(
    account_id: int, target: SendTarget, contact_id: int, wanted: Wanted, values: dict[str, str], clock: Clock
) -> None:
    if wanted.save_properties and values:
        columns = {column: values[name] for column, name in _COLUMNS.items() if name in values}
        columns.pop("original_id", None)
        more = {name: value or None for name, value in values.items() if name not in _COLUMNS.values()}
        changes = Changes(columns=columns, properties=more)
        contacts.save_contact(
            account_id, target.list_id, wanted.original_id, changes, force=False, source=SOURCE, clock=clock
        )
    if wanted.opt_out:
        contacts.unsubscribe(
            account_id, contact_id, target.channel, source=SOURCE, clock=clock, proof=Proof(door=Door.API)
        )


def _open(
    account_id: int, target: SendTarget, contact_id: int, wanted: Wanted, values: dict[str, str], clock: Clock
) -> Accepted:
    now = clock.business()
    due_at = max(wanted.due_at or now, now)
    sending_id = ledger.open_sending(
        account_id,
        source_key=f"message:{uuid.uuid4().hex}",
        channel=Channel(target.channel),
        templates=[
            PlannedTemplate(
                template_id=target.trigger_id,
                version_id=target.version_id,
                list_id=target.list_id,
                due_at=due_at,
                ignore_opt_out=target.ignore_opt_out,
            )
        ],
        rows=[(wanted.original_id, target.trigger_id)],
        clock=clock,
        kind=SendingKind.MESSAGE.value,
        name=target.name,
        cut_off=LATEST,
        values=values or None,
    )
    reason = _reason(account_id, target, contact_id, clock)
    if reason and due_at <= now:
        single.settle(account_id, sending_id, reason, now)
    words = _words(reason, due_at if due_at > now else None)
    return Accepted(message_id=single.message_id(account_id, sending_id), words=words)


def _reason(account_id: int, target: SendTarget, contact_id: int, clock: Clock) -> str:
    ignoring = {contact_id} if target.ignore_opt_out else frozenset[int]()
    found = contact_queries.reasons(
        account_id, target.channel, [contact_id], now=clock.system(), ignoring=ignoring
    )
    return found.get(contact_id, "")


def _words(reason: str, later: datetime | None) -> str:
    why = WHY_NOT.get(reason, reason)
    if later is None:
        return (
            f"Suppressed: the contact {why}. Nothing is sent."
            if reason
            else "Accepted. The message leaves now."
        )
    when = f"Accepted for {later:%Y-%m-%d %H:%M:%S} UTC."
    return f"{when} The contact {why}: if it is so then, nothing is sent." if reason else when
