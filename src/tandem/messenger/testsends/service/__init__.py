"""The verbs of this room."""

from tandem.messenger.testsends.service.addresses import (
    add_address,
    list_addresses,
    remove_address,
    send_code,
    verified_number,
    verify_address,
)
from tandem.messenger.testsends.service.reading import forget, message, recent, sent_messages, show
from tandem.messenger.testsends.service.sending import send_test

__all__ = [
    "add_address",
    "forget",
    "list_addresses",
    "message",
    "recent",
    "remove_address",
    "send_code",
    "send_test",
    "sent_messages",
    "show",
    "verified_number",
    "verify_address",
]
