"""Delete a target group that nothing refers to."""

from django.db import transaction
from django.db.models.deletion import ProtectedError

from tandem.kit.clock import Clock
from tandem.planner.accounts import service as accounts
from tandem.planner.targeting.errors import GroupInUse
from tandem.planner.targeting.models import TargetGroup
from tandem.planner.targeting.service.groups import get_group


def delete_group(account_id: int, group_id: int, *, actor: str, clock: Clock) -> None:
    """Delete it with its earlier versions. Raises GroupNotFound, GroupInUse."""
    view = get_group(account_id, group_id)
    try:
        with transaction.atomic():
            TargetGroup.objects.filter(account_id=account_id, id=group_id).delete()
            accounts.record(account_id, actor=actor, action="group.deleted", subject=view.name, clock=clock)
    except ProtectedError:
        raise GroupInUse(
            f"Campaigns refer to {view.name}.", "It stays, so that their lists can be explained."
        ) from None
