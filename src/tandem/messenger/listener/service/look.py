"""What the listener page and the command line show."""

from django.db.models import Q

from tandem.kit.clock import Clock
from tandem.messenger.accounts import service as accounts
from tandem.messenger.listener.domain import (
    CancellationView,
    InboxView,
    ListenerCallView,
    ListenerView,
    OldUrl,
)
from tandem.messenger.listener.errors import NotConnected
from tandem.messenger.listener.models import Cancellation, ChannelBinding, Inbox, ListenerCall, ListenerUrl
from tandem.messenger.listener.service.connect import planner_connection
from tandem.messenger.listener.service.register import address_of, listener_url, view_of


def overview(account_id: int, *, clock: Clock) -> ListenerView:
    """The account's listener as a whole."""
    try:
        connection = planner_connection(account_id)
    except NotConnected:
        connection = None
    bindings = ChannelBinding.objects.filter(account_id=account_id).order_by("channel_id")
    old = ListenerUrl.objects.filter(Q(valid_until__gt=clock.system()), account_id=account_id).order_by("-id")
    calls = ListenerCall.objects.filter(account_id=account_id).order_by("-id")[:50]
    return ListenerView(
        connection=connection,
        bindings=tuple(view_of(binding) for binding in bindings),
        url=listener_url(account_id, clock=clock),
        old_urls=tuple(
            OldUrl(url=address_of(row), valid_until=row.valid_until) for row in old if row.valid_until
        ),
        calls=tuple(_call(row) for row in calls),
        inbox=tuple(inbox(account_id)),
        cancellations=tuple(cancellations(account_id)),
    )


def inbox(account_id: int, limit: int = 50) -> list[InboxView]:
    """The campaigns the listener heard of, newest first."""
    rows = Inbox.objects.filter(account_id=account_id).order_by("-id")[:limit]
    names = InboxView.__dataclass_fields__
    return [InboxView(**{name: getattr(row, name) for name in names}) for row in rows]


def cancellations(account_id: int, limit: int = 50) -> list[CancellationView]:
    """The campaigns that the planner may have cancelled, newest first."""
    rows = Cancellation.objects.filter(account_id=account_id).order_by("-id")[:limit]
    names = CancellationView.__dataclass_fields__
    return [CancellationView(**{name: getattr(row, name) for name in names}) for row in rows]


def find_account(chosen: str | int | None) -> int:
    """The id of the account a command names; the only one if it names none."""
    return accounts.find_account(chosen).id


def _call(row: ListenerCall) -> ListenerCallView:
    names = ListenerCallView.__dataclass_fields__
    return ListenerCallView(**{name: getattr(row, name) for name in names})
