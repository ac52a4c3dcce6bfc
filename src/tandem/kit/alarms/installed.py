"""The installation's own second paths, from its settings."""

import socket
from pathlib import Path

from django.conf import settings

from tandem.kit import webhooks
from tandem.kit.alarms.paths import Means, Way


def own_ways() -> list[Way]:
    """The webhook and the mail address of the settings, those that are set."""
    chosen, found = settings.TANDEM_ALARMS, []
    if chosen["TANDEM_ALARM_URL"]:
        found.append(Way(path="webhook", target=chosen["TANDEM_ALARM_URL"], secret=_secret()))
    if chosen["TANDEM_ALARM_MAIL"]:
        found.append(Way(path="mail", target=chosen["TANDEM_ALARM_MAIL"]))
    return found


def means() -> Means:
    """What this installation sends with."""
    sender = settings.TANDEM_ALARMS["TANDEM_ALARM_FROM"] or f"tandem@{socket.getfqdn()}"
    return Means(
        setting=settings.TANDEM_SENDING,
        outbox=Path(settings.TANDEM_HOME) / "outbox-alarms" / settings.TANDEM_HALF,
        sender=sender,
        allow_private=settings.TANDEM_ALLOW_PRIVATE,
    )


def late_minutes() -> int:
    """After how many minutes a message counts as late."""
    return max(1, int(settings.TANDEM_ALARMS["TANDEM_ALARM_LATE_MINUTES"]))


def secret_file() -> Path:
    """Where the secret that signs the installation's webhook lies; both halves share it."""
    return Path(settings.TANDEM_ALARMS["TANDEM_ALARM_SECRET_FILE"] or settings.TANDEM_HOME / "alarm-secret")


def _secret() -> str:
    file = secret_file()
    if not file.exists() and not settings.TANDEM_ALARMS["TANDEM_ALARM_SECRET_FILE"]:
        webhooks.make_secret_file(file)
    return file.read_text().strip()
