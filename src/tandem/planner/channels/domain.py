"""Accounts at a messenger, their projects and templates as last read, the connection check."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

#: channel ids of the first account; each further account gets ids 100 higher
FIRST_EMAIL_CHANNEL = 504
FIRST_SMS_CHANNEL = 505
CHANNEL_STEP = 100
#: the project that holds what programs pushed
PUSHED_PROJECT = 0


class ChannelKind(StrEnum):
    """How a customer is reached."""

    EMAIL = "email"
    SMS = "sms"


class TemplateChannel(StrEnum):
    """What a template can be sent by."""

    EMAIL = "email"
    SMS = "sms"
    MIXED = "mixed"
    OTHER = "other"


_TYPES = {1: TemplateChannel.EMAIL, 2: TemplateChannel.SMS, 4: TemplateChannel.MIXED}


def template_channel(channel_type: int) -> TemplateChannel:
    """The word for a channelTypeId."""
    return _TYPES.get(channel_type, TemplateChannel.OTHER)


def fits(template: str, kind: str) -> bool:
    """Whether a template of this channel can go by that kind; mixed fits both."""
    return template in (str(kind), str(TemplateChannel.MIXED))


@dataclass(frozen=True, kw_only=True)
class ChannelAccountView:
    """One account at a messenger; its secrets are never shown again.

    profile: TOML that says how the messenger differs from the contract, empty if in nothing.
    pushed: no messenger is connected, programs push the templates; then a channel id may be 0 = it has none.
    """

    id: int
    name: str
    api_url: str
    customer_id: str
    user_name: str
    has_password: bool
    has_token: bool
    email_channel_id: int
    sms_channel_id: int
    list_id: int | None
    checked_at: datetime | None
    check_ok: bool | None
    templates_read_at: datetime | None
    consent_read_at: datetime | None
    pushed: bool = False
    profile: str = ""

    @property
    def has_secrets(self) -> bool:
        """Whether anything to sign in with is kept."""
        return self.has_password or self.has_token

    def channel_id(self, kind: str) -> int:
        """The channel id of one kind."""
        return self.email_channel_id if kind == ChannelKind.EMAIL else self.sms_channel_id


@dataclass(frozen=True, kw_only=True)
class CheckStep:
    """One step of the connection check: ok None = not tried; `field` names the setting that is wrong."""

    name: str
    ok: bool | None
    detail: str
    field: str = ""


@dataclass(frozen=True, kw_only=True)
class ConnectionCheck:
    """The four steps in order: reached, signed in, read, listener."""

    steps: tuple[CheckStep, ...]

    @property
    def ok(self) -> bool:
        """Whether campaigns can be planned: a listener not yet registered does not hinder that."""
        return all(step.ok for step in self.steps[:3])


@dataclass(frozen=True, kw_only=True)
class ProjectView:
    """A project as last read."""

    id: int
    name: str
    description: str
    templates: int
    read_at: datetime


@dataclass(frozen=True, kw_only=True)
class TemplateView:
    """A template as last read; only an active one with an active version can be sent."""

    id: int
    project_id: int
    project_name: str
    name: str
    description: str
    channel: str
    list_id: int | None
    active: bool
    active_campaign: int
    read_at: datetime
    app_id: str = ""

    @property
    def usable(self) -> bool:
        """Whether it can be sent."""
        return self.active and self.active_campaign > 0


@dataclass(frozen=True, kw_only=True)
class PushedTemplate:
    """A template as a program pushes it; app_id: one of the channel's apps, or empty."""

    template_id: int
    name: str
    app_id: str = ""


@dataclass(frozen=True, kw_only=True)
class AppView:
    """An app of a channel."""

    channel_id: int
    app_id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class TemplatesRead:
    """What one reading found."""

    projects: int
    templates: int
    read_at: datetime


@dataclass(frozen=True, kw_only=True)
class PushResult:
    """Contacts handed over: rows, the batches they went in, rows the messenger did not take."""

    rows: int
    batches: tuple[str, ...]
    failed: int
