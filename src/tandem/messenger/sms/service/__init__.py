"""Verbs of SMS that come back: take a call-back, work it off, read and act on messages, answer keywords."""

from tandem.messenger.sms.service.answering import list_answers
from tandem.messenger.sms.service.doors import take
from tandem.messenger.sms.service.personal import export, forget
from tandem.messenger.sms.service.reading import act, clear_old, list_incoming, unread
from tandem.messenger.sms.service.trying import send_test
from tandem.messenger.sms.service.working import work_due

__all__ = [
    "act",
    "clear_old",
    "export",
    "forget",
    "list_answers",
    "list_incoming",
    "send_test",
    "take",
    "unread",
    "work_due",
]
