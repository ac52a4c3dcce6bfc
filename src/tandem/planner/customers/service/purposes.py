"""What each attribute may be used for: the dictionary, changes to it, and what models and discovery may see."""

from collections.abc import Mapping

import sqlglot
from django.db import transaction

from tandem.kit.clock import Clock
from tandem.planner.accounts import service as accounts
from tandem.planner.customers.catalogue import ORDER_FEATURES
from tandem.planner.customers.domain import AttributeEntry
from tandem.planner.customers.errors import BadPurpose, NoSnapshot
from tandem.planner.customers.models import OrderPurpose, ProfileAttribute
from tandem.planner.customers.purposes import Purpose, suggested
from tandem.planner.customers.service.snapshot import latest_snapshot
from tandem.planner.engine.domain import ORDERS
from tandem.planner.engine.duckdb import open_snapshot

#: columns of the orders that may tell what is special by law -> what they are called
CATEGORY, COUNTRY = "main_category", "country"
FROM_ORDERS = {CATEGORY: "product category", COUNTRY: "country"}
#: so many categories are looked at by name
MOST_LOOKED_AT = 10_000
_CATEGORIES = f"SELECT DISTINCT category FROM {ORDERS} WHERE category IS NOT NULL LIMIT {MOST_LOOKED_AT}"


def dictionary(account_id: int) -> tuple[AttributeEntry, ...]:
    """The account's own attributes with their purposes, in the order in which they came."""
    rows = ProfileAttribute.objects.filter(account_id=account_id).order_by("id")
    return tuple(_entry(row) for row in rows)


def order_dictionary(account_id: int) -> tuple[AttributeEntry, ...]:
    """The columns of the orders that a purpose can be given to; what names of categories suggest is told with one."""
    chosen = _of_orders(account_id)
    return tuple(
        AttributeEntry(
            name=name, label=FROM_ORDERS[name], kind="text", purpose=purpose, suggested=str(better), why=why
        )
        for name, purpose in chosen.items()
        for better, why in [_suggested_by_names(account_id) if name == CATEGORY else (Purpose.MODELS, "")]
    )


def _of_orders(account_id: int) -> dict[str, str]:
    """Column -> its purpose; a country that is an attribute of the account's own is not of the orders."""
    own = ProfileAttribute.objects.filter(account_id=account_id, name__in=FROM_ORDERS)
    said = dict(OrderPurpose.objects.filter(account_id=account_id).values_list("name", "purpose"))
    taken = set(own.values_list("name", flat=True))
    return {name: said.get(name, str(Purpose.MODELS)) for name in FROM_ORDERS if name not in taken}


def _suggested_by_names(account_id: int) -> tuple[Purpose, str]:
    """By the names of all that was sold."""
    try:
        snapshot = latest_snapshot(account_id)
    except NoSnapshot:
        return Purpose.MODELS, ""
    rows = open_snapshot(snapshot.cache).rows(sqlglot.parse_one(_CATEGORIES, dialect="duckdb"))
    told = [(name, why) for name, why in ((row[0], suggested(row[0])[1]) for row in sorted(rows)) if why]
    if not told:
        return Purpose.MODELS, ""
    name, why = told[0]
    more = f" and {len(told) - 1:,} more" if len(told) > 1 else ""
    return Purpose.SENSITIVE, f"{why} ({name}{more})"


def _entry(row: ProfileAttribute) -> AttributeEntry:
    better, why = suggested(f"{row.name} {row.label}")
    return AttributeEntry(
        name=row.name, label=row.label, kind=row.kind, purpose=row.purpose, suggested=str(better), why=why
    )


def set_purpose(account_id: int, name: str, purpose: str, *, actor: str, clock: Clock) -> AttributeEntry:
    """Say what an attribute may be used for, from the next snapshot on. Raises BadPurpose."""
    wanted = checked({name: purpose})[name]
    if name in _of_orders(account_id):
        return _set_of_orders(account_id, name, wanted, actor=actor, clock=clock)
    with transaction.atomic():
        row = ProfileAttribute.objects.select_for_update().filter(account_id=account_id, name=name).first()
        if row is None:
            raise BadPurpose(
                f"There is no attribute {name} of this account's own.",
                "See `tandem rights attributes`; what else is computed from orders always serves models.",
            )
        if row.purpose != wanted:
            _record(account_id, name, row.purpose, wanted, actor=actor, clock=clock)
            row.purpose = str(wanted)
            row.save(update_fields=["purpose"])
    return _entry(row)


def _set_of_orders(
    account_id: int, name: str, wanted: Purpose, *, actor: str, clock: Clock
) -> AttributeEntry:
    if wanted is Purpose.IDENTITY:
        raise BadPurpose(
            f"The {FROM_ORDERS[name]} of the orders names nobody.", "Take models, targeting or sensitive."
        )
    with transaction.atomic():
        row, _ = OrderPurpose.objects.select_for_update().get_or_create(
            account_id=account_id, name=name, defaults={"purpose": str(Purpose.MODELS)}
        )
        if row.purpose != wanted:
            _record(account_id, name, row.purpose, wanted, actor=actor, clock=clock)
            row.purpose = str(wanted)
            row.save(update_fields=["purpose"])
    return next(one for one in order_dictionary(account_id) if one.name == name)


def _record(account_id: int, name: str, before: str, wanted: Purpose, *, actor: str, clock: Clock) -> None:
    accounts.record(
        account_id, actor=actor, action="attribute.purpose", subject=name,
        detail={"from": before, "to": str(wanted)}, clock=clock,
    )  # fmt: skip


def checked(purposes: Mapping[str, str]) -> dict[str, Purpose]:
    """The purposes by attribute. Raises BadPurpose for a word that is none."""
    try:
        return {name: Purpose(word) for name, word in purposes.items()}
    except ValueError:
        known = ", ".join(Purpose)
        raise BadPurpose("That is no purpose of an attribute.", f"Take one of {known}.") from None


def model_columns(account_id: int) -> tuple[str, ...]:
    """The columns that models and discovery may use: what orders say, and own attributes, if of purpose models.

    A snapshot may lack some of them: take those that its catalogue has. Without `main_category` nothing of what kind of
    thing was bought may be used.
    """
    rows = dict(
        ProfileAttribute.objects.filter(account_id=account_id).order_by("id").values_list("name", "purpose")
    )
    own = tuple(name for name, purpose in rows.items() if purpose == Purpose.MODELS)
    orders = _of_orders(account_id)
    barred = {name for name, purpose in orders.items() if purpose != Purpose.MODELS}
    features = tuple(name for name in ORDER_FEATURES if name not in barred)
    return features + own + tuple(name for name in (COUNTRY,) if name in orders and name not in barred)


def hidden_columns(account_id: int) -> frozenset[str]:
    """The attributes that no snapshot holds."""
    rows = ProfileAttribute.objects.filter(account_id=account_id, purpose=Purpose.IDENTITY)
    return frozenset(rows.values_list("name", flat=True))


def sensitive_columns(account_id: int) -> frozenset[str]:
    """The attributes that are special by law."""
    rows = ProfileAttribute.objects.filter(account_id=account_id, purpose=Purpose.SENSITIVE)
    orders = (name for name, purpose in _of_orders(account_id).items() if purpose == Purpose.SENSITIVE)
    return frozenset(rows.values_list("name", flat=True)).union(orders)
