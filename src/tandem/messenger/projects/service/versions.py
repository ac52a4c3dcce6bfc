"""Versions: drafts may change, an activated version never does."""

from collections.abc import Sequence
from typing import Any

import orjson
from django.db import IntegrityError, connection, transaction

from tandem.kit.clock import Clock
from tandem.messenger.projects.alternative import Link
from tandem.messenger.projects.domain import (
    Channel,
    LinkView,
    SmsSource,
    Source,
    VersionState,
    VersionView,
    source_from_json,
)
from tandem.messenger.projects.errors import BadProject, NameTaken, NotActive, VersionFixed
from tandem.messenger.projects.handlebars import LARGEST_SOURCE
from tandem.messenger.projects.models import Trigger, TriggerVersion, VersionLink
from tandem.messenger.projects.service import checking
from tandem.messenger.projects.service.checking import Ready
from tandem.messenger.projects.service.triggers import trigger_row, version_row, version_view


def save_draft(
    account_id: int, trigger_id: int, source: Source, *, name: str = "", clock: Clock
) -> VersionView:
    """Keep a draft; it is compiled when it is activated."""
    trigger = trigger_row(account_id, trigger_id)
    stored = _stored(trigger, source)
    now = clock.system()
    count = TriggerVersion.objects.filter(account_id=account_id, trigger_id=trigger_id).count()
    try:
        with transaction.atomic():
            row = TriggerVersion.objects.create(
                account_id=account_id, trigger_id=trigger_id, name=name.strip() or f"Version {count + 1}",
                source=stored, created_at=now, modified_at=now,
            )  # fmt: skip
    except IntegrityError:
        raise _taken(name) from None
    return version_view(row)


def change_draft(
    account_id: int, version_id: int, source: Source, *, name: str = "", clock: Clock
) -> VersionView:
    """Replace the content of a draft, and its name if one is given. Raises VersionFixed once it was activated."""
    row = version_row(account_id, version_id)
    changes: dict[str, Any] = {"source": _stored(row.trigger, source), "modified_at": clock.system()}
    if name.strip():
        changes["name"] = name.strip()
    drafts = TriggerVersion.objects.filter(account_id=account_id, pk=version_id, state=VersionState.DRAFT)
    try:
        with transaction.atomic():
            changed = drafts.update(**changes)
    except IntegrityError:
        raise _taken(name) from None
    if not changed:
        raise VersionFixed(f"{row.name} was activated.", "Make a new version from it and change that.")
    return version_view(version_row(account_id, version_id))


def _taken(name: str) -> NameTaken:
    return NameTaken(f"The trigger has a version {name!r} already.", "Choose another name.", field="name")


def activate(account_id: int, version_id: int, *, clock: Clock) -> VersionView:
    """Compile, test in a child process, and make this the trigger's version. Raises TemplateWrong."""
    row = version_row(account_id, version_id)
    if row.trigger.archived_at is not None:
        raise NotActive(f"The trigger {row.trigger.name!r} is archived.", "Restore it first.")
    if row.state == VersionState.ACTIVE:
        return version_view(row)
    ready = checking.ready(row.trigger, source_from_json(row.trigger.channel, row.source))
    with transaction.atomic():
        trigger = Trigger.objects.select_for_update().get(account_id=account_id, pk=row.trigger_id)
        current = TriggerVersion.objects.select_for_update().get(account_id=account_id, pk=version_id)
        if current.state == VersionState.DRAFT and current.source != row.source:
            raise VersionFixed("The draft was changed meanwhile.", "Look at it and activate it again.")
        _switch(trigger, current, ready, clock)
    return version_view(version_row(account_id, version_id))


def add_active_version(
    account_id: int, trigger_id: int, source: Source, *, name: str = "", clock: Clock
) -> VersionView:
    """Draft and activation in one; nothing stays behind when the content is wrong."""
    with transaction.atomic():
        draft = save_draft(account_id, trigger_id, source, name=name, clock=clock)
        return activate(account_id, draft.id, clock=clock)


def links_of(account_id: int, version_id: int) -> tuple[LinkView, ...]:
    """The links of an activated version, in their order."""
    rows = VersionLink.objects.filter(account_id=account_id, version_id=version_id).order_by("number")
    return tuple(
        LinkView(id=row.pk, number=row.number, name=row.name, target=row.target, tags=tuple(row.tags))
        for row in rows
    )


def _switch(trigger: Trigger, version: TriggerVersion, ready: Ready, clock: Clock) -> None:
    now = clock.system()
    TriggerVersion.objects.filter(
        account_id=trigger.account_id, trigger_id=trigger.pk, state=VersionState.ACTIVE
    ).update(state=VersionState.RETIRED)
    if version.state == VersionState.DRAFT:  # a retired one comes back as it was compiled
        version.compiled, version.warnings = ready.made.data, list(ready.made.warnings)
        _keep_links(trigger.account_id, version.pk, ready.made.links)
    version.lacking = ready.stored
    version.state, version.activated_at = VersionState.ACTIVE, now
    version.save()
    trigger.active_version, trigger.modified_at = version, now
    trigger.save()


def _keep_links(account_id: int, version_id: int, links: Sequence[Link]) -> None:
    rows = [{"number": one.number, "name": one.name, "target": one.target, "tags": one.tags} for one in links]
    with connection.cursor() as cursor:  # one statement: an email may have hundreds
        cursor.execute(
            """INSERT INTO messenger_projects_versionlink (account_id, version_id, number, name, target, tags)
               SELECT %s, %s, l.number, l.name, l.target, l.tags
               FROM jsonb_to_recordset(%s::jsonb) AS l(number int, name text, target text, tags jsonb)""",
            [account_id, version_id, orjson.dumps(rows).decode()],
        )


def _stored(trigger: Trigger, source: Source) -> dict[str, Any]:
    if isinstance(source, SmsSource) != (trigger.channel == Channel.SMS):
        raise BadProject(
            f"The trigger sends {trigger.channel}.", f"Write the content of an {trigger.channel} message."
        )
    stored = source.as_json()
    if any(len(part) > LARGEST_SOURCE for part in stored.values()):
        raise BadProject(f"The content is larger than {LARGEST_SOURCE // 1024} kB.", "Shorten it.")
    if any("\0" in part for part in stored.values()):
        raise BadProject("The content has a NUL character in it.", "Delete it.")
    return stored
