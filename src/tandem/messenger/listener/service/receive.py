"""The door's work: an event is kept and answered; what it says is only a hint to go and look."""

from django.db import transaction
from django.db.models import F

from tandem.contract import events
from tandem.contract.reading import ContractBroken
from tandem.kit import secrets
from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.messenger.listener.domain import (
    EVENT_CAMPAIGN_CANCELLED,
    EVENT_CAMPAIGN_EXECUTED,
    InboxState,
    Receipt,
)
from tandem.messenger.listener.errors import UnknownListener
from tandem.messenger.listener.models import ChannelBinding, Inbox, ListenerCall, ListenerUrl
from tandem.messenger.listener.service import cancelled, triggered

#: what a test event names
NO_CAMPAIGN = 0


def receive_event(secret: str, body: bytes, *, message_id: str = "", clock: Clock) -> Receipt:
    """Keep the event of this address. The answer is 200 only after the commit.

    message_id: the header `webhook-id`, where the planner sends one.

    Raises UnknownListener. Duplicates change nothing; a channel of another account is noted as refused.
    """
    account_id = _account_of(secret, clock)
    failpoint("m1")
    try:
        event = events.parse_any(body)
    except ContractBroken as broken:
        receipt = Receipt(status=400, words=f"This is not an event: {broken}")
        _note(account_id, None, receipt, clock)
        return receipt
    with transaction.atomic():
        if isinstance(event, events.TriggeredEvent):
            receipt = triggered.keep(account_id, event, message_id[:100], body, clock)
        else:
            receipt = _keep(account_id, event, clock)
        _note(account_id, event, receipt, clock)
    failpoint("m2")
    return receipt


def hear(account_id: int, campaign_id: int, channel_id: int, source: str, clock: Clock) -> bool:
    """Put a campaign into the inbox; False if it was there."""
    now = clock.system()
    _, created = Inbox.objects.get_or_create(
        account_id=account_id,
        campaign_id=campaign_id,
        channel_id=channel_id,
        defaults={
            "source": source,
            "received_at": now,
            "next_try_at": now,
            "state": InboxState.WAITING.value,
        },
    )
    return created


def _keep(account_id: int, event: events.CampaignEvent, clock: Clock) -> Receipt:
    if event.event_type == EVENT_CAMPAIGN_CANCELLED and event.campaign_id is not None:
        return _keep_cancelled(account_id, event.campaign_id, clock)
    if event.event_type != EVENT_CAMPAIGN_EXECUTED or event.campaign_id is None:
        return Receipt(status=200, words=f"Event {event.event_type} is not used here.")
    bound = ChannelBinding.objects.filter(account_id=account_id)
    channels = [event.channel_id] if event.channel_id is not None else [b.channel_id for b in bound]
    known = {binding.channel_id for binding in bound}
    words = []
    for channel_id in channels:
        if channel_id not in known:
            words.append(f"Refused: channel {channel_id} is not of this account. Nothing is sent.")
        elif hear(account_id, event.campaign_id, channel_id, "event", clock):
            words.append("Accepted.")
            _wake()
        else:
            _count_again(account_id, event.campaign_id, channel_id)
            words.append("Heard before. Nothing changes.")
    return Receipt(status=200, words=" ".join(words) or "No channel is bound. Nothing is sent.")


def _keep_cancelled(account_id: int, campaign_id: int, clock: Clock) -> Receipt:
    """The event says nothing but to go and ask; each one is asked about, for others may be cancelled since."""
    from tandem.messenger.listener.tasks import defer_look

    if campaign_id == NO_CAMPAIGN:
        return Receipt(status=200, words="A test was heard. Nothing changes.")
    first = cancelled.hear(account_id, campaign_id, "event", clock)
    defer_look()
    return Receipt(status=200, words="Accepted." if first else "Heard before. The planner is asked again.")


def _count_again(account_id: int, campaign_id: int, channel_id: int) -> None:
    Inbox.objects.filter(account_id=account_id, campaign_id=campaign_id, channel_id=channel_id).update(
        times_received=F("times_received") + 1
    )


def _wake() -> None:
    """A job in the same transaction; should it be lost, the tick finds the inbox row."""
    from tandem.messenger.listener.tasks import defer_fetch

    defer_fetch()


def _note(
    account_id: int,
    event: events.CampaignEvent | events.TriggeredEvent | None,
    receipt: Receipt,
    clock: Clock,
) -> None:
    ListenerCall.objects.create(
        account_id=account_id,
        at=clock.system(),
        event_type=event.event_type if event else None,
        campaign_id=event.campaign_id if isinstance(event, events.CampaignEvent) else None,
        channel_id=event.channel_id if event else None,
        answer=receipt.status,
        words=receipt.words[:300],
    )


def _account_of(secret: str, clock: Clock) -> int:
    # all accounts: the secret names the account
    row = ListenerUrl.objects.filter(secret_hash=secrets.token_hash(secret)).first()
    if row is None or (row.valid_until is not None and row.valid_until <= clock.system()):
        raise UnknownListener("There is nothing at this address.")
    return row.account_id
