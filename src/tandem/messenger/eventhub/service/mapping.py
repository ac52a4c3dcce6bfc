"""Which selector does what."""

from django.db import IntegrityError, transaction

from tandem.kit.clock import Clock
from tandem.messenger.contacts.service import finding
from tandem.messenger.eventhub.domain import Action, MappingView
from tandem.messenger.eventhub.errors import BadMapping, UnknownMapping
from tandem.messenger.eventhub.models import Mapping
from tandem.messenger.projects import service as projects


def add_mapping(account_id: int, *, selector: str, action: str, target: int, clock: Clock) -> MappingView:
    """From now on events of this selector do this; target: a list, of SendTrigger a trigger.

    Raises BadMapping, UnknownList, UnknownTrigger.
    """
    name = selector.strip()
    if not name or len(name) > 200 or not name.isprintable():
        raise BadMapping(
            "The selector is missing or cannot be one.", "Enter it as events name it.", field="selector"
        )
    if action not in set(Action):
        raise BadMapping(f"There is no action {action!r}.", f"Use {', '.join(Action)}.", field="action")
    if action == Action.SEND_TRIGGER:
        projects.get_trigger(account_id, target)
    else:
        finding.check_list(account_id, target)
    try:
        with transaction.atomic():
            row = Mapping.objects.create(
                account_id=account_id,
                selector=name.casefold(),
                action=action,
                target=target,
                created_at=clock.system(),
            )
    except IntegrityError:
        raise BadMapping(
            f"Events of {name} have this action already.", "Remove that mapping first.", field="action"
        ) from None
    return _view(row)


def remove_mapping(account_id: int, mapping_id: int) -> None:
    """Events of its selector do this no longer. Raises UnknownMapping."""
    deleted, _ = Mapping.objects.filter(account_id=account_id, pk=mapping_id).delete()
    if not deleted:
        raise UnknownMapping(
            f"There is no mapping {mapping_id} in this account.", "List them to see their ids."
        )


def mappings(account_id: int) -> list[MappingView]:
    """All mappings by selector, in the order in which they are carried out."""
    rows = Mapping.objects.filter(account_id=account_id)
    return sorted(map(_view, rows), key=lambda one: (one.selector, list(Action).index(one.action)))


def mapped(account_id: int, selector: str) -> list[MappingView]:
    """What is done with events of a selector: first the contact, then the message."""
    return [one for one in mappings(account_id) if one.selector == selector.casefold()]


def _view(row: Mapping) -> MappingView:
    return MappingView(id=row.pk, selector=row.selector, action=Action(row.action), target=row.target)
