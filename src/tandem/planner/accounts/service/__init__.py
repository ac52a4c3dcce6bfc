"""The verbs of accounts, people and programs."""

from tandem.planner.accounts.service.activity import recent_activity, record
from tandem.planner.accounts.service.keys import function_groups, restrict_credential, rotate_key
from tandem.planner.accounts.service.people import authenticate, create_user, list_users, set_password
from tandem.planner.accounts.service.programs import (
    caller_of_key,
    caller_of_token,
    create_api_credential,
    disable_credential,
    get_credential,
    key_limit,
    list_credentials,
    login,
)
from tandem.planner.accounts.service.tenants import create_account, find_account, get_account, list_accounts

__all__ = [
    "authenticate",
    "caller_of_key",
    "caller_of_token",
    "create_account",
    "create_api_credential",
    "create_user",
    "disable_credential",
    "find_account",
    "function_groups",
    "get_account",
    "get_credential",
    "key_limit",
    "list_accounts",
    "list_credentials",
    "list_users",
    "login",
    "recent_activity",
    "record",
    "restrict_credential",
    "rotate_key",
    "set_password",
]
