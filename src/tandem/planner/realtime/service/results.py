"""What the messenger reports of real-time messages, and how long events are kept."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import F

from tandem.kit.clock import Clock
from tandem.planner.realtime.domain import KEPT
from tandem.planner.realtime.errors import NoSuchRealTimeCampaign
from tandem.planner.realtime.models import IncomingEvent, RealTimeCampaign, RealTimeTotal


def knows(account_id: int, key: object) -> bool:
    """Whether a CampaignID as it came is the key of a real-time campaign here."""
    return _campaign(account_id, key) is not None


def add_results(account_id: int, rows: Iterable[tuple[str, int, int]], *, clock: Clock) -> None:
    """Add (key, metric, value) to the sums, in the caller's transaction. Raises NoSuchRealTimeCampaign."""
    now = clock.business()
    for key, metric, value in rows:
        campaign = _campaign(account_id, key)
        if campaign is None:
            raise NoSuchRealTimeCampaign("There is no real-time campaign of this key.")
        total, _ = RealTimeTotal.objects.get_or_create(
            account_id=account_id, campaign=campaign, metric_id=metric, defaults={"updated_at": now}
        )
        RealTimeTotal.objects.filter(account_id=account_id, pk=total.pk).update(
            total=F("total") + value, updated_at=now
        )


def drop_old_events(*, clock: Clock) -> int:
    """Events older than 90 days go, with the rows of whom they triggered; how many rows went."""
    # all accounts: the tick works for every account
    gone, _ = IncomingEvent.objects.filter(received_at__lt=clock.system() - KEPT).delete()
    return gone


def _campaign(account_id: int, key: object) -> RealTimeCampaign | None:
    try:
        wanted = UUID(str(key))
    except ValueError:
        return None
    return RealTimeCampaign.objects.filter(account_id=account_id, key=wanted).first()
