"""Lists and recipient attributes."""

import re
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Q

from tandem.kit.clock import Clock
from tandem.messenger.contacts.domain import DATA_TYPES, HEADERS, STATIC, ListView, PropertyView
from tandem.messenger.contacts.errors import BadContact, NameTaken, UnknownList
from tandem.messenger.contacts.models import Contact, ContactList, Property

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_ \-]{0,99}")
_NONE = dict.fromkeys(
    ("contacts", "inactive", "email_addresses", "mobile_numbers", "unsubscribed", "mobile_unsubscribed", "bounced",
     "mobile_bounced", "may_email", "may_sms"), 0,
)  # fmt: skip


def create_list(
    account_id: int,
    *,
    name: str,
    description: str = "",
    type_id: int = 1,
    list_id: int | None = None,
    clock: Clock,
) -> ListView:
    """Make a list. Raises NameTaken."""
    if not name.strip() or len(name) > 200:
        raise BadContact("The list needs a name of at most 200 characters.", "Give it a name.", field="name")
    now = clock.system()
    values: dict[str, Any] = {"pk": list_id} if list_id is not None else {}
    try:
        with transaction.atomic():
            row = ContactList.objects.create(
                account_id=account_id, name=name.strip(), description=description, type_id=type_id, created_at=now,
                modified_at=now, **values,
            )  # fmt: skip
    except IntegrityError:
        raise NameTaken(f"There is a list {name!r} already.", "Choose another name.", field="name") from None
    return _view(row, _NONE)


def list_lists(account_id: int, type_id: int | None = None) -> tuple[ListView, ...]:
    """Every list with its counts, by id."""
    rows = ContactList.objects.filter(account_id=account_id).order_by("id")
    if type_id is not None:
        rows = rows.filter(type_id=type_id)
    counts = {row["list_id"]: row for row in _counts(account_id)}
    return tuple(_view(row, counts.get(row.pk, _NONE)) for row in rows)


def get_list(account_id: int, list_id: int) -> ListView:
    """One list with its counts. Raises UnknownList."""
    row = ContactList.objects.filter(account_id=account_id, pk=list_id).first()
    if row is None:
        raise UnknownList(f"There is no list {list_id}.", "List the lists to see their ids.")
    return _view(row, next(iter(_counts(account_id, list_id)), _NONE))


def require_list(account_id: int, list_id: int) -> None:
    """Raises UnknownList. Counts nothing."""
    list_type(account_id, list_id)


def list_type(account_id: int, list_id: int) -> int:
    """1 normal, 2 test. Raises UnknownList. Counts nothing."""
    found = (
        ContactList.objects.filter(account_id=account_id, pk=list_id)
        .values_list("type_id", flat=True)
        .first()
    )
    if found is None:
        raise UnknownList(f"There is no list {list_id}.", "List the lists to see their ids.")
    return found


def define_property(
    account_id: int, *, name: str, data_type: str = "STRING", description: str = "", clock: Clock
) -> PropertyView:
    """Make an attribute of the account. Raises NameTaken, also for a built-in one."""
    if not _NAME.fullmatch(name):
        raise BadContact(
            f"{name!r} cannot be an attribute.", "Start with a letter; use letters, digits, _ and -."
        )
    if data_type not in DATA_TYPES:
        raise BadContact(f"There is no data type {data_type!r}.", f"Use one of {', '.join(DATA_TYPES)}.")
    now = clock.system()
    try:
        with transaction.atomic():
            if name.lower() in HEADERS:
                raise IntegrityError
            row = Property.objects.create(
                account_id=account_id, name=name, description=description, data_type=data_type, created_at=now,
                modified_at=now,
            )  # fmt: skip
    except IntegrityError:
        raise NameTaken(
            f"There is an attribute {name!r} already.", "Use that one, or another name."
        ) from None
    return _property(row)


def list_properties(account_id: int) -> tuple[PropertyView, ...]:
    """The built-in attributes, then the account's own."""
    static = tuple(
        PropertyView(
            id=number,
            name=name,
            description="",
            data_type="STRING",
            is_static=True,
            created_at=None,
            modified_at=None,
        )
        for number, name in enumerate(STATIC, 1)
    )
    return static + tuple(
        _property(row) for row in Property.objects.filter(account_id=account_id).order_by("id")
    )


def attribute_names(account_id: int) -> dict[str, str]:
    """Lower-case name -> spelling of every attribute a template may use."""
    own = Property.objects.filter(account_id=account_id).values_list("name", flat=True)
    return {name.lower(): name for name in (*STATIC, *own)}


def _counts(account_id: int, list_id: int | None = None) -> list[Any]:
    rows = Contact.objects.filter(account_id=account_id)
    if list_id is not None:
        rows = rows.filter(list_id=list_id)
    active = Q(active=True)
    return list(
        rows.values("list_id").annotate(
            # these first: the names of the later ones hide the columns
            may_email=Count("pk", filter=active & ~Q(email="") & Q(unsubscribed=False, bounced=False)),
            may_sms=Count(
                "pk", filter=active & ~Q(mobile="") & Q(mobile_unsubscribed=False, mobile_bounced=False)
            ),
            contacts=Count("pk", filter=active),
            inactive=Count("pk", filter=~active),
            email_addresses=Count("pk", filter=active & ~Q(email="")),
            mobile_numbers=Count("pk", filter=active & ~Q(mobile="")),
            unsubscribed=Count("pk", filter=Q(unsubscribed=True)),
            mobile_unsubscribed=Count("pk", filter=Q(mobile_unsubscribed=True)),
            bounced=Count("pk", filter=Q(bounced=True)),
            mobile_bounced=Count("pk", filter=Q(mobile_bounced=True)),
        )
    )


def _view(row: ContactList, counts: dict[str, int]) -> ListView:
    return ListView(
        id=row.pk, name=row.name, description=row.description, type_id=row.type_id,
        last_import_at=row.last_import_at, created_at=row.created_at, modified_at=row.modified_at,
        **{name: counts[name] for name in _NONE},
    )  # fmt: skip


def _property(row: Property) -> PropertyView:
    return PropertyView(
        id=row.pk, name=row.name, description=row.description, data_type=row.data_type, is_static=False,
        created_at=row.created_at, modified_at=row.modified_at,
    )  # fmt: skip
