"""The verbs of this room."""

from tandem.planner.channels.service.accounts import (
    account_of_channel,
    add_account,
    get_account,
    list_accounts,
    remove_account,
    update_account,
)
from tandem.planner.channels.service.connection import check_connection, check_values
from tandem.planner.channels.service.contacts import push_contacts, refresh_consent, refresh_due
from tandem.planner.channels.service.templates import (
    get_template,
    list_projects,
    list_templates,
    preview,
    read_templates,
)

__all__ = [
    "account_of_channel",
    "add_account",
    "check_connection",
    "check_values",
    "get_account",
    "get_template",
    "list_accounts",
    "list_projects",
    "list_templates",
    "preview",
    "push_contacts",
    "read_templates",
    "refresh_consent",
    "refresh_due",
    "remove_account",
    "update_account",
]
