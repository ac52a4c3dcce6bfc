"""Verbs of the event hub: map, receive, look, take up again."""

from tandem.messenger.eventhub.service.mapping import add_mapping, mappings, remove_mapping
from tandem.messenger.eventhub.service.receiving import clear_old, events, forget, receive, take_up

__all__ = [
    "add_mapping",
    "clear_old",
    "events",
    "forget",
    "mappings",
    "receive",
    "remove_mapping",
    "take_up",
]
