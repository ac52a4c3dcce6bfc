"""Setting a gateway up, its secret and its doors; rules of SMS; what call-backs are kept as."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from tandem.kit.clock import Clock
from tandem.kit.secrets import new_token, token_hash
from tandem.messenger.accounts import service as accounts
from tandem.messenger.gateways.domain import GatewayView, Profile, Setup, sender_kind
from tandem.messenger.gateways.errors import GatewayWrong, NoGateway, UnknownDoor
from tandem.messenger.gateways.models import Gateway
from tandem.messenger.gateways.profiles import elks, template, twilio
from tandem.messenger.gateways.smpp import options as smpp_options

_OWN_URLS = {Profile.TWILIO: twilio.URL, Profile.ELKS: elks.URL}
_COUNTRY = re.compile(r"[A-Z]{2}")


def set_gateway(
    account_id: int,
    *,
    profile: str,
    url: str = "",
    user: str = "",
    secret: str = "",
    options: Mapping[str, Any] | None = None,
    senders: Mapping[str, str] | None = None,
    default_sender: str = "",
    actor: str,
    clock: Clock,
) -> GatewayView:
    """Keep where SMS are handed over; an empty secret keeps the stored one of the same profile. Raises GatewayWrong."""
    kind = _profile(profile)
    known = Gateway.objects.filter(account_id=account_id).first()
    options, senders = dict(options or {}), dict(senders or {})
    _check(kind, url.strip(), options, senders, default_sender)
    same = known is not None and known.profile == kind.value
    values: dict[str, Any] = {
        "profile": kind.value, "url": url.strip().rstrip("/"), "user": user.strip(), "options": options,
        "senders": senders, "default_sender": default_sender, "active": True,
        "changed_at": clock.system(), "last_problem": "",
        "secret_sealed": known.secret_sealed if known is not None and same else "",
    }  # fmt: skip
    if secret:
        values["secret_sealed"] = settings.TANDEM_VAULT.seal(secret, f"{account_id}:sms gateway secret")
    if not values["secret_sealed"] and kind is not Profile.TEMPLATE:
        raise GatewayWrong(
            "The gateway's password or token is missing.", "Enter it; it is not shown again.", field="secret"
        )
    if known is None:
        values |= _new_door(account_id)
    Gateway.objects.update_or_create(account_id=account_id, defaults=values)
    accounts.record(account_id, actor=actor, action="SMS gateway set", subject=kind.value, clock=clock)
    return gateway(account_id)


def close_gateway(account_id: int, *, actor: str, clock: Clock) -> GatewayView:
    """Hand nothing over any more: SMS leave by file again. Its call-backs are still taken. Raises NoGateway."""
    if not Gateway.objects.filter(account_id=account_id).update(active=False, changed_at=clock.system()):
        raise NoGateway("This account has no SMS gateway.", "Set one up first.")
    accounts.record(account_id, actor=actor, action="SMS gateway closed", subject="", clock=clock)
    return gateway(account_id)


def gateway(account_id: int) -> GatewayView:
    """The gateway. Raises NoGateway."""
    row = _row(account_id)
    door = _door(row)
    return GatewayView(
        profile=Profile(row.profile),
        url=row.url or _OWN_URLS.get(Profile(row.profile), ""),
        user=row.user,
        has_secret=bool(row.secret_sealed),
        options=row.options,
        senders=row.senders,
        default_sender=row.default_sender,
        active=row.active,
        receipt_url=f"{door}/receipt",
        incoming_url=f"{door}/incoming",
        changed_at=row.changed_at,
        last_problem=row.last_problem,
    )


def setup_of(account_id: int) -> Setup | None:
    """What a call needs, its secret too; None if SMS of the account leave by file."""
    row = Gateway.objects.filter(account_id=account_id, active=True).first()
    return _setup(row) if row is not None else None


def setup_behind(door: str) -> Setup:
    """The gateway whose call-backs come in at this door, active or not. Raises UnknownDoor."""
    # all accounts: the token names the gateway
    row = Gateway.objects.filter(door_hash=token_hash(door)).first()
    if row is None:
        raise UnknownDoor("There is nothing at this address.")
    return _setup(row)


def listening() -> dict[int, Setup]:
    """Account -> every SMPP gateway that sends us receipts and messages."""
    # all accounts: one process listens for all
    rows = Gateway.objects.filter(profile=Profile.SMPP.value, active=True)
    return {row.account_id: _setup(row) for row in rows if row.options.get("receive", True)}


def has_gateway(account_id: int) -> bool:
    """Whether SMS of the account go to a gateway."""
    return Gateway.objects.filter(account_id=account_id, active=True).exists()


def is_known(account_id: int) -> bool:
    """Whether the account has, or had, a gateway."""
    return Gateway.objects.filter(account_id=account_id).exists()


def note_problem(account_id: int, words: str) -> None:
    """What keeps the gateway from taking messages; '' = nothing any more."""
    rows = Gateway.objects.filter(account_id=account_id)
    rows.exclude(last_problem=words[:300]).update(last_problem=words[:300])


def active() -> list[tuple[int, str, str]]:
    """(account, profile, what is wrong with its gateway) of every account that has one. For the doctor."""
    # all accounts: the doctor looks at all
    rows = Gateway.objects.filter(active=True).order_by("account_id")
    return list(rows.values_list("account_id", "profile", "last_problem"))


def _profile(name: str) -> Profile:
    try:
        return Profile(name)
    except ValueError:
        raise GatewayWrong(
            f"There is no profile {name!r}.", f"Use one of {', '.join(Profile)}.", field="profile"
        ) from None


def _check(
    kind: Profile, url: str, options: dict[str, Any], senders: dict[str, str], default_sender: str
) -> None:
    if kind is Profile.SMPP:
        _checked(lambda: smpp_options.read(url, options), "url")
    else:
        _check_url(kind, url, options)
    if kind is Profile.TEMPLATE:
        _checked(lambda: template.check(options), "options")
    elif kind is not Profile.SMPP and options:
        raise GatewayWrong(
            f"The profile {kind} has no options.", "Leave them out, or use template.", field="options"
        )
    for country, sender in senders.items():
        if not _COUNTRY.fullmatch(country):
            raise GatewayWrong(
                f"{country!r} is no country code.", "Write two capital letters, such as SE.", field="senders"
            )
        _checked(lambda sender=sender: sender_kind(sender), "senders")
    if default_sender:
        _checked(lambda: sender_kind(default_sender), "default_sender")


def _check_url(kind: Profile, url: str, options: dict[str, Any]) -> None:
    said = url or str(options.get("url", ""))
    if not said and kind is Profile.TEMPLATE:
        raise GatewayWrong(
            "The gateway's address is missing.", "Give an address like https://host/path.", field="url"
        )
    parts = urlsplit(said)
    if said and (parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc):
        raise GatewayWrong(
            "The gateway's address cannot be used.", "Give an address like https://host/path.", field="url"
        )


def _checked(check: Any, field: str) -> None:
    try:
        check()
    except ValueError as wrong:
        raise GatewayWrong(str(wrong), "Change it.", field=field) from None


def _row(account_id: int) -> Gateway:
    row = Gateway.objects.filter(account_id=account_id).first()
    if row is None:
        raise NoGateway(
            "This account has no SMS gateway; its SMS leave by file.", "Set one up in the settings."
        )
    return row


def _new_door(account_id: int) -> dict[str, str]:
    token = new_token()
    sealed = settings.TANDEM_VAULT.seal(token, f"{account_id}:sms gateway door")
    return {"door_hash": token_hash(token), "door_sealed": sealed}


def _door(row: Gateway) -> str:
    token = settings.TANDEM_VAULT.open(row.door_sealed, f"{row.account_id}:sms gateway door")
    return f"{settings.TANDEM_PUBLIC_URL}/sms/{token}"


def _setup(row: Gateway) -> Setup:
    secret = row.secret_sealed and settings.TANDEM_VAULT.open(
        row.secret_sealed, f"{row.account_id}:sms gateway secret"
    )
    return Setup(
        account_id=row.account_id,
        profile=Profile(row.profile),
        url=row.url,
        user=row.user,
        secret=secret,
        options=row.options,
        senders=row.senders,
        default_sender=row.default_sender,
        callback_url=_door(row),
    )
