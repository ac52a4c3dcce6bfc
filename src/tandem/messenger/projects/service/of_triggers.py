"""Small looks at triggers for rooms above, without their versions."""

from collections.abc import Collection

from tandem.messenger.projects.models import Trigger


def projects_of(account_id: int, trigger_ids: Collection[int]) -> frozenset[int]:
    """The projects of these triggers."""
    rows = Trigger.objects.filter(account_id=account_id, pk__in=trigger_ids)
    return frozenset(rows.values_list("project_id", flat=True))
