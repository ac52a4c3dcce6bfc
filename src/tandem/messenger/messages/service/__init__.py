"""Verbs of single messages: send, read back, show again."""

from tandem.messenger.messages.service.failing import tell_refused
from tandem.messenger.messages.service.lists import list_name, unsubscribe_url
from tandem.messenger.messages.service.numbers import (
    bounce_status,
    last_bounce,
    message_counts,
    version_numbers,
)
from tandem.messenger.messages.service.reading import (
    messages_of_contact,
    messages_of_list,
    messages_of_sending,
    messages_of_trigger,
)
from tandem.messenger.messages.service.sending import send
from tandem.messenger.messages.service.showing import show

__all__ = [
    "bounce_status",
    "last_bounce",
    "list_name",
    "message_counts",
    "messages_of_contact",
    "messages_of_list",
    "messages_of_sending",
    "messages_of_trigger",
    "send",
    "show",
    "tell_refused",
    "unsubscribe_url",
    "version_numbers",
]
