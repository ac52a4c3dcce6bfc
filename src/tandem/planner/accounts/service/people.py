"""People who sign in to the pages."""

from datetime import timedelta

from django.contrib.auth.hashers import check_password, make_password
from django.db import IntegrityError, transaction
from email_validator import EmailNotValidError, validate_email

from tandem.kit.clock import Clock
from tandem.kit.throttle import Throttle
from tandem.planner.accounts.domain import PASSWORD_LENGTH, ROLES, UserView
from tandem.planner.accounts.errors import AccountRefused, NameTaken, TooManyFailures, WrongCredentials
from tandem.planner.accounts.models import User
from tandem.planner.accounts.service.activity import record

_failures = Throttle(10, timedelta(minutes=15))
_SOMEBODY = (
    "argon2$argon2id$v=19$m=102400,t=2,p=8$DDKC+QoUn03qqjhCCOThsg$Ssx+B/1aHf01MWWPmpN4aHlw2yOEUCgv0Zi7LaxmN9Q"
)


def create_user(
    account_id: int,
    *,
    email: str,
    password: str,
    name: str = "",
    role: str = "administrator",
    actor: str = "system",
    clock: Clock,
) -> UserView:
    """Make a person who signs in by e-mail address and password. Raises AccountRefused, NameTaken."""
    address = _address(email)
    _check_password(password)
    if role not in ROLES:
        raise AccountRefused(
            f"There is no role {role!r}.", f"Choose one of {', '.join(ROLES)}.", field="role"
        )
    try:
        with transaction.atomic():
            user = User.objects.create(
                account_id=account_id, email=address, name=name, role=role, password=make_password(password)
            )
            record(account_id, actor=actor, action="user.created", subject=f"user {user.pk}", clock=clock)
    except IntegrityError as error:
        raise NameTaken(
            "There is a user with this address.", "Use another address.", field="email"
        ) from error
    return _view(user)


def set_password(account_id: int, *, user_id: int, password: str, actor: str, clock: Clock) -> None:
    """Change a password; the user's sessions end, since they carry a hash of it."""
    _check_password(password)
    with transaction.atomic():
        changed = User.objects.filter(account_id=account_id, pk=user_id).update(
            password=make_password(password)
        )
        if not changed:
            raise AccountRefused(f"There is no user {user_id}.")
        record(
            account_id, actor=actor, action="user.password_changed", subject=f"user {user_id}", clock=clock
        )


def list_users(account_id: int) -> tuple[UserView, ...]:
    """The account's people, oldest first."""
    return tuple(_view(user) for user in User.objects.filter(account_id=account_id).order_by("pk"))


def authenticate(email: str, password: str, *, address: str = "", clock: Clock) -> User:
    """The person behind an address and a password; the answer is the same whatever is wrong.

    address: the caller's network address, for the brake. Raises WrongCredentials, TooManyFailures.
    """
    now = clock.system()
    keys = [f"user {email.strip().casefold()[:320]}"] + ([f"from {address}"] if address else [])
    if any(_failures.wait(key, now) for key in keys):
        raise TooManyFailures("Too many wrong passwords.", "Wait 15 minutes, then try again.")
    # all accounts: an address signs in to one account
    user = User.objects.filter(email__iexact=email.strip(), is_active=True).first()
    if not check_password(password, user.password if user else _SOMEBODY) or user is None:
        for key in keys:
            _failures.failed(key, now)
        raise WrongCredentials("The address or the password is wrong.", "Check both and try again.")
    for key in keys:
        _failures.forget(key)
    return user


def _address(email: str) -> str:
    try:
        return validate_email(email.strip(), check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise AccountRefused(f"The address cannot be used: {error}", field="email") from error


def _check_password(password: str) -> None:
    if len(password) < PASSWORD_LENGTH:
        raise AccountRefused(
            f"The password is shorter than {PASSWORD_LENGTH} characters.",
            "Choose a longer one.",
            field="password",
        )


def _view(user: User) -> UserView:
    return UserView(
        id=user.pk,
        account_id=user.account_id,
        email=user.email,
        name=user.name,
        role=user.role,
        is_active=user.is_active,
    )
