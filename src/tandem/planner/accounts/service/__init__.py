"""The verbs of accounts, people and programs."""

from tandem.planner.accounts.service.activity import recent_activity, record
from tandem.planner.accounts.service.people import authenticate, create_user, list_users, set_password
from tandem.planner.accounts.service.programs import (
    caller_of_key,
    caller_of_token,
    create_api_credential,
    disable_credential,
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
    "get_account",
    "list_accounts",
    "list_credentials",
    "list_users",
    "login",
    "recent_activity",
    "record",
    "set_password",
]
