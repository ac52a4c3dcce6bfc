"""A test: named, verified addresses only; no list, no segment, no row of a ledger, no number anywhere."""

import hashlib
import hmac
import uuid
from collections.abc import Sequence

import orjson
from django.conf import settings
from django.db import connection, transaction

from tandem.kit.clock import Clock
from tandem.kit.problems import Problem
from tandem.messenger.accounts import service as accounts
from tandem.messenger.contacts import queries as contact_queries
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.keys import customer_key
from tandem.messenger.delivery.domain import Channel, Message
from tandem.messenger.projects import service as projects
from tandem.messenger.projects.compiled import Compiled
from tandem.messenger.projects.domain import TriggerView
from tandem.messenger.testsends.domain import (
    HOUR,
    LONGEST_KEY,
    MOST_AT_ONCE,
    MOST_PER_HOUR,
    NOTES,
    Fate,
    TestSend,
    Wish,
)
from tandem.messenger.testsends.errors import BadTest, KeyUsedOtherwise, NotVerified, TooManyTests
from tandem.messenger.testsends.models import AllowedAddress, SentTest
from tandem.messenger.testsends.service import composing, handing
from tandem.messenger.testsends.service.addresses import channel_of, key_of
from tandem.messenger.testsends.service.reading import show

_LOCK = 7261011


def send_test(account_id: int, wish: Wish, *, actor: str, clock: Clock) -> TestSend:
    """Send a version, active or draft, to verified addresses as one contact would get it.

    Under the same key nothing is sent twice. Raises UnknownTrigger, TemplateWrong, UnknownContact, BadTest,
    NotVerified, TooManyTests, KeyUsedOtherwise.
    """
    trigger = projects.get_trigger(account_id, wish.trigger_id)
    compiled = projects.compiled_or_draft(account_id, wish.trigger_id, wish.version_id)
    values = contacts.values_of(account_id, trigger.list_id, wish.original_id) if wish.original_id else {}
    given = {name.lower(): value for name, value in values.items()}
    targets = _targets(account_id, Channel(trigger.channel), wish.to)
    key = _key(wish.key)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, account_id % 2**31])
        if _is_known(account_id, key, wish):
            return show(account_id, key, repeated=True, clock=clock)
        rows = _keep(account_id, wish, key, trigger, targets, actor, clock)
    subject = f"{wish.trigger_id}/{wish.version_id}, {len(rows)}"
    accounts.record(account_id, actor=actor, action="test sent", subject=subject, clock=clock)
    _hand_over(account_id, trigger, compiled, given, rows, targets, clock)
    return show(account_id, key, clock=clock)


def _targets(account_id: int, channel: Channel, to: Sequence[str]) -> dict[str, str]:
    """Keyed hash -> address, each once, all verified. Raises BadTest, NotVerified."""
    if len(to) > MOST_AT_ONCE:
        raise BadTest(f"A test goes to at most {MOST_AT_ONCE} addresses.", "Choose fewer.", field="to")
    found: dict[str, str] = {}
    for text in to:
        its_channel, address = channel_of(text)
        if its_channel is not channel:
            words = {Channel.EMAIL: "an email", Channel.SMS: "an SMS"}[channel]
            raise BadTest(f"{address} cannot get {words}, and this template is one.", field="to")
        found[key_of(account_id, channel, address)] = address
    if not found:
        raise BadTest("The test names no address.", "Choose at least one verified address.", field="to")
    rows = AllowedAddress.objects.filter(
        account_id=account_id, channel=channel.value, key__in=found, verified_at__isnull=False
    )
    verified = set(rows.values_list("key", flat=True))
    strange = [address for key, address in found.items() if key not in verified]
    if strange:
        raise NotVerified(
            f"{', '.join(strange)}: tests go only to verified addresses.",
            "An administrator of the messenger's account adds it in its settings.",
            field="to",
        )
    return found


def _key(said: str) -> str:
    if len(said) > LONGEST_KEY or not said.isprintable():
        raise BadTest(f"The key is longer than {LONGEST_KEY} characters, or not plain text.")
    return said or uuid.uuid4().hex


def _is_known(account_id: int, key: str, wish: Wish) -> bool:
    row = SentTest.objects.filter(account_id=account_id, run=key).first()
    if row is not None and not hmac.compare_digest(row.digest, _digest(wish)):
        raise KeyUsedOtherwise("Another test was asked for under this key.", "Open the page again.")
    return row is not None


def _digest(wish: Wish) -> str:
    """Keyed, so that nobody finds addresses by trying."""
    said = orjson.dumps([wish.trigger_id, wish.version_id, sorted(wish.to), wish.original_id])
    return hmac.digest(settings.SECRET_KEY.encode(), b"test " + said, hashlib.sha256).hex()


def _keep(
    account_id: int,
    wish: Wish,
    key: str,
    trigger: TriggerView,
    targets: dict[str, str],
    actor: str,
    clock: Clock,
) -> list[SentTest]:
    """The rows, before anything leaves. Raises TooManyTests."""
    now = clock.system()
    before = SentTest.objects.filter(account_id=account_id, kind="test", at__gt=now - HOUR).count()
    if before + len(targets) > MOST_PER_HOUR:
        raise TooManyTests(
            f"{before} tests were sent within an hour; {MOST_PER_HOUR} may be.", "Wait a while."
        )
    why = contact_queries.refused_addresses(
        account_id, str(trigger.channel), trigger.list_id, list(targets), now=now
    )
    rows = [
        SentTest(
            account_id=account_id, run=key, kind="test", channel=str(trigger.channel), key=target,
            customer_key=customer_key(account_id, wish.original_id) if wish.original_id else "",
            trigger_id=wish.trigger_id, version_id=wish.version_id, digest=_digest(wish), fate=Fate.WAITING,
            note=NOTES.get(why.get(target, ""), ""), actor=actor, at=now,
        )
        for target in targets
    ]  # fmt: skip
    return SentTest.objects.bulk_create(rows)


def _hand_over(
    account_id: int,
    trigger: TriggerView,
    compiled: Compiled,
    given: dict[str, str],
    rows: Sequence[SentTest],
    targets: dict[str, str],
    clock: Clock,
) -> None:
    letters: list[Message] = []
    for row in rows:
        try:
            letters.append(
                composing.letter(account_id, row.pk, compiled, given, targets[row.key], clock.business())
            )
        except Problem as problem:
            words = f"{problem.detail} {problem.advice}".strip()
            handing.record(account_id, handing.Answered(row.pk, Fate.NOT_SENT, words), clock=clock)
    handing.hand_over(account_id, Channel(trigger.channel), letters, clock=clock)
