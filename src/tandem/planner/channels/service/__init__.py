"""The verbs of this room."""

from tandem.planner.channels.service.accounts import (
    account_of_channel,
    add_account,
    checked_profile,
    get_account,
    list_accounts,
    remove_account,
    set_profile,
    update_account,
)
from tandem.planner.channels.service.connection import check_connection, check_values
from tandem.planner.channels.service.contacts import push_contacts, refresh_consent, refresh_due
from tandem.planner.channels.service.pushed import (
    add_apps,
    add_pushed_account,
    channel_templates,
    drop_apps,
    drop_templates,
    execution_channels,
    list_apps,
    push_templates,
)
from tandem.planner.channels.service.templates import (
    get_template,
    list_projects,
    list_templates,
    preview,
    read_templates,
)
from tandem.planner.channels.service.tests import (
    send_test,
    show_test,
    survey,
    test_addresses,
    test_versions,
)

__all__ = [
    "account_of_channel",
    "add_account",
    "add_apps",
    "add_pushed_account",
    "channel_templates",
    "check_connection",
    "check_values",
    "checked_profile",
    "drop_apps",
    "drop_templates",
    "execution_channels",
    "get_account",
    "get_template",
    "list_accounts",
    "list_apps",
    "list_projects",
    "list_templates",
    "preview",
    "push_contacts",
    "push_templates",
    "read_templates",
    "refresh_consent",
    "refresh_due",
    "remove_account",
    "send_test",
    "set_profile",
    "show_test",
    "survey",
    "test_addresses",
    "test_versions",
    "update_account",
]
