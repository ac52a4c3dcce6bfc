"""The installation's own second paths, from its settings; a half's verbs of alarms, put together."""

import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from tandem.kit import webhooks
from tandem.kit.alarms.book import Book, Tables, Watch
from tandem.kit.alarms.paths import Means, Way
from tandem.kit.alarms.running import Outage
from tandem.kit.alarms.telling import Half, Teller
from tandem.kit.alarms.watching import WATCHES
from tandem.kit.clock import Clock


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


def verbs(
    name: str, tables: Tables, watches: Sequence[Watch], accounts: Any
) -> tuple[Callable[[], Half], Teller, Book, Outage]:
    """A half's room of alarms. accounts: the service of its accounts, which knows their names and keeps the log."""

    def half() -> Half:
        return Half(
            name=name,
            base_url=settings.TANDEM_PUBLIC_URL,
            own=own_ways(),
            vault=settings.TANDEM_VAULT,
            means=means(),
            name_of=lambda account_id: accounts.get_account(account_id).name,
            record=record,
        )

    def record(account_id: int, actor: str, action: str, detail: dict[str, object], clock: Clock) -> None:
        accounts.record(account_id, actor=actor, action=action, subject="alarms", detail=detail, clock=clock)

    teller = Teller(tables, half)
    return half, teller, Book(tables, [*WATCHES, *watches], teller.ways_of), Outage(half)


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
