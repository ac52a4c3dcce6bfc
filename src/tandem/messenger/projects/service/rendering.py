"""What senders and previews read: the active version, its compiled form, one message of it."""

from collections.abc import Mapping
from functools import lru_cache

from django.conf import settings

from tandem.messenger.contacts import service as contacts
from tandem.messenger.projects import shortening
from tandem.messenger.projects.compiled import Compiled, CompiledSms, load
from tandem.messenger.projects.domain import Channel, Preview, SendTarget, source_from_json
from tandem.messenger.projects.errors import NotActive, UnknownTrigger
from tandem.messenger.projects.fallbacks import fallbacks
from tandem.messenger.projects.models import TriggerVersion
from tandem.messenger.projects.service import checking
from tandem.messenger.projects.service.triggers import trigger_row, version_row

#: the unsubscribe address shown in a preview; it leads nowhere
PREVIEW_LINK = "https://unsubscribe.invalid/preview"


def send_target(account_id: int, trigger_id: int, *, version_id: int | None = None) -> SendTarget:
    """The version that is active now, or another one that was active once. Raises UnknownTrigger, NotActive."""
    row = trigger_row(account_id, trigger_id)
    if row.archived_at is not None:
        raise NotActive(f"The trigger {row.name!r} is archived.", "Restore it first.")
    if version_id is None:
        version_id = row.active_version_id
    else:
        _check_version(account_id, trigger_id, version_id)
    if version_id is None:
        raise NotActive(f"The trigger {row.name!r} has no active version.", "Activate one.")
    return SendTarget(
        trigger_id=row.pk, version_id=version_id, list_id=row.list_id, channel=Channel(row.channel),
        ignore_opt_out=row.ignore_opt_out, name=row.name,
    )  # fmt: skip


def _check_version(account_id: int, trigger_id: int, version_id: int) -> None:
    _version_of(account_id, trigger_id, version_id)
    compiled_version(account_id, version_id)


def compiled_or_draft(account_id: int, trigger_id: int, version_id: int) -> Compiled:
    """The compiled form of a version of a trigger, activated or not. Raises UnknownTrigger, TemplateWrong."""
    return _compiled(account_id, _version_of(account_id, trigger_id, version_id))


def fallbacks_of(account_id: int, trigger_id: int, version_id: int) -> frozenset[str]:
    """The attributes that have something to stand in their place when a person lacks them."""
    return fallbacks(compiled_or_draft(account_id, trigger_id, version_id))


def check_version(account_id: int, trigger_id: int, version_id: int) -> None:
    """Raises UnknownTrigger unless the version is one of the trigger, activated or not."""
    _version_of(account_id, trigger_id, version_id)


def _version_of(account_id: int, trigger_id: int, version_id: int) -> TriggerVersion:
    row = version_row(account_id, version_id)
    if row.trigger_id != trigger_id:
        raise UnknownTrigger(
            f"Version {version_id} is not one of trigger {trigger_id}.", "Look at its versions."
        )
    return row


def _compiled(account_id: int, row: TriggerVersion) -> Compiled:
    if row.compiled is not None:
        return compiled_version(account_id, row.pk)
    return checking.draft(row.trigger, source_from_json(row.trigger.channel, row.source))


@lru_cache(maxsize=256)
def compiled_version(account_id: int, version_id: int) -> Compiled:
    """The compiled form of an activated version; it never changes, so it is kept."""
    row = version_row(account_id, version_id)
    if row.compiled is None:
        raise NotActive(f"{row.name} was never activated.", "Activate it first.")
    return load(row.compiled)


def preview(
    account_id: int,
    trigger_id: int,
    version_id: int,
    *,
    original_id: str | None = None,
    values: Mapping[str, str] | None = None,
) -> Preview:
    """One message as a person would get it: a contact of the trigger's list, or given values. Sends nothing."""
    row = _version_of(account_id, trigger_id, version_id)
    if original_id is not None:
        values = contacts.values_of(account_id, row.trigger.list_id, original_id)
    given = {name.lower(): value for name, value in (values or {}).items()}
    compiled = _compiled(account_id, row)
    missing = tuple(name for name in compiled.names if not given.get(name))
    if isinstance(compiled, CompiledSms):
        short = shortening.sample(settings.TANDEM_TRACKING_URL)
        sms = compiled.render(given, unsubscribe_url=PREVIEW_LINK, short=short)
        return Preview(subject="", sender=compiled.sender, html="", text=sms.text, sms=sms, missing=missing)
    html, text = compiled.readable(given, PREVIEW_LINK)
    return Preview(
        subject=compiled.subject_of(given),
        sender=compiled.sender_shown,
        html=html,
        text=text,
        sms=None,
        missing=missing,
    )
