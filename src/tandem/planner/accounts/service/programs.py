"""Programs that call the API: credentials, login tokens, keys."""

import hashlib
import hmac
import uuid
from datetime import timedelta

from django.db import IntegrityError, transaction

from tandem.kit.clock import Clock
from tandem.kit.secrets import new_token, token_hash
from tandem.kit.throttle import Throttle
from tandem.planner.accounts.domain import TOKEN_LIFE, Caller, CredentialView, NewCredential, Rights
from tandem.planner.accounts.errors import (
    AccountRefused,
    CredentialUnknown,
    NameTaken,
    TokenExpired,
    TooManyFailures,
    TooManyLogins,
    WrongCredentials,
)
from tandem.planner.accounts.models import ApiCredential, LoginToken
from tandem.planner.accounts.service.activity import record

_failures = Throttle(10, timedelta(minutes=15))
_logins = Throttle(1, timedelta(seconds=1))
_KEEP_EXPIRED = timedelta(days=1)
_WRITE_EVERY = timedelta(seconds=1)


def create_api_credential(
    account_id: int,
    *,
    user_name: str | None = None,
    rights: str = Rights.FULL,
    actor: str = "system",
    clock: Clock,
) -> NewCredential:
    """Make a user, a random password and a random key; only hashes are kept. Raises AccountRefused, NameTaken."""
    if rights not in tuple(Rights):
        raise AccountRefused(
            f"There are no rights {rights!r}.", "Choose full or third party.", field="rights"
        )
    name = (user_name or f"api-{new_token(6)}").strip()
    password, key = new_token(24), new_token()
    try:
        with transaction.atomic():
            credential = ApiCredential.objects.create(
                account_id=account_id,
                user_name=name,
                password_hash=token_hash(password),
                key_prefix=key[:8],
                key_hash=token_hash(key),
                rights=rights,
            )
            subject = f"credential {credential.pk}"
            record(account_id, actor=actor, action="credential.created", subject=subject, clock=clock)
    except IntegrityError as error:
        raise NameTaken(f"There is a credential named {name}.", "Choose another name.") from error
    return NewCredential(
        id=credential.pk,
        account_id=account_id,
        user_name=name,
        password=password,
        api_key=key,
        rights=Rights(rights),
    )


def list_credentials(account_id: int) -> tuple[CredentialView, ...]:
    """The account's programs, oldest first."""
    return tuple(
        CredentialView(
            id=row.pk,
            user_name=row.user_name,
            key_prefix=row.key_prefix,
            rights=Rights(row.rights),
            is_active=row.is_active,
            created_at=row.created_at,
        )
        for row in ApiCredential.objects.filter(account_id=account_id).order_by("pk")
    )


def disable_credential(account_id: int, *, credential_id: int, actor: str, clock: Clock) -> None:
    """Shut a program out at once, its tokens too."""
    with transaction.atomic():
        mine = ApiCredential.objects.filter(account_id=account_id, pk=credential_id)
        if not mine.update(is_active=False):
            raise CredentialUnknown(f"There is no credential {credential_id}.", "See `tandem users keys`.")
        LoginToken.objects.filter(account_id=account_id, credential_id=credential_id).delete()
        subject = f"credential {credential_id}"
        record(account_id, actor=actor, action="credential.disabled", subject=subject, clock=clock)


def login(user_name: str, password: str, *, clock: Clock) -> str:
    """A token that lives 20 minutes from its last use. Raises WrongCredentials, TooManyFailures, TooManyLogins."""
    now = clock.system()
    name = user_name.strip()
    if _failures.wait(name, now):
        raise TooManyFailures("Too many wrong passwords.", "Wait 15 minutes.")
    # all accounts: a user name belongs to one account
    credential = ApiCredential.objects.filter(user_name=name, is_active=True).first()
    # the password is 192 random bits, so a plain hash is enough; the comparison takes the same time either way
    kept = credential.password_hash if credential else hashlib.sha256().hexdigest()
    if not hmac.compare_digest(kept, token_hash(password)) or credential is None:
        _failures.failed(name, now)
        raise WrongCredentials("The user name or the password is wrong.")
    if _logins.wait(name, now):
        raise TooManyLogins("This user logged in less than a second ago.", "Use the token you have.")
    _logins.failed(name, now)
    token = str(uuid.uuid4())
    # all accounts: the credential names the account
    LoginToken.objects.filter(credential=credential, used_at__lt=now - _KEEP_EXPIRED).delete()
    LoginToken.objects.create(
        account_id=credential.account_id, credential=credential, token_hash=token_hash(token), used_at=now
    )
    return token


def caller_of_token(token: str, *, clock: Clock) -> Caller:
    """Who holds the token; its life starts anew. Raises WrongCredentials, TokenExpired."""
    now = clock.system()
    found = (
        LoginToken.objects.select_related("credential__account")
        .filter(token_hash=token_hash(token.strip().lower()), credential__is_active=True)
        .first()
    )
    if found is None:
        raise WrongCredentials("The token is not known.")
    if now - found.used_at > TOKEN_LIFE:
        raise TokenExpired("The token was not used for 20 minutes.", "Log in again.")
    if now - found.used_at > _WRITE_EVERY:
        # all accounts: the token names the account
        LoginToken.objects.filter(pk=found.pk).update(used_at=now)
    return _caller(found.credential)


def caller_of_key(key: str) -> Caller:
    """Who holds the API key. Raises WrongCredentials."""
    found = (
        ApiCredential.objects.select_related("account")
        .filter(key_hash=token_hash(key.strip()), is_active=True)
        .exclude(key_hash="")
        .first()
    )
    if found is None:
        raise WrongCredentials("The key is not known.")
    return _caller(found)


def _caller(credential: ApiCredential) -> Caller:
    return Caller(
        account_id=credential.account_id,
        credential_id=credential.pk,
        user_name=credential.user_name,
        rights=Rights(credential.rights),
        zone=credential.account.zone,
    )
