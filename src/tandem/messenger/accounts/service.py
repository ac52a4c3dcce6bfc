"""Accounts, users and API users: made here, and checked here at every call of a program."""

import base64
import hashlib
import hmac
import re
import secrets
import threading
import time
import zoneinfo
from collections.abc import Mapping

from django.contrib.auth.hashers import check_password, make_password
from django.db import IntegrityError, transaction
from django.db.models import Max
from email_validator import EmailNotValidError, validate_email

from tandem.kit.clock import Clock
from tandem.kit.problems import NotFound
from tandem.kit.secrets import new_token as random_token
from tandem.kit.secrets import token_hash
from tandem.messenger.accounts.domain import (
    AccountView,
    ActivityView,
    ApiUserView,
    Caller,
    NewApiUser,
    UserView,
)
from tandem.messenger.accounts.errors import (
    AccountTaken,
    BadAccount,
    NotSignedIn,
    UnknownAccount,
    WrongAccount,
)
from tandem.messenger.accounts.models import Account, Activity, ApiUser, Role, User

FIRST_CUSTOMER_ID = 5004
LEAST_PASSWORD = 10
_USER_NAME = re.compile(r"[A-Za-z0-9.@\-+_]{1,150}")
_NOBODY = "Send the header X-Carma-Authentication-Token, or user name and password by Basic authentication."
#: argon2 costs 50 ms; a right password is remembered for a minute as a keyed hash of what was sent
_PROOF_SECONDS = 60.0
_proof_key = secrets.token_bytes(32)
_proofs: dict[bytes, float] = {}
_proofs_lock = threading.Lock()


def create_account(
    *, name: str, zone: str, currency: str = "EUR", customer_id: int | None = None
) -> AccountView:
    """Make an account. `customer_id` is the number of its REST paths, chosen or the next free one.

    Raises AccountTaken for a name or number in use, BadAccount for an unknown zone or an empty name.
    """
    if not name.strip():
        raise BadAccount("The account has no name.", "Give it a name.", field="name")
    if zone not in zoneinfo.available_timezones():
        raise BadAccount(
            f"There is no time zone {zone!r}.", "Use a name such as Europe/Stockholm.", field="zone"
        )
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise BadAccount(
            f"{currency!r} is no currency code.", "Use three letters such as EUR.", field="currency"
        )
    if customer_id is not None and not 0 < customer_id < 2**31:
        raise BadAccount("The customer id must be a whole number above 0.", field="customer_id")
    try:
        with transaction.atomic():
            number = customer_id or max(
                FIRST_CUSTOMER_ID, (Account.objects.aggregate(last=Max("id"))["last"] or 0) + 1
            )
            made = Account.objects.create(id=number, name=name.strip(), zone=zone, currency=currency)
    except IntegrityError:
        raise AccountTaken(
            "An account with this name or customer id exists.", "Choose another name or number."
        ) from None
    return _account(made)


def get_account(account_id: int) -> AccountView:
    """The account of this id. Raises UnknownAccount."""
    found = Account.objects.filter(pk=account_id).first()
    if found is None:
        raise UnknownAccount(f"There is no account {account_id}.", "List the accounts to see their ids.")
    return _account(found)


def find_account(chosen: str | int | None) -> AccountView:
    """The account of a name or id; None = the only one there is."""
    accounts = list_accounts()
    if chosen is None and len(accounts) == 1:
        return accounts[0]
    if chosen is None:
        names = ", ".join(f"{a.name} ({a.id})" for a in accounts) or "none yet"
        raise UnknownAccount(f"Say which account is meant: {names}.", "Add --account NAME or --account ID.")
    for account in accounts:
        if str(chosen) in (str(account.id), account.name):
            return account
    raise UnknownAccount(f"There is no account {chosen!r}.", "List the accounts to see their names and ids.")


def list_accounts() -> tuple[AccountView, ...]:
    """Every account, by id."""
    return tuple(_account(row) for row in Account.objects.order_by("id"))


def create_user(
    account_id: int, *, email: str, password: str, name: str = "", role: str = Role.ADMINISTRATOR
) -> UserView:
    """Make a person who signs in with address and password."""
    get_account(account_id)
    try:
        address = validate_email(email, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError as wrong:
        raise BadAccount(
            f"The address cannot be used: {wrong}", "Give an e-mail address.", field="email"
        ) from None
    if role not in Role.values:
        raise BadAccount(f"There is no role {role!r}.", f"Use one of {', '.join(Role.values)}.", field="role")
    user = User(account_id=account_id, email=address, name=name, role=role, password=_hashed(password))
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        raise AccountTaken(
            "A user with this address exists.", "Use another address.", field="email"
        ) from None
    return _user(user)


def set_password(account_id: int, *, user_id: int, password: str) -> None:
    """Give a user a new password; his sessions end."""
    if not User.objects.filter(account_id=account_id, pk=user_id).update(password=_hashed(password)):
        raise NotFound("There is no such user.", "List the users to see their ids.")


def list_users(account_id: int) -> tuple[UserView, ...]:
    """The people of an account, by address."""
    return tuple(_user(row) for row in User.objects.filter(account_id=account_id).order_by("email"))


def create_api_user(account_id: int, user_name: str) -> NewApiUser:
    """Make a program's way in; password and token are in the answer and nowhere else."""
    get_account(account_id)
    if not _USER_NAME.fullmatch(user_name):
        raise BadAccount(
            f"{user_name!r} cannot be a user name.",
            "Use letters, digits and . @ - + _ only.",
            field="user_name",
        )
    password, token = random_token(18), random_token()
    try:
        with transaction.atomic():
            made = ApiUser.objects.create(
                account_id=account_id,
                user_name=user_name,
                password_hash=make_password(password),
                token_hash=token_hash(token),
            )
    except IntegrityError:
        raise AccountTaken(
            f"The API user {user_name!r} exists.", "Use another name.", field="user_name"
        ) from None
    return NewApiUser(id=made.pk, account_id=account_id, user_name=user_name, password=password, token=token)


def new_token(account_id: int, user_id: int) -> str:
    """Replace the token of an API user; the old one stops at once."""
    token = random_token()
    if not ApiUser.objects.filter(account_id=account_id, pk=user_id).update(token_hash=token_hash(token)):
        raise NotFound("There is no such API user.", "List the API users to see their ids.")
    return token


def list_api_users(account_id: int) -> tuple[ApiUserView, ...]:
    """The programs' ways in, by name."""
    return tuple(
        ApiUserView(
            id=row.pk,
            account_id=account_id,
            user_name=row.user_name,
            has_token=bool(row.token_hash),
            is_active=row.is_active,
            created_at=row.created_at,
        )
        for row in ApiUser.objects.filter(account_id=account_id).order_by("user_name")
    )


def deactivate_api_user(account_id: int, user_id: int) -> None:
    """Close a way in."""
    if not ApiUser.objects.filter(account_id=account_id, pk=user_id).update(is_active=False):
        raise NotFound("There is no such API user.", "List the API users to see their ids.")
    with _proofs_lock:
        _proofs.clear()


def authenticate_api(*, token: str | None, authorization: str | None, customer_id: int) -> Caller:
    """Who calls. A token decides, also when it is wrong; without one, Basic.

    Raises NotSignedIn (401) without right credentials, WrongAccount (403) for those of another account.
    """
    user = _by_token(token) if token is not None else _by_basic(authorization or "", customer_id)
    if user is None:
        raise NotSignedIn("The user name and password or the token are wrong or missing.", _NOBODY)
    if user.account_id != customer_id:
        raise WrongAccount(
            f"These credentials do not belong to customer id {customer_id}.",
            "Check the customer id in the address.",
        )
    return Caller(account_id=user.account_id, user_name=user.user_name)


def record(
    account_id: int,
    *,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, object] | None = None,
    clock: Clock,
) -> None:
    """Write down who did what, never an address."""
    Activity.objects.create(
        account_id=account_id,
        at=clock.system(),
        actor=actor,
        action=action,
        subject=subject,
        detail=dict(detail or {}),
    )


def recent_activity(account_id: int, limit: int = 100) -> tuple[ActivityView, ...]:
    """The newest lines of who did what."""
    rows = Activity.objects.filter(account_id=account_id).order_by("-at", "-pk")[:limit]
    return tuple(
        ActivityView(at=r.at, actor=r.actor, action=r.action, subject=r.subject, detail=r.detail)
        for r in rows
    )


def _by_token(token: str) -> ApiUser | None:
    if not token:
        return None
    # all accounts: the token names the account
    return ApiUser.objects.filter(token_hash=token_hash(token), is_active=True).first()


def _by_basic(header: str, customer_id: int) -> ApiUser | None:
    kind, _, rest = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
    except ValueError:  # not base64, or not a text
        return None
    if not colon:
        return None
    # the same user name may exist in two accounts; the addressed account's comes first
    rows = sorted(
        # all accounts: the caller's account is checked below
        ApiUser.objects.filter(user_name=name, is_active=True),
        key=lambda row: row.account_id != customer_id,
    )
    return next((row for row in rows if _proves(row, password)), None)


def _proves(user: ApiUser, password: str) -> bool:
    said = f"{user.pk}:{user.password_hash}:{password}".encode()
    proof = hmac.new(_proof_key, said, hashlib.sha256).digest()
    now = time.monotonic()
    with _proofs_lock:
        if _proofs.get(proof, 0.0) > now:
            return True
    if not check_password(password, user.password_hash):
        return False
    with _proofs_lock:
        for old in [key for key, until in _proofs.items() if until <= now]:
            del _proofs[old]
        _proofs[proof] = now + _PROOF_SECONDS
    return True


def _hashed(password: str) -> str:
    if len(password) < LEAST_PASSWORD:
        raise BadAccount(
            f"The password is shorter than {LEAST_PASSWORD} characters.",
            "Choose a longer one.",
            field="password",
        )
    return make_password(password)


def _account(row: Account) -> AccountView:
    return AccountView(id=row.pk, name=row.name, zone=row.zone, currency=row.currency)


def _user(row: User) -> UserView:
    return UserView(
        id=row.pk,
        account_id=row.account_id,
        email=row.email,
        name=row.name,
        role=row.role,
        is_active=row.is_active,
    )
