"""Verbs of what comes back: take a mail, work mails off, take up refusals, look at it all."""

from tandem.messenger.bounces.service.refusals import clear_marks, take_up_refusals
from tandem.messenger.bounces.service.taking import check_recipient, take
from tandem.messenger.bounces.service.working import clear_old, work_due

__all__ = ["check_recipient", "clear_marks", "clear_old", "take", "take_up_refusals", "work_due"]
