"""Subscriptions: added, changed, removed, tried; their secrets are shown once."""

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import orjson
from django.db import transaction
from django.db.models import Count

from tandem.kit import webhooks as standard
from tandem.kit.clock import Clock
from tandem.kit.secrets import new_token
from tandem.messenger.accounts.models import Account
from tandem.messenger.webhooks.domain import (
    FAILURES,
    OVERLAP,
    SIGNED_SECONDS,
    VENDOR_SECONDS,
    Auth,
    CallState,
    Event,
    EventType,
    Heard,
    SubscriptionView,
    Way,
    body,
)
from tandem.messenger.webhooks.errors import BadSubscription, UnknownSubscription
from tandem.messenger.webhooks.models import Call, Subscription
from tandem.messenger.webhooks.service.calling import switch_off
from tandem.messenger.webhooks.service.posting import endpoint_of, post, seal

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OURS = frozenset({"host", "content-type", "content-length", "connection", "transfer-encoding", "user-agent"})
_SECONDS = {Way.VENDOR: VENDOR_SECONDS, Way.SIGNED: SIGNED_SECONDS}
BY_HAND = "Switched off by hand."


def add(
    account_id: int,
    *,
    url: str,
    events: Sequence[str],
    way: str = Way.VENDOR,
    project_id: int | None = None,
    auth: str = Auth.NONE,
    auth_name: str = "",
    auth_secret: str = "",
    clock: Clock,
) -> tuple[SubscriptionView, str]:
    """A new subscription and, if it signs, its secret, which is shown here and never again. Raises BadSubscription."""
    if way not in set(Way):
        raise BadSubscription(f"There is no way {way!r}.", "Use vendor or signed.", field="way")
    values = check_endpoint(account_id, url, auth, auth_name, auth_secret, known="")
    secret = standard.new_secret() if way == Way.SIGNED else ""
    row = Subscription.objects.create(
        account_id=account_id,
        project_id=project_id,
        events=_events(events),
        way=way,
        seconds=_SECONDS[Way(way)],
        secret_sealed=seal(account_id, "webhook secret", secret),
        created_at=clock.system(),
        **values,
    )
    return _view(row), secret


@transaction.atomic
def change(
    account_id: int,
    subscription_id: int,
    *,
    url: str | None = None,
    events: Sequence[str] | None = None,
    auth: str | None = None,
    auth_name: str | None = None,
    auth_secret: str = "",
    enabled: bool | None = None,
    clock: Clock,
) -> SubscriptionView:
    """Change what is given; an empty secret keeps the stored one. Raises UnknownSubscription, BadSubscription."""
    row = row_of(account_id, subscription_id, lock=True)
    values = check_endpoint(
        account_id,
        row.url if url is None else url,
        row.auth if auth is None else auth,
        row.auth_name if auth_name is None else auth_name,
        auth_secret,
        known=row.auth_sealed if auth in (None, row.auth) else "",
    )
    for name, value in values.items():
        setattr(row, name, value)
    if events is not None:
        row.events = _events(events)
    if enabled is False and row.enabled:
        switch_off(row, BY_HAND)
    elif enabled:
        row.enabled, row.problem = True, ""
        row.failures, row.failing_since, row.open_until, row.wait_until = 0, None, None, None
    row.save()
    return _view(row)


def remove(account_id: int, subscription_id: int) -> None:
    """Take it away with all its calls. Raises UnknownSubscription."""
    row_of(account_id, subscription_id).delete()


@transaction.atomic
def rotate(account_id: int, subscription_id: int, *, clock: Clock) -> str:
    """A new secret, shown here and never again; for a day the old one signs too. Raises BadSubscription."""
    row = row_of(account_id, subscription_id, lock=True)
    if row.way != Way.SIGNED:
        raise BadSubscription(
            "This webhook goes the vendor's way and is not signed.", "Make one that is signed."
        )
    secret = standard.new_secret()
    row.old_secret_sealed, row.secret_sealed = row.secret_sealed, seal(account_id, "webhook secret", secret)
    row.rotated_until = clock.system() + OVERLAP
    row.save(update_fields=["old_secret_sealed", "secret_sealed", "rotated_until"])
    return secret


def try_out(account_id: int, subscription_id: int, *, clock: Clock) -> Heard:
    """Call it now with an example of its first type, told nobody else and kept nowhere. Raises UnknownSubscription."""
    row = row_of(account_id, subscription_id)
    zone = ZoneInfo(Account.objects.values_list("zone", flat=True).get(pk=account_id))
    document = example(EventType(row.events[0]), clock.business(), zone)
    return post(
        endpoint_of(row),
        orjson.dumps(document),
        message_id=f"test_{new_token(12)}",
        seconds=row.seconds,
        now=clock.system(),
    )


def example(event_type: EventType, at: datetime, zone: ZoneInfo) -> dict[str, object]:
    """A body as an event of the type has it, with nobody's data and eventId 0."""
    more = {"linkTarget": "https://shop.example/"} if event_type is EventType.LINK_CLICKED else {}
    event = Event(
        at=at,
        list_id=0,
        list_name="Test",
        contact="test",
        contact_id=0,
        version_id=0,
        campaign="Test event",
        project_id=0,
        project="Test",
        sent_at=at,
        channel="EMAIL",
        more={**more, "test": True},
    )
    return body(event_type, 0, event, zone)


def list_all(account_id: int) -> list[SubscriptionView]:
    """The account's webhooks, with how much waits and how much failed."""
    counts = _counts(account_id)
    rows = Subscription.objects.filter(account_id=account_id).order_by("id")
    return [_view(row, *counts.get(row.pk, (0, 0))) for row in rows]


def get(account_id: int, subscription_id: int) -> SubscriptionView:
    """One of them. Raises UnknownSubscription."""
    row = row_of(account_id, subscription_id)
    return _view(row, *_counts(account_id, subscription_id=row.pk).get(row.pk, (0, 0)))


def _counts(account_id: int, **only: int) -> dict[int, tuple[int, int]]:
    """Subscription -> (calls that wait, calls that failed); by the two partial indexes, not by all calls."""
    found: dict[int, dict[bool, int]] = defaultdict(dict)
    for states in ([CallState.WAITING, CallState.FIRED], FAILURES):
        rows = Call.objects.filter(account_id=account_id, state__in=states, **only)
        for id_, number in rows.values_list("subscription_id").annotate(number=Count("pk")).order_by():
            found[id_][states is FAILURES] = number
    return {id_: (numbers.get(False, 0), numbers.get(True, 0)) for id_, numbers in found.items()}


def check_endpoint(
    account_id: int, url: str, auth: str, auth_name: str, auth_secret: str, *, known: str
) -> dict[str, Any]:
    """The columns of an address and its sign-in, the secret sealed. known: the sealed one that is kept for none."""
    url = url.strip()
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right or len(url) > 1000 or any(ord(char) <= 32 or ord(char) == 127 for char in url):
        raise BadSubscription(
            "The address cannot be called.", "Give an address like https://host/path.", field="url"
        )
    if "@" in parts.netloc:
        raise BadSubscription(
            "The address holds a user name or a password.", "Enter them in their own fields.", field="url"
        )
    return {"url": url, **_auth(account_id, auth, auth_name.strip(), auth_secret, known)}


def _auth(account_id: int, auth: str, name: str, secret: str, known: str) -> dict[str, Any]:
    if auth not in set(Auth):
        raise BadSubscription(f"There is no sign-in {auth!r}.", "Use none, basic or header.", field="auth")
    if auth == Auth.NONE:
        return {"auth": auth, "auth_name": "", "auth_sealed": ""}
    if not secret and not known:
        raise BadSubscription("The password or token is missing.", "Enter it.", field="auth_secret")
    if any(not char.isprintable() or ord(char) > 255 for char in name + secret) or len(secret) > 2000:
        raise BadSubscription(
            "The sign-in holds a character that a header cannot.", "Use plain letters.", field="auth_secret"
        )
    if auth == Auth.BASIC and (not name or ":" in name or len(name) > 200):
        raise BadSubscription(
            "The user name is missing or has a colon.", "Enter it without.", field="auth_name"
        )
    ours = name.lower() in _OURS or name.lower().startswith("webhook-")
    if auth == Auth.HEADER and (ours or not _HEADER.fullmatch(name)):
        raise BadSubscription(
            "The header's name cannot be used.", "Use one like X-Api-Key.", field="auth_name"
        )
    return {
        "auth": auth,
        "auth_name": name,
        "auth_sealed": seal(account_id, "webhook password", secret) if secret else known,
    }


def _events(events: Sequence[str]) -> list[str]:
    known = [one.value for one in EventType if one.value in events]
    for said in events:
        if said not in known:
            raise BadSubscription(
                f"There is no event type {said!r}.", f"Use {', '.join(EventType)}.", field="events"
            )
    if not known:
        raise BadSubscription("Choose at least one event type.", field="events")
    return known


def row_of(account_id: int, subscription_id: int, *, lock: bool = False) -> Subscription:
    """The stored subscription. Raises UnknownSubscription."""
    rows = Subscription.objects.filter(account_id=account_id, pk=subscription_id)
    row = (rows.select_for_update() if lock else rows).first()
    if row is None:
        raise UnknownSubscription(
            f"There is no webhook {subscription_id} in this account.", "List them to see their ids."
        )
    return row


def _view(row: Subscription, waiting: int = 0, failed: int = 0) -> SubscriptionView:
    same = {
        name: getattr(row, name)
        for name in SubscriptionView.__dataclass_fields__
        if name not in ("events", "way", "auth", "waiting", "failed")
    }
    return SubscriptionView(
        **same,
        events=tuple(EventType(one) for one in row.events),
        way=Way(row.way),
        auth=Auth(row.auth),
        waiting=waiting,
        failed=failed,
    )
