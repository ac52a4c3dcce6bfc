"""Templates and apps that programs push: channels without a messenger of ours, or beside what is read from one."""

from collections.abc import Iterable, Sequence

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.planner.accounts.service import record
from tandem.planner.channels.domain import (
    PUSHED_PROJECT,
    AppView,
    ChannelAccountView,
    ChannelKind,
    PushedTemplate,
    TemplateChannel,
    TemplateView,
    fits,
)
from tandem.planner.channels.errors import ChannelTaken, NoSuchChannelAccount, SettingsWrong
from tandem.planner.channels.models import Channel, ChannelAccount, ChannelApp, ProjectCopy, TemplateCopy
from tandem.planner.channels.service.accounts import get_account, list_accounts
from tandem.planner.channels.service.templates import list_templates

_PROJECT = "Pushed templates"


def add_pushed_account(
    account_id: int,
    *,
    name: str,
    email_channel_id: int | None = None,
    sms_channel_id: int | None = None,
    actor: str = "system",
    clock: Clock,
) -> ChannelAccountView:
    """A channel, or one for email and one for SMS, that a program serves. Raises SettingsWrong, ChannelTaken."""
    wanted = {ChannelKind.EMAIL: email_channel_id, ChannelKind.SMS: sms_channel_id}
    numbers = {kind: number for kind, number in wanted.items() if number is not None}
    title = name.strip()
    if not title or len(title) > 200:
        raise SettingsWrong("Give the channel a name of at most 200 characters.", field="name")
    if not numbers or any(number < 1 for number in numbers.values()):
        raise SettingsWrong("Give the channel a number, as 512.", field="email_channel_id")
    with transaction.atomic():
        _check_free(account_id, title, list(numbers.values()))
        row = ChannelAccount.objects.create(
            account_id=account_id, name=title, api_url="", customer_id="", pushed=True
        )
        for kind, number in numbers.items():
            Channel.objects.create(account_id=account_id, channel_account=row, channel_id=number, kind=kind)
        _project(account_id, row.pk, clock)
        record(account_id, actor=actor, action="channel.added", subject=title, clock=clock)
    return get_account(account_id, row.pk)


def execution_channels(account_id: int) -> tuple[tuple[int, str], ...]:
    """(number, name) of every channel of the account."""
    views = list_accounts(account_id)
    several = sum(not view.pushed for view in views) > 1
    found = []
    for view in views:
        both = bool(view.email_channel_id and view.sms_channel_id)
        for kind, words in ((ChannelKind.EMAIL, "Email"), (ChannelKind.SMS, "SMS")):
            if number := view.channel_id(kind):
                found.append((number, _channel_name(view, words, several=several, both=both)))
    return tuple(found)


def push_templates(
    account_id: int, channel_id: int, templates: Sequence[PushedTemplate], *, actor: str, clock: Clock
) -> None:
    """Add them to a channel, all or none; a known id gets the new name.

    An id that was read from the channel's messenger stays as it was read. Raises NoSuchChannelAccount, SettingsWrong.
    """
    for one in templates:
        if not one.name.strip() or len(one.name) > 300 or len(one.app_id) > 100:
            raise SettingsWrong("Invalid TemplateName or AppID.")
    with transaction.atomic():
        channel = _channel(account_id, channel_id, lock=True)
        owner = channel.channel_account_id
        now = clock.business()
        _project(account_id, owner, clock)
        copies = TemplateCopy.objects.filter(account_id=account_id, channel_account_id=owner)
        read = set(copies.filter(pushed=False, gone=False).values_list("template_id", flat=True))
        kinds = dict(copies.filter(pushed=True, gone=False).values_list("template_id", "channel"))
        latest = {one.template_id: one for one in templates if one.template_id not in read}
        TemplateCopy.objects.bulk_create(
            [
                TemplateCopy(
                    account_id=account_id, channel_account_id=owner, project_id=PUSHED_PROJECT,
                    template_id=one.template_id, name=one.name.strip(), app_id=one.app_id,
                    channel=_together(kinds.get(one.template_id), channel.kind), active=True, active_campaign=1,
                    pushed=True, read_at=now,
                )
                for one in latest.values()
            ],
            update_conflicts=True,
            unique_fields=["account", "channel_account", "project_id", "template_id"],
            update_fields=["name", "app_id", "channel", "active", "active_campaign", "pushed", "gone", "read_at"],
        )  # fmt: skip
        subject = f"channel {channel_id}"
        record(
            account_id, actor=actor, action="templates.pushed", subject=subject,
            detail={"templates": len(latest)}, clock=clock,
        )  # fmt: skip


def drop_templates(
    account_id: int, templates: Iterable[tuple[int, int]], *, actor: str, clock: Clock
) -> None:
    """Take (channel, template) pairs away; what is read from a messenger, or not there, is left alone.

    A campaign that is to use one does not run. Raises NoSuchChannelAccount.
    """
    with transaction.atomic():
        owners = set()
        for channel_id, template_id in sorted(set(templates)):
            channel = _channel(account_id, channel_id, lock=True)
            owners.add(channel.channel_account_id)
            mine = TemplateCopy.objects.filter(
                account_id=account_id, channel_account_id=channel.channel_account_id, template_id=template_id,
                pushed=True, gone=False,
            )  # fmt: skip
            other = ChannelKind.SMS if channel.kind == ChannelKind.EMAIL else ChannelKind.EMAIL
            mine.filter(channel=channel.kind).update(gone=True)
            mine.filter(channel=TemplateChannel.MIXED).update(channel=other)
            subject = f"channel {channel_id}, template {template_id}"
            record(account_id, actor=actor, action="templates.dropped", subject=subject, clock=clock)
        for owner in owners:
            _hide_if_empty(account_id, owner)


def channel_templates(account_id: int, channel_id: int) -> tuple[TemplateView, ...]:
    """What can be sent on a channel, read or pushed, by id. Raises NoSuchChannelAccount."""
    channel = _channel(account_id, channel_id)
    found = list_templates(account_id, channel.channel_account_id, usable_only=True)
    return tuple(sorted((one for one in found if fits(one.channel, channel.kind)), key=lambda one: one.id))


def add_apps(account_id: int, channel_id: int, apps: Sequence[tuple[str, str]]) -> None:
    """Add (id, name) to a channel, all or none; a known id gets the new name. Raises NoSuchChannelAccount."""
    if any(not app_id or len(app_id) > 100 or not name.strip() or len(name) > 200 for app_id, name in apps):
        raise SettingsWrong("Invalid AppID or AppName.")
    with transaction.atomic():
        channel = _channel(account_id, channel_id)
        ChannelApp.objects.bulk_create(
            [
                ChannelApp(account_id=account_id, channel=channel, app_id=app_id, name=name.strip())
                for app_id, name in dict(apps).items()
            ],
            update_conflicts=True,
            unique_fields=["account", "channel", "app_id"],
            update_fields=["name"],
        )


def drop_apps(account_id: int, apps: Iterable[tuple[int, str]]) -> None:
    """Take (channel, app) pairs away; templates keep the id they name. Raises NoSuchChannelAccount."""
    with transaction.atomic():
        for channel_id, app_id in apps:
            channel = _channel(account_id, channel_id)
            ChannelApp.objects.filter(account_id=account_id, channel=channel, app_id=app_id).delete()


def list_apps(account_id: int) -> tuple[AppView, ...]:
    """Every app of every channel."""
    rows = ChannelApp.objects.filter(account_id=account_id).select_related("channel")
    return tuple(
        AppView(channel_id=row.channel.channel_id, app_id=row.app_id, name=row.name)
        for row in rows.order_by("channel__channel_id", "app_id")
    )


def _channel(account_id: int, channel_id: int, *, lock: bool = False) -> Channel:
    rows = Channel.objects.filter(account_id=account_id, channel_id=channel_id)
    row = (rows.select_for_update() if lock else rows).first()
    if row is None:
        raise NoSuchChannelAccount(f"There is no channel {channel_id}.", "See `tandem account list`.")
    return row


def _check_free(account_id: int, name: str, numbers: list[int]) -> None:
    if len(set(numbers)) < len(numbers):
        raise ChannelTaken("Email and SMS need different channel ids.", "Change one.", field="sms_channel_id")
    if ChannelAccount.objects.filter(account_id=account_id, name=name).exists():
        raise ChannelTaken(
            f"There is already an account called {name}.", "Choose another name.", field="name"
        )
    taken = Channel.objects.filter(account_id=account_id, channel_id__in=numbers).first()
    if taken is not None:
        raise ChannelTaken(
            f"Channel {taken.channel_id} belongs to another account.",
            "Choose another number.",
            field=f"{taken.kind}_channel_id",
        )


def _project(account_id: int, channel_account_id: int, clock: Clock) -> None:
    ProjectCopy.objects.update_or_create(
        account_id=account_id, channel_account_id=channel_account_id, project_id=PUSHED_PROJECT,
        defaults={"name": _PROJECT, "gone": False, "read_at": clock.business()},
    )  # fmt: skip


def _hide_if_empty(account_id: int, channel_account_id: int) -> None:
    """Beside what a messenger has, the project of pushed templates is shown while it holds one."""
    mine = {"account_id": account_id, "channel_account_id": channel_account_id}
    if not TemplateCopy.objects.filter(**mine, pushed=True, gone=False).exists():
        ProjectCopy.objects.filter(**mine, project_id=PUSHED_PROJECT, channel_account__pushed=False).update(
            gone=True
        )


def _together(before: str | None, kind: str) -> str:
    return kind if before in (None, kind) else str(TemplateChannel.MIXED)


def _channel_name(view: ChannelAccountView, words: str, *, several: bool, both: bool) -> str:
    if view.pushed:
        return f"{view.name} {words}" if both else view.name
    return f"Symplify {words} ({view.name})" if several else f"Symplify {words}"
