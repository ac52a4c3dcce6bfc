"""Rows of the ledger on their way through a sender."""

from typing import NamedTuple

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


class Change(NamedTuple):
    """A row in `sending` and what it becomes."""

    row: Row
    outcome: Outcome
    reason: str = ""
