"""Event 11: a customer met a trigger at the planner. Kept once, checked, and made a sending of one message at once."""

import hashlib
import logging
import re

from django.db import connection, transaction
from django.db.models import F

from tandem.contract.events import TriggeredEvent
from tandem.kit.clock import Clock
from tandem.kit.problems import Problem
from tandem.messenger.delivery import ledger
from tandem.messenger.delivery.domain import Channel, PlannedTemplate, SendingKind
from tandem.messenger.listener.domain import REAL_TIME_CUT_OFF, SAME_WORDS, InboxState, Receipt
from tandem.messenger.listener.errors import EventNotUsable
from tandem.messenger.listener.models import ChannelBinding, TriggeredInbox
from tandem.messenger.projects import service as projects

log = logging.getLogger("tandem.listener")
TEST_CUSTOMER = "TEST"
_LOCK = 7261003
_KEY = re.compile(r"[A-Za-z0-9_{}:.-]{0,100}")


def keep(account_id: int, event: TriggeredEvent, message_id: str, body: bytes, clock: Clock) -> Receipt:
    """Inbox row, sending and its one ledger row, in the caller's transaction. The same event again changes nothing.

    message_id: the call's own id (header `webhook-id`), the same over retries; empty from planners that sign nothing.
    """
    if event.template_id == 0 and event.customer_id == TEST_CUSTOMER:
        return Receipt(status=200, words="A test was heard. Nothing is sent.")
    key = _key_of(account_id, event, message_id, body, clock)
    known = TriggeredInbox.objects.filter(account_id=account_id, key=key)
    if known.update(times_received=F("times_received") + 1):
        return Receipt(status=200, words="Heard before. Nothing changes.")
    try:
        with transaction.atomic():
            sending_id: int | None = _open(account_id, event, key, clock)
        state, words = InboxState.TAKEN, "Accepted."
    except Problem as problem:
        sending_id, state = None, InboxState.REFUSED
        words = f"Refused: {problem.detail} Nothing is sent."
        log.warning("listener.triggered.refused %s", problem.title)
    TriggeredInbox.objects.create(
        account_id=account_id,
        key=key,
        campaign_key=event.campaign_id,
        channel_id=event.channel_id,
        template_id=event.template_id,
        state=state.value,
        problem="" if sending_id else words[:500],
        received_at=clock.system(),
        sending_id=sending_id,
    )
    return Receipt(status=200, words=words)


def _key_of(account_id: int, event: TriggeredEvent, message_id: str, body: bytes, clock: Clock) -> str:
    """What tells this event from others; one call at a time looks, so that two never find nothing."""
    named = event.event_id or message_id
    text = f"id {named}" if named else f"words {hashlib.sha256(body).hexdigest()}"
    key = hashlib.sha256(text.encode()).hexdigest()[:48]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, f"{account_id}:{key}"])
    if named:
        return key
    since = clock.system() - SAME_WORDS
    alike = TriggeredInbox.objects.filter(account_id=account_id, key__startswith=key, received_at__gt=since)
    last = alike.order_by("-id").values_list("key", flat=True).first()
    return last or f"{key}:{int(clock.system().timestamp())}"


def _open(account_id: int, event: TriggeredEvent, key: str, clock: Clock) -> int:
    if not _KEY.fullmatch(event.campaign_id):
        raise EventNotUsable("The campaignID holds characters that no id has.")
    binding = ChannelBinding.objects.filter(account_id=account_id, channel_id=event.channel_id).first()
    if binding is None:
        raise EventNotUsable(f"Channel {event.channel_id} is not of this account.")
    target = projects.send_target(account_id, event.template_id)
    if target.channel != binding.kind:
        raise EventNotUsable(
            f"Template {event.template_id} is for {target.channel}, the channel for {binding.kind}."
        )
    planned = PlannedTemplate(
        template_id=event.template_id,
        version_id=target.version_id,
        list_id=target.list_id,
        due_at=clock.business(),
        ignore_opt_out=target.ignore_opt_out,
    )
    return ledger.open_sending(
        account_id,
        source_key=f"realtime:{key}",
        channel=Channel(binding.kind),
        templates=[planned],
        rows=[(event.customer_id, event.template_id)],
        clock=clock,
        kind=SendingKind.REAL_TIME.value,
        name="Real-time message",
        channel_id=event.channel_id,
        cut_off=REAL_TIME_CUT_OFF,
        campaign_key=event.campaign_id,
        values={"promocode": ", ".join(event.promo_codes)} if event.promo_codes else None,
    )
