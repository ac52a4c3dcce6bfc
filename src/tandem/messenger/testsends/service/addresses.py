"""The allow list: an administrator adds an address, whoever reads there gives the code back."""

import hashlib
import hmac
import secrets
import uuid

from django.conf import settings
from django.db import transaction

from tandem.kit.clock import Clock
from tandem.messenger.accounts import service as accounts
from tandem.messenger.contacts import keys
from tandem.messenger.contacts.domain import email_address, mobile_number
from tandem.messenger.delivery.domain import Channel
from tandem.messenger.testsends.domain import (
    CODE_HOLDS,
    CODES_PER_HOUR,
    HOUR,
    MOST_TRIES,
    AddressView,
    Fate,
    Line,
)
from tandem.messenger.testsends.errors import BadAddress, NotVerified, TooManyTests, UnknownAddress, WrongCode
from tandem.messenger.testsends.models import AllowedAddress, SentTest
from tandem.messenger.testsends.service import composing, handing


def add_address(account_id: int, text: str, *, actor: str, clock: Clock) -> tuple[AddressView, Line]:
    """Add an address or number and send its code there. One that is there already gets a new code.

    Raises BadAddress, TooManyTests, BadTest.
    """
    channel, address = channel_of(text)
    composing.sender_of(account_id, channel)
    row, _ = AllowedAddress.objects.get_or_create(
        account_id=account_id,
        channel=channel.value,
        key=key_of(account_id, channel, address),
        defaults={"address": address, "added_by": actor, "added_at": clock.system()},
    )
    if row.verified_at is not None:
        raise BadAddress(f"{row.address} is verified already.", "Nothing is left to do.", field="address")
    accounts.record(account_id, actor=actor, action="test address added", subject=str(row.pk), clock=clock)
    line = send_code(account_id, row.pk, actor=actor, clock=clock)
    return _view(_row(account_id, row.pk)), line


def send_code(account_id: int, address_id: int, *, actor: str, clock: Clock) -> Line:
    """Send a new code; the one before holds no more. Raises UnknownAddress, BadAddress, TooManyTests."""
    code, now = f"{secrets.randbelow(1_000_000):06}", clock.system()
    with transaction.atomic():
        row = _row(account_id, address_id, lock=True)
        if row.verified_at is not None:
            raise BadAddress(f"{row.address} is verified already.", field="address")
        sent = SentTest.objects.filter(account_id=account_id, kind="code", at__gt=now - HOUR).count()
        if sent >= CODES_PER_HOUR:
            raise TooManyTests(f"{CODES_PER_HOUR} codes were sent within an hour.", "Wait a while.")
        kept = SentTest.objects.create(
            account_id=account_id, run=uuid.uuid4().hex, kind="code", channel=row.channel, key=row.key,
            fate=Fate.WAITING, actor=actor, at=now,
        )  # fmt: skip
        row.code_hash, row.code_at, row.tries = _hash(account_id, row.pk, code), now, 0
        row.save(update_fields=["code_hash", "code_at", "tries"])
    channel = Channel(row.channel)
    letter = composing.code_letter(account_id, kept.pk, channel, row.address, code, clock.business())
    handing.hand_over(account_id, channel, [letter], clock=clock)
    kept.refresh_from_db()
    return Line(
        id=kept.pk, channel=row.channel, to=row.address, fate=Fate(kept.fate), answer=kept.answer, note="",
        done_at=kept.done_at,
    )  # fmt: skip


def verify_address(account_id: int, address_id: int, code: str, *, actor: str, clock: Clock) -> AddressView:
    """The code came back: tests may go there. Raises UnknownAddress, WrongCode."""
    problem = None
    with transaction.atomic():
        row = _row(account_id, address_id, lock=True)
        if row.verified_at is not None:
            return _view(row)
        problem = _wrong(account_id, row, code.strip(), clock)
        if problem is None:
            row.verified_at, row.code_hash = clock.system(), ""
        row.save(update_fields=["verified_at", "code_hash", "tries"])
    if problem is not None:
        raise problem
    accounts.record(account_id, actor=actor, action="test address verified", subject=str(row.pk), clock=clock)
    return _view(row)


def remove_address(account_id: int, address_id: int, *, actor: str, clock: Clock) -> None:
    """Take an address off the list; the record of tests keeps its hash. Raises UnknownAddress."""
    row = _row(account_id, address_id)
    row.delete()
    accounts.record(
        account_id, actor=actor, action="test address removed", subject=str(address_id), clock=clock
    )


def list_addresses(
    account_id: int, *, channel: str = "", verified_only: bool = False
) -> tuple[AddressView, ...]:
    """The allow list, by channel and address."""
    rows = AllowedAddress.objects.filter(account_id=account_id)
    if channel:
        rows = rows.filter(channel=channel)
    if verified_only:
        rows = rows.filter(verified_at__isnull=False)
    return tuple(_view(row) for row in rows.order_by("channel", "address"))


def verified_number(account_id: int, text: str) -> str:
    """The number, if it is on the list and verified. Raises BadAddress, NotVerified."""
    channel, address = channel_of(text)
    known = {one.address for one in list_addresses(account_id, channel=Channel.SMS, verified_only=True)}
    if channel is not Channel.SMS or address not in known:
        raise NotVerified(
            f"{address} is no verified test number.", "Add it in the settings and give its code back."
        )
    return address


def channel_of(text: str) -> tuple[Channel, str]:
    """An email address or an international number, in its stored form. Raises BadAddress."""
    text = text.strip()
    if "@" in text:
        address = email_address(text)
        if address:
            return Channel.EMAIL, address
    else:
        number, is_whole = mobile_number(text)
        if is_whole:
            return Channel.SMS, number
    raise BadAddress(
        f"{text[:100]!r} is no address.",
        "Write an email address, or a number with its country such as +46701234567.",
        field="address",
    )


def key_of(account_id: int, channel: Channel, address: str) -> str:
    """The keyed hash of an address."""
    if channel is Channel.SMS:
        return keys.mobile_key(account_id, address)
    return keys.email_key(account_id, address)


def _wrong(account_id: int, row: AllowedAddress, code: str, clock: Clock) -> WrongCode | None:
    again = "Send a new code."
    if not row.code_hash or row.code_at is None or clock.system() - row.code_at > CODE_HOLDS:
        return WrongCode("This code is too old.", again, field="code")
    if row.tries >= MOST_TRIES:
        return WrongCode(f"{MOST_TRIES} wrong codes were given.", again, field="code")
    if not hmac.compare_digest(row.code_hash, _hash(account_id, row.pk, code)):
        row.tries += 1
        return WrongCode("This is not the code that was sent.", "Look at the newest message.", field="code")
    return None


def _hash(account_id: int, address_id: int, code: str) -> str:
    said = f"{account_id}:{address_id}:{code}".encode()
    return hmac.digest(settings.SECRET_KEY.encode(), b"test address " + said, hashlib.sha256).hex()


def _row(account_id: int, address_id: int, *, lock: bool = False) -> AllowedAddress:
    rows = AllowedAddress.objects.filter(account_id=account_id, pk=address_id)
    row = (rows.select_for_update() if lock else rows).first()
    if row is None:
        raise UnknownAddress("There is no such test address.", "List them to see those there are.")
    return row


def _view(row: AllowedAddress) -> AddressView:
    return AddressView(
        id=row.pk, channel=row.channel, address=row.address, verified_at=row.verified_at,
        code_sent_at=row.code_at, added_by=row.added_by, added_at=row.added_at,
    )  # fmt: skip
