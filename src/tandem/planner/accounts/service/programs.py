"""Programs that call the API: credentials, login tokens, keys."""

import hashlib
import hmac
import uuid
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from tandem.kit.clock import Clock
from tandem.kit.secrets import new_token, token_hash
from tandem.kit.throttle import Throttle
from tandem.planner.accounts.domain import (
    TOKEN_LIFE,
    Caller,
    CredentialView,
    KeyLimit,
    NewCredential,
    Restriction,
    Rights,
)
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
from tandem.planner.accounts.service.keys import (
    check_address,
    count_call,
    limit_of,
    note_use,
    restriction_fields,
    restriction_of,
)

_failures = Throttle(10, timedelta(minutes=15))
_logins = Throttle(1, timedelta(seconds=1))
_KEEP_EXPIRED = timedelta(days=1)
_WRITE_EVERY = timedelta(seconds=1)
UNRESTRICTED = Restriction()


def create_api_credential(
    account_id: int,
    *,
    user_name: str | None = None,
    rights: str = Rights.FULL,
    restriction: Restriction = UNRESTRICTED,
    actor: str = "system",
    clock: Clock,
) -> NewCredential:
    """Make a user, a random password and a random key; only hashes are kept. Raises AccountRefused, NameTaken."""
    held = restriction_fields(restriction)
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
                **held,
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
    return tuple(_view(row) for row in ApiCredential.objects.filter(account_id=account_id).order_by("pk"))


def get_credential(account_id: int, credential_id: int) -> CredentialView:
    """One program. Raises CredentialUnknown."""
    row = ApiCredential.objects.filter(account_id=account_id, pk=credential_id).first()
    if row is None:
        raise CredentialUnknown(f"There is no credential {credential_id}.", "See `tandem keys list`.")
    return _view(row)


def key_limit(account_id: int, credential_id: int) -> KeyLimit:
    """How often its key may call. Raises CredentialUnknown."""
    get_credential(account_id, credential_id)
    return limit_of(ApiCredential.objects.get(account_id=account_id, pk=credential_id))


def disable_credential(account_id: int, *, credential_id: int, actor: str, clock: Clock) -> None:
    """Shut a program out at once, its tokens too."""
    with transaction.atomic():
        mine = ApiCredential.objects.filter(account_id=account_id, pk=credential_id)
        if not mine.update(is_active=False, old_key_hash="", old_key_until=None):
            raise CredentialUnknown(f"There is no credential {credential_id}.", "See `tandem keys list`.")
        LoginToken.objects.filter(account_id=account_id, credential_id=credential_id).delete()
        subject = f"credential {credential_id}"
        record(account_id, actor=actor, action="credential.disabled", subject=subject, clock=clock)


def login(user_name: str, password: str, *, address: str = "", clock: Clock) -> str:
    """A token that lives 20 minutes from its last use. address: the caller's, for the allow list.

    Raises WrongCredentials, TooManyFailures, TooManyLogins, NotFromHere.
    """
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
    check_address(credential.networks, address)
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


def caller_of_token(token: str, *, address: str = "", clock: Clock) -> Caller:
    """Who holds the token; its life starts anew. Raises WrongCredentials, TokenExpired, NotFromHere."""
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
    check_address(found.credential.networks, address)
    note_use(found.credential, address, now)
    if now - found.used_at > _WRITE_EVERY:
        # all accounts: the token names the account
        LoginToken.objects.filter(pk=found.pk).update(used_at=now)
    return _caller(found.credential)


def caller_of_key(key: str, *, address: str = "", clock: Clock) -> Caller:
    """Who holds the API key, its call counted. Raises WrongCredentials, NotFromHere, TooManyCalls."""
    now, hashed = clock.system(), token_hash(key.strip())
    asked = Q(key_hash=hashed) | Q(old_key_hash=hashed, old_key_until__gt=now)
    # all accounts: the key names the account
    found = ApiCredential.objects.select_related("account").filter(asked, is_active=True).first()
    if found is None:
        raise WrongCredentials("The key is not known.")
    check_address(found.networks, address)
    count_call(found, now)
    note_use(found, address, now)
    return _caller(found)


def _caller(credential: ApiCredential) -> Caller:
    return Caller(
        account_id=credential.account_id,
        credential_id=credential.pk,
        user_name=credential.user_name,
        rights=Rights(credential.rights),
        zone=credential.account.zone,
        functions=tuple(credential.functions),
    )


def _view(row: ApiCredential) -> CredentialView:
    return CredentialView(
        id=row.pk,
        user_name=row.user_name,
        key_prefix=row.key_prefix,
        rights=Rights(row.rights),
        is_active=row.is_active,
        created_at=row.created_at,
        restriction=restriction_of(row),
        old_key_until=row.old_key_until,
        used_at=row.used_at,
        used_from=row.used_from,
    )
