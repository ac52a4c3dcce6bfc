"""What other rooms see of accounts, users and API users."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class AccountView:
    """A customer account; `id` is the Symplify customer id of the REST paths."""

    id: int
    name: str
    zone: str
    currency: str


@dataclass(frozen=True, kw_only=True)
class UserView:
    """A person who signs in."""

    id: int
    account_id: int
    email: str
    name: str
    role: str
    is_active: bool


@dataclass(frozen=True, kw_only=True)
class ApiUserView:
    """A program's way in, without its secrets."""

    id: int
    account_id: int
    user_name: str
    has_token: bool
    is_active: bool
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class NewApiUser:
    """A new way in with its secrets; they are shown this once."""

    id: int
    account_id: int
    user_name: str
    password: str
    token: str


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The API user behind a request."""

    account_id: int
    user_name: str


@dataclass(frozen=True, kw_only=True)
class ActivityView:
    """One line of who did what."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, object]
