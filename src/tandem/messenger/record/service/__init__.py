"""Verbs of the record."""

from tandem.messenger.record.files import lines
from tandem.messenger.record.queries import (
    all_of_customer,
    all_of_sending,
    of_customer,
    of_customer_in,
    of_sending,
)
from tandem.messenger.record.service.checking import (
    breached,
    check,
    check_due,
    course,
    last_check,
    sum_up_blocks,
)
from tandem.messenger.record.service.keeping import drop_old, dropped, keep_for, months_kept

__all__ = [
    "all_of_customer",
    "all_of_sending",
    "breached",
    "check",
    "check_due",
    "course",
    "drop_old",
    "dropped",
    "keep_for",
    "last_check",
    "lines",
    "months_kept",
    "of_customer",
    "of_customer_in",
    "of_sending",
    "sum_up_blocks",
]
