"""Call-backs are worked off: receipts to their messages, flags to their numbers, messages to keywords and people."""

import logging
import time

from django.db import DatabaseError, transaction

from tandem.kit.clock import Clock
from tandem.kit.problems import Problem
from tandem.messenger.gateways import inbox
from tandem.messenger.gateways.inbox import Told
from tandem.messenger.sms.service import answering, incoming, receipts

log = logging.getLogger("tandem.sms")
AT_ONCE = 200
#: how long one turn works before it lets others
TURN_SECONDS = 10.0


def work_due(clock: Clock) -> int:
    """Everything that is due, then the answers; how many call-backs were looked at."""
    looked, until = 0, time.monotonic() + TURN_SECONDS
    while time.monotonic() < until:
        number = _work_some(clock)
        looked += number
        if number < AT_ONCE:
            break
    answering.send_due(clock)
    return looked


@transaction.atomic
def _work_some(clock: Clock) -> int:
    due = inbox.due(clock.system(), AT_ONCE)
    for told in due:
        try:
            with transaction.atomic():
                _work(told, clock)
        except (Problem, DatabaseError, ValueError, KeyError) as error:
            log.warning("sms.callback.failed id=%s kind=%s %s", told.id, told.kind, type(error).__name__)
            inbox.again(told, clock.system(), "could not be worked on")
    return len(due)


def _work(told: Told, clock: Clock) -> None:
    if told.kind == inbox.INCOMING:
        inbox.done(told, incoming.take(told, clock=clock))
    elif told.kind == inbox.FLAG:
        inbox.done(told, receipts.flag_number(told.account_id, told.said, clock=clock))
    else:
        outcome = receipts.take(told, clock=clock)
        if outcome is None:
            inbox.again(told, clock.system(), "of an unknown message")
        else:
            inbox.done(told, outcome)
