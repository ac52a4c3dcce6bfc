"""What was told to whom; failures, and telling them again; what is kept no longer."""

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.messenger.webhooks.domain import FAILURES, KEPT, KEPT_HEARD, CallState, CallView, EventType, Way
from tandem.messenger.webhooks.errors import NotReplayed
from tandem.messenger.webhooks.models import Call, Event
from tandem.messenger.webhooks.service.subscriptions import row_of

_AT_ONCE = 20_000


def latest(account_id: int, subscription_id: int, limit: int = 50) -> list[CallView]:
    """The newest events of a subscription, whatever became of them. Raises UnknownSubscription."""
    row_of(account_id, subscription_id)
    rows = Call.objects.filter(account_id=account_id, subscription_id=subscription_id)
    return [_view(row) for row in rows.select_related("event").order_by("-event_id")[:limit]]


def failures(account_id: int, subscription_id: int, *, before: int = 0, limit: int = 100) -> list[CallView]:
    """Events that were not acknowledged, the newest first, from below event `before`. Raises UnknownSubscription."""
    row_of(account_id, subscription_id)
    rows = Call.objects.filter(account_id=account_id, subscription_id=subscription_id, state__in=FAILURES)
    if before:
        rows = rows.filter(event_id__lt=before)
    return [_view(row) for row in rows.select_related("event").order_by("-event_id")[:limit]]


@transaction.atomic
def replay(
    account_id: int, subscription_id: int, first: int, last: int | None = None, *, clock: Clock
) -> int:
    """Tell a failed event again, or all from `first` to `last`, under their old ids; how many.

    Raises UnknownSubscription, NotReplayed.
    """
    row = row_of(account_id, subscription_id, lock=True)
    if row.way == Way.VENDOR:
        raise NotReplayed(
            "The vendor's way tells an event once and never again.",
            "Make a signed webhook, which tells again what failed.",
        )
    if not row.enabled:
        raise NotReplayed("This webhook is switched off.", "Switch it on first.")
    failed = Call.objects.filter(
        account_id=account_id,
        subscription_id=subscription_id,
        state__in=FAILURES,
        event_id__gte=first,
        event_id__lte=first if last is None else last,
    )
    again = failed.update(state=CallState.WAITING, tries=0, next_at=clock.system())
    if not again:
        raise NotReplayed("No failed event has such a number.", "Look at the list of failures.")
    return again


def forget(account_id: int, contact: str) -> int:
    """Delete every event about a customer, told or not; how many."""
    deleted, _ = Event.objects.filter(account_id=account_id, contact=contact).delete()
    return deleted


def clear_old(*, clock: Clock) -> int:
    """Delete events that everyone has acknowledged three days ago, and all after thirty days; how many rows."""
    now = clock.system()
    # all accounts: one rule for every account
    unheard = Call.objects.exclude(state=CallState.HEARD).filter(event__made_at__lt=now - KEPT_HEARD)
    kept = unheard.filter(event__made_at__gte=now - KEPT).values("event_id")
    # all accounts: one rule for every account
    old = Event.objects.filter(made_at__lt=now - KEPT_HEARD).exclude(pk__in=kept).order_by("id")
    ids = list(old.values_list("pk", flat=True)[:_AT_ONCE])
    # all accounts: one rule for every account
    Call.objects.filter(event_id__in=ids).delete()
    # all accounts: one rule for every account
    deleted, _ = Event.objects.filter(pk__in=ids).delete()
    return deleted


def _view(row: Call) -> CallView:
    return CallView(
        event_id=row.event_id,
        subscription_id=row.subscription_id,
        event_type=EventType(row.event.event_type),
        state=CallState(row.state),
        tries=row.tries,
        status=row.status,
        words=row.words,
        made_at=row.event.made_at,
        called_at=row.called_at,
        next_at=row.next_at if row.state == CallState.WAITING else None,
        contact=row.event.contact or "",
    )
