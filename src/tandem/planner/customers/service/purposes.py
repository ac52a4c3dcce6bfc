"""What each attribute may be used for: the dictionary, changes to it, and what models and discovery may see."""

from collections.abc import Mapping

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.planner.accounts import service as accounts
from tandem.planner.customers.catalogue import ORDER_FEATURES
from tandem.planner.customers.domain import AttributeEntry
from tandem.planner.customers.errors import BadPurpose
from tandem.planner.customers.models import ProfileAttribute
from tandem.planner.customers.purposes import Purpose, suggested


def dictionary(account_id: int) -> tuple[AttributeEntry, ...]:
    """The account's own attributes with their purposes, in the order in which they came."""
    rows = ProfileAttribute.objects.filter(account_id=account_id).order_by("id")
    return tuple(_entry(row) for row in rows)


def _entry(row: ProfileAttribute) -> AttributeEntry:
    better, why = suggested(f"{row.name} {row.label}")
    return AttributeEntry(
        name=row.name, label=row.label, kind=row.kind, purpose=row.purpose, suggested=str(better), why=why
    )


def set_purpose(account_id: int, name: str, purpose: str, *, actor: str, clock: Clock) -> AttributeEntry:
    """Say what an attribute may be used for, from the next snapshot on. Raises BadPurpose."""
    wanted = checked({name: purpose})[name]
    with transaction.atomic():
        row = ProfileAttribute.objects.select_for_update().filter(account_id=account_id, name=name).first()
        if row is None:
            raise BadPurpose(
                f"There is no attribute {name} of this account's own.",
                "See `tandem customers dictionary`; attributes computed from orders always serve models.",
            )
        if row.purpose != wanted:
            accounts.record(
                account_id, actor=actor, action="attribute.purpose", subject=name,
                detail={"from": row.purpose, "to": str(wanted)}, clock=clock,
            )  # fmt: skip
            row.purpose = str(wanted)
            row.save(update_fields=["purpose"])
    return _entry(row)


def checked(purposes: Mapping[str, str]) -> dict[str, Purpose]:
    """The purposes by attribute. Raises BadPurpose for a word that is none."""
    try:
        return {name: Purpose(word) for name, word in purposes.items()}
    except ValueError:
        known = ", ".join(Purpose)
        raise BadPurpose("That is no purpose of an attribute.", f"Take one of {known}.") from None


def model_columns(account_id: int) -> tuple[str, ...]:
    """The columns that models and discovery may use: what orders say, and own attributes of purpose models.

    A snapshot may lack some of them: take those that its catalogue has.
    """
    rows = dict(
        ProfileAttribute.objects.filter(account_id=account_id).order_by("id").values_list("name", "purpose")
    )
    own = tuple(name for name, purpose in rows.items() if purpose == Purpose.MODELS)
    return ORDER_FEATURES + own + (() if "country" in rows else ("country",))


def hidden_columns(account_id: int) -> frozenset[str]:
    """The attributes that no snapshot holds."""
    rows = ProfileAttribute.objects.filter(account_id=account_id, purpose=Purpose.IDENTITY)
    return frozenset(rows.values_list("name", flat=True))


def sensitive_columns(account_id: int) -> frozenset[str]:
    """The attributes that are special by law."""
    rows = ProfileAttribute.objects.filter(account_id=account_id, purpose=Purpose.SENSITIVE)
    return frozenset(rows.values_list("name", flat=True))
