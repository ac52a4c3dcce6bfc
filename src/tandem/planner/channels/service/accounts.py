"""Keep accounts at a messenger: five fields, two channel ids, secrets sealed."""

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.db.models.deletion import ProtectedError
from django.db.utils import IntegrityError

from tandem.clients import profile as profiles
from tandem.clients.messenger import MessengerClient, checked_url
from tandem.clients.profile import MESSENGER, Profile
from tandem.kit.http import Http
from tandem.planner.channels.domain import (
    CHANNEL_STEP,
    FIRST_EMAIL_CHANNEL,
    FIRST_SMS_CHANNEL,
    ChannelAccountView,
    ChannelKind,
)
from tandem.planner.channels.errors import (
    ChannelTaken,
    NoMessenger,
    NoSuchChannelAccount,
    SettingsWrong,
    StillUsed,
)
from tandem.planner.channels.models import Channel, ChannelAccount

_clients: dict[tuple[str, ...], Http] = {}


def add_account(
    account_id: int,
    *,
    name: str,
    api_url: str,
    customer_id: str,
    user_name: str = "",
    password: str = "",
    token: str = "",
    email_channel_id: int | None = None,
    sms_channel_id: int | None = None,
    list_id: int | None = None,
    profile: str = "",
) -> ChannelAccountView:
    """Save a connection. Without channel ids the next free pair is taken.

    Raises SettingsWrong, ChannelTaken, ProfileWrong, Refused (the address).
    """
    url = _checked(name, api_url, customer_id, user_name, password, token)
    differs = checked_profile(profile)
    with transaction.atomic():
        email, sms = _channel_ids(account_id, email_channel_id, sms_channel_id)
        if ChannelAccount.objects.filter(account_id=account_id, name=name.strip()).exists():
            raise ChannelTaken(
                f"There is already an account called {name.strip()}.", "Choose another name.", field="name"
            )
        row = ChannelAccount.objects.create(
            account_id=account_id,
            name=name.strip(),
            api_url=url,
            customer_id=str(customer_id).strip(),
            user_name=user_name.strip(),
            password_sealed=_seal(account_id, "password", password),
            token_sealed=_seal(account_id, "token", token),
            list_id=list_id,
            profile=differs,
        )
        _set_channels(account_id, row.pk, email, sms)
    return get_account(account_id, row.pk)


def update_account(
    account_id: int,
    channel_account_id: int,
    *,
    name: str,
    api_url: str,
    customer_id: str,
    user_name: str = "",
    password: str = "",
    token: str = "",
    email_channel_id: int | None = None,
    sms_channel_id: int | None = None,
    list_id: int | None = None,
    profile: str | None = None,
    forget_token: bool = False,
) -> ChannelAccountView:
    """Change a connection; an empty secret keeps the saved one, a channel id, list or profile of None too.

    forget_token: user name and password sign in from now on.
    """
    with transaction.atomic():
        row = row_of(account_id, channel_account_id, lock=True)
        if row.pushed:
            raise NoMessenger(f"{row.name} has no messenger to connect.", "Connect one under another name.")
        if forget_token:
            row.token_sealed = ""
        known = (password or row.password_sealed, token or row.token_sealed)
        row.api_url = _checked(name, api_url, customer_id, user_name, *known)
        others = ChannelAccount.objects.filter(account_id=account_id, name=name.strip()).exclude(pk=row.pk)
        if others.exists():
            raise ChannelTaken(
                f"There is already an account called {name.strip()}.", "Choose another name.", field="name"
            )
        row.name, row.customer_id, row.user_name = name.strip(), str(customer_id).strip(), user_name.strip()
        row.password_sealed = _seal(account_id, "password", password) or row.password_sealed
        row.token_sealed = _seal(account_id, "token", token) or row.token_sealed
        row.list_id = row.list_id if list_id is None else list_id
        row.profile = row.profile if profile is None else checked_profile(profile)
        row.check_ok = row.checked_at = None
        row.save()
        if email_channel_id is not None or sms_channel_id is not None:
            view = get_account(account_id, row.pk)
            email = email_channel_id or view.email_channel_id
            _set_channels(account_id, row.pk, email, sms_channel_id or view.sms_channel_id)
    return get_account(account_id, row.pk)


def set_profile(account_id: int, channel_account_id: int | None, text: str) -> ChannelAccountView:
    """Keep how the account's messenger differs; empty = not at all. Raises ProfileWrong, NoMessenger."""
    differs = checked_profile(text)
    row = row_of(account_id, channel_account_id)
    if row.pushed:
        raise NoMessenger(f"{row.name} has no messenger to differ.", "Connect one under another name.")
    rows = ChannelAccount.objects.filter(account_id=account_id, pk=row.pk)
    rows.update(profile=differs, check_ok=None, checked_at=None)
    return get_account(account_id, row.pk)


def checked_profile(text: str) -> str:
    """The text as it is kept. Raises ProfileWrong, which names what is wrong."""
    text = text.replace("\r\n", "\n").strip()
    profiles.parse(text, MESSENGER)
    return text


def remove_account(account_id: int, channel_account_id: int) -> None:
    """Forget a connection and what was read over it. Raises StillUsed if campaigns refer to it."""
    row = row_of(account_id, channel_account_id)
    try:
        with transaction.atomic():
            row.delete()
    except (ProtectedError, IntegrityError) as error:
        raise StillUsed(f"Campaigns use the account {row.name}.", "Keep it, or change its fields.") from error


def list_accounts(account_id: int) -> tuple[ChannelAccountView, ...]:
    """All connections by name, then the channels without a messenger."""
    rows = list(ChannelAccount.objects.filter(account_id=account_id).order_by("pushed", "name"))
    channels = _channels_by_account(account_id)
    return tuple(_view(row, channels.get(row.pk, {})) for row in rows)


def get_account(account_id: int, channel_account_id: int | None) -> ChannelAccountView:
    """One connection; None = the only one."""
    row = row_of(account_id, channel_account_id)
    return _view(row, _channels_by_account(account_id).get(row.pk, {}))


def account_of_channel(account_id: int, channel_id: int) -> tuple[ChannelAccountView, ChannelKind]:
    """The connection that a channel id of the wire belongs to. Raises NoSuchChannelAccount."""
    found = Channel.objects.filter(account_id=account_id, channel_id=channel_id).first()
    if found is None:
        raise NoSuchChannelAccount(f"There is no channel {channel_id}.", "See `tandem account list`.")
    return get_account(account_id, found.channel_account_id), ChannelKind(found.kind)


def row_of(account_id: int, channel_account_id: int | None, *, lock: bool = False) -> ChannelAccount:
    """The row of a connection, within this room only."""
    rows = ChannelAccount.objects.filter(account_id=account_id)
    rows = rows.select_for_update() if lock else rows
    if channel_account_id is not None:
        row = rows.filter(pk=channel_account_id).first()
        if row is None:
            raise NoSuchChannelAccount(
                f"There is no account {channel_account_id} at a messenger.", "See `tandem account list`."
            )
        return row
    found = list(rows.filter(pushed=False).order_by("pk")[:2])
    if not found:
        raise NoSuchChannelAccount("No messenger is connected yet.", "Connect one with `tandem account add`.")
    if len(found) > 1:
        raise SettingsWrong(
            "There are several accounts at messengers.", "Say which.", field="channel_account"
        )
    return found[0]


def client_of(account_id: int, row: ChannelAccount, *, patience: float = 0) -> MessengerClient:
    """A client with the saved secrets and profile, within this room only. Raises NoMessenger.

    patience: seconds it may wait in all where the messenger asks to.
    """
    if row.pushed:
        raise NoMessenger(
            f"{row.name} has no messenger: its templates are pushed by a program.",
            "Ask the program that serves the channel.",
        )
    return client(
        row.api_url,
        row.customer_id,
        row.user_name,
        _open(account_id, "password", row.password_sealed),
        _open(account_id, "token", row.token_sealed),
        profile=profiles.parse(row.profile, MESSENGER),
        patience=patience,
    )


def client(
    api_url: str,
    customer_id: str,
    user_name: str,
    password: str,
    token: str,
    *,
    profile: Profile = MESSENGER,
    patience: float = 0,
) -> MessengerClient:
    """A client for the five fields and a profile, over this process's one guarded caller."""
    allowed = tuple(settings.TANDEM_ALLOW_PRIVATE)
    http = _clients.get(allowed)
    if http is None:
        http = _clients[allowed] = Http(allow_private=allowed)
    return MessengerClient(
        api_url, customer_id, user_name, password, token, http, profile=profile, patience=patience
    )


def _checked(name: str, api_url: str, customer_id: str, user_name: str, password: str, token: str) -> str:
    if not name.strip():
        raise SettingsWrong("The account has no name.", "Give it a name, such as your brand.", field="name")
    if not str(customer_id).strip():
        raise SettingsWrong(
            "The Symplify customer ID is missing.", "Symplify gives it to you.", field="customer_id"
        )
    if not token and not (user_name.strip() and password):
        raise SettingsWrong(
            "There is neither an API token nor a user name with a password.",
            "Give the token, or the user name and its password; one of the two is enough.",
            field="token",
        )
    return checked_url(api_url)


def _channel_ids(account_id: int, email: int | None, sms: int | None) -> tuple[int, int]:
    highest = Channel.objects.filter(account_id=account_id, kind=ChannelKind.EMAIL).aggregate(
        top=Max("channel_id")
    )
    first = FIRST_EMAIL_CHANNEL if highest["top"] is None else highest["top"] + CHANNEL_STEP
    return email or first, sms or first + FIRST_SMS_CHANNEL - FIRST_EMAIL_CHANNEL


def _set_channels(account_id: int, channel_account_id: int, email: int, sms: int) -> None:
    others = Channel.objects.filter(account_id=account_id).exclude(channel_account_id=channel_account_id)
    taken = set(others.filter(channel_id__in=[email, sms]).values_list("channel_id", flat=True))
    for field, number in (("email_channel_id", email), ("sms_channel_id", sms)):
        if number in taken:
            raise ChannelTaken(
                f"Channel {number} belongs to another account.", "Choose another number.", field=field
            )
    if email == sms:
        raise ChannelTaken("Email and SMS need different channel ids.", "Change one.", field="sms_channel_id")
    for kind, number in ((ChannelKind.EMAIL, email), (ChannelKind.SMS, sms)):
        row, _ = Channel.objects.get_or_create(
            account_id=account_id,
            channel_account_id=channel_account_id,
            kind=kind,
            defaults={"channel_id": number},
        )
        if row.channel_id != number:
            _renumber(row, number)


def _renumber(row: Channel, number: int) -> None:
    old, row.channel_id = row.channel_id, number
    try:
        with transaction.atomic():
            row.save(update_fields=["channel_id"])
    except IntegrityError as error:
        raise StillUsed(f"Campaigns use channel {old}.", "Keep its number.") from error


def _channels_by_account(account_id: int) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    for row in Channel.objects.filter(account_id=account_id):
        found.setdefault(row.channel_account_id, {})[row.kind] = row.channel_id
    return found


def _view(row: ChannelAccount, channels: dict[str, int]) -> ChannelAccountView:
    return ChannelAccountView(
        id=row.pk,
        name=row.name,
        api_url=row.api_url,
        customer_id=row.customer_id,
        user_name=row.user_name,
        has_password=bool(row.password_sealed),
        has_token=bool(row.token_sealed),
        email_channel_id=channels.get(ChannelKind.EMAIL, 0),
        sms_channel_id=channels.get(ChannelKind.SMS, 0),
        list_id=row.list_id,
        checked_at=row.checked_at,
        check_ok=row.check_ok,
        templates_read_at=row.templates_read_at,
        consent_read_at=row.consent_read_at,
        pushed=row.pushed,
        profile=row.profile,
    )


def _seal(account_id: int, field: str, secret: str) -> str:
    return settings.TANDEM_VAULT.seal(secret, where=f"{account_id}:channel {field}") if secret else ""


def _open(account_id: int, field: str, record: str) -> str:
    return settings.TANDEM_VAULT.open(record, where=f"{account_id}:channel {field}") if record else ""
