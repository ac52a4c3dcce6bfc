"""The process behind the inbound mail door."""

import asyncio
import logging
import signal

from django.conf import settings
from django.db import close_old_connections

from tandem.kit import clock as clocks
from tandem.messenger.bounces import certificate, service
from tandem.messenger.bounces.listening import Door

log = logging.getLogger("tandem.bounces")


def run(host: str, port: int, protocol: str) -> None:
    """Serve until told to stop."""
    asyncio.run(_run(door(protocol), host, port))


def door(protocol: str) -> Door:
    """The door of this installation, speaking smtp or lmtp."""

    def keep(recipient: str, content: bytes, null_sender: bool) -> None:
        close_old_connections()
        try:
            service.take(
                recipient,
                content,
                null_sender=null_sender,
                source=protocol,
                clock=clocks.from_environment(),
            )
        finally:
            close_old_connections()

    return Door(
        name=settings.TANDEM_BOUNCE_DOMAIN, lmtp=protocol == "lmtp", check=service.check_recipient, keep=keep,
        certificate=certificate.of_settings(
            settings.TANDEM_BOUNCE_TLS_CERTIFICATE, settings.TANDEM_BOUNCE_TLS_KEY
        ),
    )  # fmt: skip


async def _run(listening: Door, host: str, port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await listening.run(host, port, stop)
