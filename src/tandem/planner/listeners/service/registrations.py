"""Who is told."""

from datetime import datetime, timedelta
from urllib.parse import unquote_plus, urlsplit

from django.conf import settings
from django.db import transaction

from tandem.kit.clock import Clock
from tandem.kit.webhooks import new_secret
from tandem.planner.accounts.service import record
from tandem.planner.listeners.domain import CHANNEL_TYPES, EVENT_NAMES, SECRET_OVERLAP, Listener, NewSecret
from tandem.planner.listeners.errors import ListenerRefused, ListenerUnknown
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
        row.url, row.is_active, row.disabled_reason = address, True, ""
        row.failing_since = row.quiet_until = None
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


def unregister_listener(account_id: int, listener_id: int, *, actor: str, clock: Clock) -> None:
    """The same for one registration. Raises ListenerUnknown."""
    with transaction.atomic():
        row = registration_of(account_id, listener_id, lock=True)
        subject = f"event {row.event_type}, channel {row.channel_id}"
        row.delete()
        record(account_id, actor=actor, action="listener.unregistered", subject=subject, clock=clock)


def rotate_secret(
    account_id: int, listener_id: int, *, overlap: timedelta = SECRET_OVERLAP, actor: str, clock: Clock
) -> NewSecret:
    """A new signing secret, shown this once; calls are signed with the one before too until the overlap ends.

    Raises ListenerUnknown.
    """
    now, secret = clock.system(), new_secret()
    with transaction.atomic():
        row = registration_of(account_id, listener_id, lock=True)
        keeps = bool(overlap) and row.secret_made_at is not None  # nobody knows one that was never shown
        row.old_secret, row.old_secret_until = (row.secret, now + overlap) if keeps else ("", None)
        row.secret = settings.TANDEM_VAULT.seal(secret, where=_where(row))
        row.secret_made_at = now
        row.save(update_fields=["secret", "secret_made_at", "old_secret", "old_secret_until"])
        subject = f"event {row.event_type}, channel {row.channel_id}"
        record(account_id, actor=actor, action="listener.secret_changed", subject=subject, clock=clock)
    return NewSecret(listener_id=row.pk, secret=secret, old_until=row.old_secret_until)


def registration_of(account_id: int, listener_id: int, *, lock: bool = False) -> Registration:
    """The row, within this room only. Raises ListenerUnknown."""
    rows = Registration.objects.filter(account_id=account_id, pk=listener_id)
    row = (rows.select_for_update() if lock else rows).first()
    if row is None:
        raise ListenerUnknown(f"There is no listener {listener_id}.", "See `tandem listeners list`.")
    return row


def secret_of(row: Registration) -> str:
    """The secret that signs calls to this listener."""
    return str(settings.TANDEM_VAULT.open(row.secret, where=_where(row)))


def secrets_of(row: Registration, now: datetime) -> tuple[str, ...]:
    """All secrets that sign now, the newest first."""
    if not row.old_secret or row.old_secret_until is None or row.old_secret_until <= now:
        return (secret_of(row),)
    return secret_of(row), str(settings.TANDEM_VAULT.open(row.old_secret, where=_where(row)))


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
    if event_type not in EVENT_NAMES:
        known = ", ".join(map(str, EVENT_NAMES))
        raise ListenerRefused(f"There is no event type {event_type}.", f"Choose one of {known}.")
    if channel_id is not None and event_type not in CHANNEL_TYPES:
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
        secret_made_at=row.secret_made_at,
        old_secret_until=row.old_secret_until,
    )
