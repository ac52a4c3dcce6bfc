"""Verbs of what comes back: take a mail, work mails off, take up refusals, look at it all."""

from tandem.messenger.bounces.queries import last_of_contact, list_bounces, numbers, unassigned_waiting
from tandem.messenger.bounces.service.forwarding import forward_due
from tandem.messenger.bounces.service.personal import export, forget
from tandem.messenger.bounces.service.quarantine import (
    believe,
    dismiss,
    quarantine_size,
    quarantined,
    read_quarantined,
)
from tandem.messenger.bounces.service.refusals import clear_marks, take_up_refusals
from tandem.messenger.bounces.service.replies import addresses as reply_addresses
from tandem.messenger.bounces.service.replies import (
    finish_reply,
    read_reply,
    replies_number,
    set_address,
)
from tandem.messenger.bounces.service.replies import replies as list_replies
from tandem.messenger.bounces.service.taking import check_recipient, take
from tandem.messenger.bounces.service.working import clear_old, work_due

__all__ = [
    "believe",
    "check_recipient",
    "clear_marks",
    "clear_old",
    "dismiss",
    "export",
    "finish_reply",
    "forget",
    "forward_due",
    "last_of_contact",
    "list_bounces",
    "list_replies",
    "numbers",
    "quarantine_size",
    "quarantined",
    "read_quarantined",
    "read_reply",
    "replies_number",
    "reply_addresses",
    "set_address",
    "take",
    "take_up_refusals",
    "unassigned_waiting",
    "work_due",
]
