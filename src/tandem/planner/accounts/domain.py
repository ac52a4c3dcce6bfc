"""Tenants, users, programs: what other rooms see of them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

TOKEN_LIFE = timedelta(minutes=20)
KEY_OVERLAP = timedelta(hours=24)
#: how often the time of a key's last use is written
USE_WRITTEN_EVERY = timedelta(seconds=5)
#: the group under which a credential may be held to our own API
OWN_API = "api"
PASSWORD_LENGTH = 10


class Rights(StrEnum):
    """How much of the API a program may call; a third party serves one channel and sees only that."""

    FULL = "full"
    THIRD_PARTY = "third party"


MOST_CALLS = 10_000
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
class NewKey:
    """A program's new key, shown this once; the one before works until `old_until`."""

    id: int
    user_name: str
    api_key: str = field(repr=False)
    old_until: datetime | None


@dataclass(frozen=True, kw_only=True)
class Restriction:
    """What a credential is held to beside its rights; empty = not held.

    functions: `group/*` or `group/Function`; networks: CIDR; limit: calls of its key in the window of the setting,
    None = the setting's number.
    """

    functions: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    limit: int | None = None


@dataclass(frozen=True, kw_only=True)
class CredentialView:
    """A program's way in, without its secrets. old_key_until: until then the key before the last works too."""

    id: int
    user_name: str
    key_prefix: str
    rights: Rights
    is_active: bool
    created_at: datetime
    restriction: Restriction
    old_key_until: datetime | None
    used_at: datetime | None
    used_from: str


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who calls the API: the account they belong to and what they may do."""

    account_id: int
    credential_id: int
    user_name: str
    rights: Rights
    zone: str
    functions: tuple[str, ...] = ()

    def may_call(self, group: str, name: str) -> bool:
        """Whether the credential is not held to other functions; what its rights include is asked elsewhere."""
        allowed = {one.lower() for one in self.functions}
        return not allowed or f"{group}/*".lower() in allowed or f"{group}/{name}".lower() in allowed


@dataclass(frozen=True, kw_only=True)
class KeyLimit:
    """How often a key may call: `most` calls in any `window`."""

    most: int
    window: timedelta

    @classmethod
    def parse(cls, text: str) -> "KeyLimit":
        """Read `50/10`: calls, seconds. Raises ValueError."""
        most, _, seconds = text.partition("/")
        found = cls(most=int(most), window=timedelta(seconds=int(seconds)))
        if not 1 <= found.most <= MOST_CALLS or not 1 <= int(seconds) <= 3600:
            raise ValueError(text)
        return found


@dataclass(frozen=True, kw_only=True)
class ActivityView:
    """One entry of the record of who did what."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]
