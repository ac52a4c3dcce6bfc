"""Which way out this process uses, by its settings."""

from pathlib import Path

from django.conf import settings

from tandem.messenger.delivery.domain import Channel
from tandem.messenger.delivery.errors import ProviderRefused
from tandem.messenger.delivery.kumomta.injector import KumoProvider, kumo_of
from tandem.messenger.delivery.kumomta.way_out import KumoWay
from tandem.messenger.delivery.providers.base import HandOver, Provider, WayOut
from tandem.messenger.delivery.providers.file import FileProvider
from tandem.messenger.delivery.providers.memory import MemoryProvider
from tandem.messenger.delivery.providers.sms import BlockingSms, SmsWay
from tandem.messenger.delivery.smtp.provider import SmtpProvider
from tandem.messenger.delivery.smtp.relay import relay_of
from tandem.messenger.delivery.smtp.way_out import WayOut as PipelinedWay
from tandem.messenger.gateways import service as gateways

_YES = {"1", "true", "yes", "on"}


def gateways_allowed(setting: dict[str, str]) -> bool:
    """Whether SMS may go to the accounts' gateways at all."""
    return setting["TANDEM_PROVIDER_LOCK"] not in _YES and setting["TANDEM_PROVIDER"] != "memory"


def goes_to_gateway(account_id: int, setting: dict[str, str]) -> bool:
    """Whether the account's SMS go to its own gateway; else they leave by file."""
    return gateways_allowed(setting) and gateways.has_gateway(account_id)


def way_out_for(channel: Channel, home: Path, setting: dict[str, str]) -> WayOut | HandOver | Provider:
    """How a sender process hands over the messages of a channel. Raises ProviderRefused.

    SMS go to the gateways of their accounts, those of accounts without one to files.
    """
    otherwise = provider_for(channel, home, setting)
    if isinstance(otherwise, SmtpProvider):
        return PipelinedWay(relay_of(setting))
    if isinstance(otherwise, KumoProvider):
        return KumoWay(kumo_of(setting, allow_private=settings.TANDEM_ALLOW_PRIVATE))
    if channel is Channel.SMS and isinstance(otherwise, FileProvider) and gateways_allowed(setting):
        return SmsWay(otherwise=otherwise)
    return otherwise


def provider_for(
    channel: Channel,
    home: Path,
    setting: dict[str, str],
    *,
    seconds: float | None = None,
    account_id: int | None = None,
) -> Provider:
    """The provider of a channel; `setting` holds the TANDEM_PROVIDER... values as text.

    seconds: how long a relay is waited for where somebody waits for its answer. account_id: whose messages they are,
    where they are one account's.

    SMS leaves by file as long as no gateway is set up. Raises ProviderRefused if the lock forbids the choice.
    """
    name = _check_lock(setting)
    if channel is Channel.SMS and account_id is not None and goes_to_gateway(account_id, setting):
        return BlockingSms(seconds=seconds)
    if name == "memory":
        return MemoryProvider()
    if name == "smtp" and channel is Channel.EMAIL:
        return SmtpProvider(relay_of(setting, seconds=seconds))
    if name == "kumomta" and channel is Channel.EMAIL:
        return KumoProvider(kumo_of(setting, allow_private=settings.TANDEM_ALLOW_PRIVATE, seconds=seconds))
    if name in {"file", "smtp", "kumomta"}:
        return FileProvider(home / "outbox")
    raise ProviderRefused(f"There is no provider named {name}.", "Choose file, smtp, kumomta or memory.")


def _check_lock(setting: dict[str, str]) -> str:
    """The provider's name. Raises ProviderRefused if the lock forbids it."""
    name = setting["TANDEM_PROVIDER"]
    if setting["TANDEM_PROVIDER_LOCK"] in _YES and name != "file":
        raise ProviderRefused(
            f"TANDEM_PROVIDER is {name}, but TANDEM_PROVIDER_LOCK allows only file.",
            "Unset the lock in an installation that may reach people.",
        )
    return name
