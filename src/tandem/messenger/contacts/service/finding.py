"""Small looks at lists and contacts for rooms above, without counting whole lists."""

from collections.abc import Collection
from datetime import datetime

from tandem.messenger.contacts.errors import UnknownContact, UnknownList
from tandem.messenger.contacts.models import ConsentEvent, Contact, ContactList


def check_list(account_id: int, list_id: int) -> None:
    """Raises UnknownList unless the account has this list."""
    if not ContactList.objects.filter(account_id=account_id, pk=list_id).exists():
        raise UnknownList(f"There is no list {list_id}.", "List the lists to see their ids.")


def name_of_list(list_id: int) -> str:
    """For a signed address of a list. Raises UnknownList."""
    # all accounts: the signed address names the list
    name = ContactList.objects.values_list("name", flat=True).filter(pk=list_id).first()
    if name is None:
        raise UnknownList("This list is not kept any more.")
    return name


def original_id_of(account_id: int, list_id: int, contact_id: int) -> str:
    """The shop's id of the contact of this internal id. Raises UnknownList, UnknownContact."""
    rows = Contact.objects.filter(account_id=account_id, list_id=list_id, pk=contact_id)
    found = rows.values_list("original_id", flat=True).first()
    if found is None:
        check_list(account_id, list_id)
        raise UnknownContact("There is no such contact in this list.", "Check the id and the list.")
    return found


def changed_at(account_id: int, contact_id: int) -> datetime | None:
    """When the contact was last changed; None if there is none."""
    rows = Contact.objects.filter(account_id=account_id, pk=contact_id)
    return rows.values_list("modified_at", flat=True).first()


def ended_by(account_id: int, wanted: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
    """Of these pairs of contact and source those by which a subscription ended."""
    if not wanted:
        return set()
    ids, sources = ({pair[at] for pair in wanted} for at in (0, 1))
    rows = ConsentEvent.objects.filter(
        account_id=account_id, contact_id__in=ids, change="unsubscribed", source__in=sources
    )
    return set(rows.values_list("contact_id", "source")) & set(wanted)
