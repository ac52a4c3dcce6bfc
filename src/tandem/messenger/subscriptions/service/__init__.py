"""Verbs of the unsubscribe pages' settings."""

from tandem.messenger.subscriptions.service.settings import (
    page_for,
    page_of_level,
    pages_elsewhere,
    save_page,
)
from tandem.messenger.subscriptions.service.stamps import is_fresh, stamp

__all__ = ["is_fresh", "page_for", "page_of_level", "pages_elsewhere", "save_page", "stamp"]
