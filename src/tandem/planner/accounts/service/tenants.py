"""Accounts: made, found, listed."""

from zoneinfo import available_timezones

from django.db import IntegrityError, transaction

from tandem.kit.clock import Clock
from tandem.planner.accounts.domain import AccountView
from tandem.planner.accounts.errors import AccountRefused, AccountUnknown, ChooseAccount, NameTaken
from tandem.planner.accounts.models import Account
from tandem.planner.accounts.service.activity import record


def create_account(
    *, name: str, zone: str, currency: str = "EUR", actor: str = "system", clock: Clock
) -> AccountView:
    """Make a tenant. Raises AccountRefused, NameTaken."""
    name, currency = name.strip(), currency.strip().upper()
    if not name or "\x00" in name:
        raise AccountRefused("Give the account a name.", field="name")
    if zone not in available_timezones():
        raise AccountRefused(
            f"{zone!r} is not a time zone.", "Give a name like Europe/Stockholm.", field="zone"
        )
    if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
        raise AccountRefused(
            f"{currency!r} is not a currency.", "Give three letters, like EUR.", field="currency"
        )
    try:
        with transaction.atomic():
            account = Account.objects.create(name=name, zone=zone, currency=currency)
            record(account.pk, actor=actor, action="account.created", subject=name, clock=clock)
    except IntegrityError as error:
        raise NameTaken(f"There is an account named {name}.", "Choose another name.", field="name") from error
    return _view(account)


def get_account(account_id: int) -> AccountView:
    """Raises AccountUnknown."""
    account = Account.objects.filter(pk=account_id).first()
    if account is None:
        raise AccountUnknown(f"There is no account {account_id}.")
    return _view(account)


def find_account(chosen: str | int | None) -> AccountView:
    """By name or id; None = the only one there is. Raises AccountUnknown, ChooseAccount."""
    accounts = list_accounts()
    if chosen is None or chosen == "":
        if len(accounts) == 1:
            return accounts[0]
        if not accounts:
            raise AccountUnknown("There is no account yet.", "Make one with `tandem init`.")
        names = ", ".join(account.name for account in accounts)
        raise ChooseAccount(f"There are {len(accounts)} accounts: {names}.", "Name one with --account.")
    for account in accounts:
        if str(chosen).casefold() in (account.name.casefold(), str(account.id)):
            return account
    raise AccountUnknown(f"There is no account {chosen}.")


def list_accounts() -> tuple[AccountView, ...]:
    """All tenants, oldest first."""
    return tuple(_view(account) for account in Account.objects.order_by("pk"))


def _view(account: Account) -> AccountView:
    return AccountView(id=account.pk, name=account.name, zone=account.zone, currency=account.currency)
