"""Whose openings and clicks are counted: switches of the account, a list and a contact. One that is off is enough."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q

from tandem.kit.clock import Clock
from tandem.messenger.accounts import service as accounts
from tandem.messenger.contacts.domain import Applies, Counted
from tandem.messenger.contacts.errors import UnknownContact, UnknownList
from tandem.messenger.contacts.models import Contact, ContactList, CountingChoice

_EVERYTHING = Counted()


def counted(account_id: int, *, list_id: int | None = None, contact_id: int | None = None) -> Counted:
    """The switches of the account, or of one list, or of one contact; each by itself."""
    mine: dict[str, Any] = {"account_id": account_id, "list_id": list_id, "contact_id": contact_id}
    row = CountingChoice.objects.filter(**mine).first()
    return Counted(opens=row.opens, clicks=row.clicks) if row else _EVERYTHING


def switch(
    account_id: int, what: Counted, *, list_id: int | None = None, contact_id: int | None = None
) -> None:
    """Set the switches of the account, or of one list, or of one contact. Messages made from now on follow them.

    Raises UnknownList, UnknownContact.
    """
    if list_id is not None and not ContactList.objects.filter(account_id=account_id, pk=list_id).exists():
        raise UnknownList(f"There is no list {list_id}.", "List the lists to see their ids.")
    if contact_id is not None:
        _contact(account_id, contact_id)
    mine: dict[str, Any] = {"account_id": account_id, "list_id": list_id, "contact_id": contact_id}
    CountingChoice.objects.update_or_create(**mine, defaults={"opens": what.opens, "clicks": what.clicks})


def applies(account_id: int, *, list_id: int | None = None, contact_id: int | None = None) -> Applies:
    """What holds for the account, a list or a contact, and which switches make it so. Raises UnknownContact."""
    places = [("account", counted(account_id))]
    if contact_id is not None:
        list_id = _contact(account_id, contact_id).list_id
    if list_id is not None:
        places.append(("list", counted(account_id, list_id=list_id)))
    if contact_id is not None:
        places.append(("contact", counted(account_id, contact_id=contact_id)))
    return Applies(places=tuple(places))


@transaction.atomic
def change(
    account_id: int, *, opens: bool | None, clicks: bool | None, list_id: int | None = None,
    contact_id: int | None = None, actor: str, clock: Clock,
) -> Applies:  # fmt: skip
    """Switch what is named, None = as it is; written into the account's log. Raises UnknownList, UnknownContact."""
    before = counted(account_id, list_id=list_id, contact_id=contact_id)
    after = Counted(
        opens=before.opens if opens is None else opens, clicks=before.clicks if clicks is None else clicks
    )
    switch(account_id, after, list_id=list_id, contact_id=contact_id)
    of = f"contact {contact_id}" if contact_id else f"list {list_id}" if list_id else "account"
    accounts.record(
        account_id, actor=actor, action="counting switched", clock=clock,
        subject=f"{of}: openings {'on' if after.opens else 'off'}, clicks {'on' if after.clicks else 'off'}",
    )  # fmt: skip
    return applies(account_id, list_id=list_id, contact_id=contact_id)


def of_contacts(account_id: int, contact_ids: Sequence[int | None]) -> Callable[[int, int], Counted]:
    """What is counted of a contact of a list, the switches of all three put together: (list, contact) -> Counted."""
    mine = Q(contact=None) | Q(contact_id__in=contact_ids)
    rows = CountingChoice.objects.filter(mine, account_id=account_id).filter(Q(opens=False) | Q(clicks=False))
    found = {(row.list_id, row.contact_id): Counted(opens=row.opens, clicks=row.clicks) for row in rows}
    if not found:
        return lambda list_id, contact_id: _EVERYTHING

    def of_one(list_id: int, contact_id: int) -> Counted:
        places = ((None, None), (list_id, None), (None, contact_id))
        known = [found[place] for place in places if place in found]
        return _all(known)

    return of_one


def _contact(account_id: int, contact_id: int) -> Contact:
    found = Contact.objects.filter(account_id=account_id, pk=contact_id).first()
    if found is None:
        raise UnknownContact(f"There is no contact {contact_id}.", "Look it up in its list.")
    return found


def _all(known: Sequence[Counted]) -> Counted:
    both = _EVERYTHING
    for one in known:
        both = both & one
    return both
