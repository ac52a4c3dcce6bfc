"""Promotions: the promo codes that campaigns may offer."""

from collections.abc import Sequence

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.planner.accounts import service as accounts
from tandem.planner.campaigns.domain import CHANGEABLE
from tandem.planner.campaigns.models import Occurrence, Promotion
from tandem.planner.campaigns.offer import PromotionInUse, PromotionView, check_promotion


def list_promotions(account_id: int) -> tuple[PromotionView, ...]:
    """All promotions, by code."""
    rows = Promotion.objects.filter(account_id=account_id).order_by("code")
    return tuple(PromotionView(code=row.code, name=row.name) for row in rows)


def known_codes(account_id: int) -> frozenset[str]:
    """The codes that a plan may use."""
    return frozenset(Promotion.objects.filter(account_id=account_id).values_list("code", flat=True))


def add_promotions(
    account_id: int, promotions: Sequence[PromotionView], *, clock: Clock, actor: str = "system"
) -> None:
    """Add all of them or none; a code that is known gets the new name. Raises PromotionRefused."""
    found = {one.code: one.name.strip() for one in promotions}
    for code, name in found.items():
        check_promotion(code, name)
    with transaction.atomic():
        Promotion.objects.bulk_create(
            [Promotion(account_id=account_id, code=code, name=name) for code, name in found.items()],
            update_conflicts=True,
            unique_fields=["account", "code"],
            update_fields=["name"],
        )
        _record(account_id, "promotions.added", found, actor, clock)


def delete_promotions(account_id: int, codes: Sequence[str], *, clock: Clock, actor: str = "system") -> int:
    """Delete them; how many there were. Raises PromotionInUse if a campaign still to come offers one: then none goes.

    Campaigns whose list is made keep their codes.
    """
    with transaction.atomic():
        coming = Occurrence.objects.filter(account_id=account_id, state__in=CHANGEABLE)
        for name, used in coming.values_list("campaign__name", "campaign__promo_codes"):
            for code in codes:
                if code in used:
                    raise PromotionInUse(
                        f"{name} is to offer {code}.", "Change or cancel that campaign first."
                    )
        deleted, _ = Promotion.objects.filter(account_id=account_id, code__in=list(codes)).delete()
        if deleted:
            _record(account_id, "promotions.deleted", codes, actor, clock)
    return deleted


def _record(account_id: int, action: str, codes: object, actor: str, clock: Clock) -> None:
    subject = ", ".join(list(codes)[:5])  # type: ignore[call-overload]
    accounts.record(account_id, actor=actor, action=action, subject=subject, clock=clock)
