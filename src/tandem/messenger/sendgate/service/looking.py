"""What is held and why, for pages and the command line."""

from tandem.messenger.delivery import holding
from tandem.messenger.sendgate.domain import HoldState, HoldView
from tandem.messenger.sendgate.models import Hold


def hold_of(account_id: int, sending_id: int) -> HoldView | None:
    """The hold of a sending, if a gate was ever before it."""
    row = Hold.objects.filter(account_id=account_id, sending_id=sending_id).first()
    return view_of(row) if row else None


def holds(account_id: int, limit: int = 50) -> list[HoldView]:
    """The newest holds of an account."""
    return [view_of(row) for row in Hold.objects.filter(account_id=account_id).order_by("-id")[:limit]]


def view_of(row: Hold) -> HoldView:
    """The row as others see it; never its token."""
    same = {
        name: getattr(row, name) for name in HoldView.__dataclass_fields__ if name not in ("state", "cut_off")
    }
    cut_off = holding.last_chance(row.account_id, row.sending_id)
    return HoldView(**same, state=HoldState(row.state), cut_off=cut_off)
