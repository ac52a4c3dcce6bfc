"""Connecting an account to its planner and to the planner's channel ids."""

import weakref
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from tandem.clients import profile
from tandem.clients.planner import PlannerClient
from tandem.clients.profile import Profile
from tandem.kit.http import Http
from tandem.messenger.delivery.domain import Channel
from tandem.messenger.listener.domain import POLL_SECONDS, ConnectionView, Hears
from tandem.messenger.listener.errors import ConnectionWrong, NotConnected
from tandem.messenger.listener.models import ChannelBinding, PlannerConnection

_clients: dict[int, tuple[tuple[object, ...], PlannerClient]] = {}


def connect_planner(
    account_id: int,
    *,
    planner_url: str,
    zone: str,
    user: str = "",
    password: str = "",
    api_key: str = "",
    overlap_seconds: int | None = None,
    hears: str | None = None,
    poll_seconds: int | None = None,
) -> ConnectionView:
    """Keep where the planner is; an empty secret, and None, keep what is stored. Raises ConnectionWrong."""
    known = PlannerConnection.objects.filter(account_id=account_id).first()
    _check_url(planner_url)
    _check_zone(zone)
    values: dict[str, object] = {"planner_url": planner_url.rstrip("/"), "zone": zone, "user": user}
    if password:
        values["password_sealed"] = settings.TANDEM_VAULT.seal(password, f"{account_id}:planner password")
    if api_key:
        values["api_key_sealed"] = settings.TANDEM_VAULT.seal(api_key, f"{account_id}:planner api key")
    if overlap_seconds is not None:
        values["overlap_seconds"] = overlap_seconds
    values |= _hearing(hears, poll_seconds)
    has_secret = values.get("api_key_sealed") or (known and known.api_key_sealed)
    if not has_secret and not (user and (password or (known and known.password_sealed))):
        raise ConnectionWrong(
            "Neither an API key nor a user name with its password was given.",
            "Enter one of the two; the planner's administrator makes them.",
        )
    with transaction.atomic():
        PlannerConnection.objects.update_or_create(account_id=account_id, defaults=values)
    return planner_connection(account_id)


def planner_connection(account_id: int) -> ConnectionView:
    """The way to the planner. Raises NotConnected."""
    row = connection_row(account_id)
    return ConnectionView(
        planner_url=row.planner_url,
        user=row.user,
        has_password=bool(row.password_sealed),
        has_api_key=bool(row.api_key_sealed),
        zone=row.zone,
        overlap_seconds=row.overlap_seconds,
        last_poll_at=row.last_poll_at,
        last_problem=row.last_problem,
        hears=row.hears,
        poll_seconds=row.poll_seconds,
        profile=row.profile,
        data_of=row.data_of,
    )


def connection_row(account_id: int) -> PlannerConnection:
    """The stored connection. Raises NotConnected."""
    row = PlannerConnection.objects.filter(account_id=account_id).first()
    if row is None:
        raise NotConnected(
            "This account does not know its planner yet.",
            "Enter the planner's address and credentials first.",
        )
    return row


def bind_channel(account_id: int, channel_id: int, kind: str) -> None:
    """Send for a channel id of the planner. Raises ConnectionWrong."""
    if kind not in set(Channel):
        raise ConnectionWrong(f"{kind} is no kind of channel.", "Use email or sms.")
    ChannelBinding.objects.update_or_create(
        account_id=account_id, channel_id=channel_id, defaults={"kind": kind}
    )


def unbind_channel(account_id: int, channel_id: int) -> None:
    """Send no longer for a channel id."""
    ChannelBinding.objects.filter(account_id=account_id, channel_id=channel_id).delete()


def set_profile(account_id: int, text: str) -> Profile:
    """Keep how the account's planner differs; empty = not at all. Raises ProfileWrong, NotConnected."""
    text = text.replace("\r\n", "\n").strip()
    found = profile.parse(text)
    connection_row(account_id)
    PlannerConnection.objects.filter(account_id=account_id).update(profile=text, next_poll_at=None)
    return found


def client_of(account_id: int) -> PlannerClient:
    """A client of the account's planner; the same while nothing changes, so that its token is kept.

    Raises NotConnected.
    """
    row = connection_row(account_id)
    allowed = tuple(settings.TANDEM_ALLOW_PRIVATE)
    mark = (row.planner_url, row.user, row.password_sealed, row.api_key_sealed, row.profile, allowed)
    known = _clients.get(account_id)
    if known is None or known[0] != mark:
        known = _clients[account_id] = (mark, _made(account_id, row))
    return known[1]


def _made(account_id: int, row: PlannerConnection) -> PlannerClient:
    vault = settings.TANDEM_VAULT
    password = (
        vault.open(row.password_sealed, f"{account_id}:planner password") if row.password_sealed else ""
    )
    api_key = vault.open(row.api_key_sealed, f"{account_id}:planner api key") if row.api_key_sealed else ""
    http = Http(allow_private=settings.TANDEM_ALLOW_PRIVATE)
    client = PlannerClient(
        row.planner_url,
        user=row.user,
        password=password,
        api_key=api_key,
        http=http,
        profile=profile.parse(row.profile),
    )
    weakref.finalize(client, http.close)  # when nobody has it any more, and at the end of the process
    return client


def _hearing(hears: str | None, poll_seconds: int | None) -> dict[str, object]:
    values: dict[str, object] = {}
    if hears:
        if hears not in set(Hears):
            raise ConnectionWrong(f"{hears!r} is no way to hear of campaigns.", "Use events or polling.")
        values["hears"] = hears
    if poll_seconds is not None:
        least, most = POLL_SECONDS
        if not least <= poll_seconds <= most:
            raise ConnectionWrong(
                f"The planner cannot be asked every {poll_seconds} seconds.", f"Enter {least} to {most}."
            )
        values |= {"poll_seconds": poll_seconds, "next_poll_at": None}
    return values


def _check_url(planner_url: str) -> None:
    parts = urlsplit(planner_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise ConnectionWrong(
            f"{planner_url!r} is not the address of a planner.", "Enter it as https://planner.example.com."
        )


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise ConnectionWrong(
            f"{zone!r} is no time zone.", "Use an IANA name such as Europe/Stockholm."
        ) from None
