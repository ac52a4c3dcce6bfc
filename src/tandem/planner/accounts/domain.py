"""Tenants, users, programs: what other rooms see of them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

TOKEN_LIFE = timedelta(minutes=20)
PASSWORD_LENGTH = 10


class Rights(StrEnum):
    """How much of the API a program may call; a third party serves one channel and sees only that."""

    FULL = "full"
    THIRD_PARTY = "third party"


ROLES = ("administrator", "marketer", "approver", "engineer", "viewer")


@dataclass(frozen=True, kw_only=True)
class AccountView:
    """A tenant. zone: IANA name, wire times are in it; currency: ISO 4217."""

    id: int
    name: str
    zone: str
    currency: str


@dataclass(frozen=True, kw_only=True)
class UserView:
    """A person who signs in to the pages."""

    id: int
    account_id: int
    email: str
    name: str
    role: str
    is_active: bool


@dataclass(frozen=True, kw_only=True)
class NewCredential:
    """A program's secrets, shown this once."""

    id: int
    account_id: int
    user_name: str
    password: str = field(repr=False)
    api_key: str = field(repr=False)
    rights: Rights


@dataclass(frozen=True, kw_only=True)
class CredentialView:
    """A program's way in, without its secrets."""

    id: int
    user_name: str
    key_prefix: str
    rights: Rights
    is_active: bool
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who calls the API: the account they belong to and what they may do."""

    account_id: int
    credential_id: int
    user_name: str
    rights: Rights
    zone: str


@dataclass(frozen=True, kw_only=True)
class ActivityView:
    """One entry of the record of who did what."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]
