"""What one part of an SMS costs the account, as far as somebody said it."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from tandem.kit.clock import Clock
from tandem.messenger.accounts import service
from tandem.messenger.accounts.errors import BadAccount
from tandem.messenger.accounts.models import Account

MOST = Decimal(1000)


@dataclass(frozen=True, kw_only=True)
class Price:
    """Of one part, in the account's currency."""

    amount: Decimal
    currency: str

    def of(self, parts: int) -> Decimal:
        """What so many parts cost."""
        return self.amount * parts


def sms_price(account_id: int) -> Price | None:
    """The price of one part; None if it was not set."""
    found = Account.objects.filter(pk=account_id).values_list("sms_part_cost", "currency").first()
    if found is None or found[0] is None:
        return None
    return Price(amount=found[0].normalize(), currency=found[1])


def set_sms_price(account_id: int, said: str, *, actor: str, clock: Clock) -> Price | None:
    """Set the price of one part; empty = it is not known. Raises BadAccount."""
    amount = _amount(said.strip().replace(",", "."))
    Account.objects.filter(pk=account_id).update(sms_part_cost=amount)
    service.record(
        account_id, actor=actor, action="price of SMS set", subject=str(amount or "none"), clock=clock
    )
    return sms_price(account_id)


def _amount(said: str) -> Decimal | None:
    if not said:
        return None
    try:
        amount = Decimal(said)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or not 0 < amount < MOST or amount != amount.quantize(Decimal("0.0001")):
        raise BadAccount(
            f"{said[:30]!r} is no price.",
            "Write an amount above 0 with at most four decimals, or nothing.",
            field="price",
        )
    return amount
