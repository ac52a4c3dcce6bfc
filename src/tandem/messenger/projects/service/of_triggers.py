"""Small looks at triggers for rooms above, without their versions."""

from collections.abc import Collection

from tandem.messenger.projects.models import Trigger


def projects_of(account_id: int, trigger_ids: Collection[int]) -> frozenset[int]:
    """The projects of these triggers."""
    rows = Trigger.objects.filter(account_id=account_id, pk__in=trigger_ids)
    return frozenset(rows.values_list("project_id", flat=True))


def senders_of(account_id: int, trigger_ids: Collection[int]) -> frozenset[str]:
    """Whom messages of these triggers come from, as limits of pace name it: domains of addresses, and SMS senders."""
    rows = Trigger.objects.filter(account_id=account_id, pk__in=trigger_ids)
    found = rows.values_list("project__from_address", "project__sms_sender")
    return frozenset(said.rpartition("@")[2].lower() for pair in found for said in pair if said)
