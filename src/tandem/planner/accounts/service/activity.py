"""The record of who did what."""

from typing import Any

from tandem.kit.clock import Clock
from tandem.planner.accounts.domain import ActivityView
from tandem.planner.accounts.models import Activity


def record(
    account_id: int,
    *,
    actor: str,
    action: str,
    subject: str,
    detail: dict[str, Any] | None = None,
    clock: Clock,
) -> None:
    """Add an entry, in the caller's transaction. action: `object.verb`; no secrets, no addresses."""
    Activity.objects.create(
        account_id=account_id,
        at=clock.system(),
        actor=actor[:200],
        action=action[:60],
        subject=subject[:200],
        detail=detail or {},
    )


def recent_activity(account_id: int, limit: int = 100) -> tuple[ActivityView, ...]:
    """The newest entries, newest first."""
    found = Activity.objects.filter(account_id=account_id).order_by("-at", "-id")[:limit]
    return tuple(
        ActivityView(at=row.at, actor=row.actor, action=row.action, subject=row.subject, detail=row.detail)
        for row in found
    )
