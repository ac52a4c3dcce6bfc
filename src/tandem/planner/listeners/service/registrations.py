"""Who is told."""

from urllib.parse import unquote_plus, urlsplit

from django.conf import settings
from django.db import transaction

from tandem.kit.clock import Clock
from tandem.kit.webhooks import new_secret
from tandem.planner.accounts.service import record
from tandem.planner.listeners.domain import CHANNEL_TYPES, DELIVERED_TYPES, Listener
from tandem.planner.listeners.errors import ListenerRefused
from tandem.planner.listeners.models import Registration
from tandem.planner.listeners.service.enqueue import tell_newcomer


def register(
    account_id: int,
    *,
    event_type: int,
    channel_id: int | None,
    url: str,
    actor: str = "system",
    clock: Clock,
) -> Listener:
    """Tell this address from now on; the same event type and channel again replaces the address.

    What happened before and may still be told is told to it too. Raises ListenerRefused.
    """
    address = _address(url)
    _check_type(event_type, channel_id)
    with transaction.atomic():
        row, _ = Registration.objects.select_for_update().get_or_create(
            account_id=account_id,
            event_type=event_type,
            channel_id=channel_id,
            defaults={"url": address, "secret": "", "registered_at": clock.system()},
        )
        if not row.secret:
            row.secret = settings.TANDEM_VAULT.seal(new_secret(), where=_where(row))
        row.url, row.is_active, row.disabled_reason, row.failing_since = address, True, "", None
        row.registered_at = clock.system()
        row.save()
        tell_newcomer(row, clock=clock)
        record(
            account_id, actor=actor, action="listener.registered",
            subject=f"event {event_type}, channel {channel_id}", detail={"host": urlsplit(address).hostname},
            clock=clock,
        )  # fmt: skip
    return _view(row)


def unregister(
    account_id: int, *, event_type: int, channel_id: int | None, actor: str = "system", clock: Clock
) -> int:
    """Tell it no more; without a channel every registration of the type goes. Returns how many went."""
    with transaction.atomic():
        mine = Registration.objects.filter(account_id=account_id, event_type=event_type)
        if channel_id is not None:
            mine = mine.filter(channel_id=channel_id)
        gone = mine.count()
        mine.delete()
        if gone:
            subject = f"event {event_type}, channel {channel_id}"
            record(account_id, actor=actor, action="listener.unregistered", subject=subject, clock=clock)
    return gone


def listeners(account_id: int) -> tuple[Listener, ...]:
    """All registrations, disabled ones too."""
    found = Registration.objects.filter(account_id=account_id).order_by("event_type", "channel_id", "pk")
    return tuple(_view(row) for row in found)


def secret_of(row: Registration) -> str:
    """The secret that signs calls to this listener."""
    return str(settings.TANDEM_VAULT.open(row.secret, where=_where(row)))


def _where(row: Registration) -> str:
    return f"{row.account_id}:listener {row.pk}"


def _address(url: str) -> str:
    text = url.strip()
    if text[:9].lower().startswith(("http%3a", "https%3a")):
        text = unquote_plus(text)
    if any(ord(char) <= 32 or ord(char) == 127 for char in text) or len(text) > 2000:
        raise ListenerRefused(
            "The address holds spaces or is too long.", "Give an address like https://host/path."
        )
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError as error:
        raise ListenerRefused(
            "The address cannot be read.", "Give an address like https://host/path."
        ) from error
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ListenerRefused(
            "The address is not a plain http or https address.", "Give an address like https://host/path."
        )
    return text


def _check_type(event_type: int, channel_id: int | None) -> None:
    if event_type not in DELIVERED_TYPES | {5, 11}:
        raise ListenerRefused(f"There is no event type {event_type}.")
    if channel_id is not None and event_type not in CHANNEL_TYPES | {4, 11}:
        raise ListenerRefused(
            f"Event type {event_type} is not registered per channel.", "Leave the channel out."
        )


def _view(row: Registration) -> Listener:
    return Listener(
        id=row.pk,
        event_type=row.event_type,
        channel_id=row.channel_id,
        url=row.url,
        is_active=row.is_active,
        disabled_reason=row.disabled_reason,
        registered_at=row.registered_at,
        last_call=row.last_call,
        last_answer=row.last_answer,
    )
