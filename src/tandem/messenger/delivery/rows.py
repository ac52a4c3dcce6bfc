"""Rows of the ledger on their way through a sender."""

from typing import Any, NamedTuple

from tandem.messenger.delivery.domain import Outcome


class Row(NamedTuple):
    """A ledger row whose intent is committed."""

    id: int
    seq: int
    tries: int
    template_id: int
    contact_id: int
    customer: str
    ignore_opt_out: bool = False
    #: what the intent's statement read of the contact, for `Composer.recipients`
    contact: tuple[Any, ...] = ()
    #: when what stops a message was read for this row, by the monotonic clock
    read_at: float = 0.0


class Change(NamedTuple):
    """A row in `sending` and what it becomes."""

    row: Row
    outcome: Outcome
    reason: str = ""
