"""Automatic answers to keywords: at most one of a kind per number and day, at most once each.

An answer stands in its own ledger, as campaigns do in theirs: its intent is committed before it leaves, and one whose
outcome nobody heard is not sent again. A STOP is confirmed although the number is suppressed by then.
"""

import asyncio
import logging
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction

from tandem.kit.clock import Clock
from tandem.kit.zones import business_day
from tandem.messenger.accounts import service as accounts
from tandem.messenger.contacts.keys import mobile_key
from tandem.messenger.delivery.domain import AttemptState, Channel, Message, Outcome
from tandem.messenger.delivery.errors import OutboundStopped
from tandem.messenger.delivery.providers import choose
from tandem.messenger.delivery.providers.sms import SmsWay
from tandem.messenger.gateways import rules
from tandem.messenger.sms.domain import AnswerState, AnswerView, Keyword, default_text
from tandem.messenger.sms.models import SmsAnswer

log = logging.getLogger("tandem.sms")
AT_ONCE = 50
SECONDS = 20.0
#: an answer that could not leave for so long says nothing any more
GIVE_UP_AFTER = timedelta(hours=1)
_AGAIN = timedelta(seconds=60)
#: after so long a process that intended an answer is gone
_ORPHANED = timedelta(minutes=15)
_STATES = {
    AttemptState.ACCEPTED: AnswerState.SENT,
    AttemptState.REJECTED: AnswerState.REFUSED,
    AttemptState.UNCERTAIN: AnswerState.UNCERTAIN,
}
_CLAIM = """
UPDATE messenger_sms_smsanswer SET state = 'handing over', tries = tries + 1, next_at = %(orphan)s
WHERE id IN (SELECT id FROM messenger_sms_smsanswer WHERE state = 'waiting' AND next_at <= %(now)s
             ORDER BY next_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING id
"""


def make(account_id: int, number: str, keyword: Keyword, *, sender: str, clock: Clock) -> bool:
    """Queue the answer to a keyword; False if there was one today, or the account wants none."""
    chosen = rules.rules(account_id)
    account = accounts.get_account(account_id)
    if not chosen.answers:
        return False
    own = {
        Keyword.STOP: chosen.stop_text,
        Keyword.START: chosen.start_text,
        Keyword.HELP: chosen.help_text,
    }
    now = clock.system()
    _, made = SmsAnswer.objects.get_or_create(
        account_id=account_id,
        number_key=mobile_key(account_id, number),
        keyword=keyword.value,
        day=business_day(now, account.zone),
        defaults={
            "number": number[:40],
            "sender": sender[:40],
            "text": own.get(keyword) or default_text(keyword, account.name),
            "made_at": now,
            "next_at": now,
        },
    )
    return made


def send_due(clock: Clock) -> int:
    """Hand over what waits; how many answers were looked at."""
    now = clock.system()
    _end_orphans(clock)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"now": now, "orphan": now + _ORPHANED, "limit": AT_ONCE})
        claimed = [row[0] for row in cursor.fetchall()]
    if not claimed:
        return 0
    # all accounts: the rows were claimed above
    rows = list(SmsAnswer.objects.filter(pk__in=claimed))
    for row, outcome in zip(rows, asyncio.run(_hand_over(rows)), strict=True):
        _settle(row, outcome, clock)
    return len(rows)


def list_answers(account_id: int, *, limit: int = 50) -> tuple[AnswerView, ...]:
    """The newest answers."""
    return tuple(
        AnswerView(
            id=row.pk,
            number=row.number,
            keyword=Keyword(row.keyword),
            text=row.text,
            state=AnswerState(row.state),
            detail=row.detail,
            made_at=row.made_at,
        )
        for row in SmsAnswer.objects.filter(account_id=account_id).order_by("-id")[:limit]
    )


async def _hand_over(rows: list[SmsAnswer]) -> list[Outcome]:
    if not choose.gateways_allowed(settings.TANDEM_SENDING):
        return [_not_sent("TANDEM_PROVIDER_LOCK lets nothing leave.") for _ in rows]
    way = SmsWay(seconds=SECONDS)
    try:
        return await asyncio.gather(*(_one(way, row) for row in rows))
    finally:
        await way.close()


async def _one(way: SmsWay, row: SmsAnswer) -> Outcome:
    try:
        outcome = await way.hand_over(message_of(row), lambda: True)
    except OutboundStopped as stopped:
        return _not_sent(stopped.detail)
    return outcome or _not_sent("It was stopped.")


def message_of(row: SmsAnswer) -> Message:
    """The answer as ways out take it, from the number or code that the person wrote to."""
    body = row.text.replace("\n", "\r\n")
    return Message(
        attempt_id=row.pk,
        account_id=row.account_id,
        sending_id=0,
        channel=Channel.SMS,
        sender=row.sender,
        recipient=row.number,
        content=f"\r\n\r\n{body}\r\n".encode(),
    )


def _settle(row: SmsAnswer, outcome: Outcome, clock: Clock) -> None:
    now = clock.system()
    state = _STATES.get(outcome.state, AnswerState.NOT_SENT)
    waits = outcome.state is AttemptState.DEFERRED and now - row.made_at < GIVE_UP_AFTER
    SmsAnswer.objects.filter(account_id=row.account_id, pk=row.pk, state=AnswerState.HANDING_OVER).update(
        state=AnswerState.WAITING if waits else state,
        next_at=now + _AGAIN if waits else None,
        detail=outcome.detail[:200],
    )


def _end_orphans(clock: Clock) -> None:
    # all accounts: what a dead process intended
    lost = SmsAnswer.objects.filter(state=AnswerState.HANDING_OVER, next_at__lte=clock.system())
    if lost.update(state=AnswerState.UNCERTAIN, next_at=None, detail="The process ended before its answer."):
        log.warning("sms.answer.uncertain")


def _not_sent(why: str) -> Outcome:
    return Outcome(state=AttemptState.SKIPPED, detail=why)
