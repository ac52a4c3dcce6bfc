"""The one place where a message may be told to wait its turn: asked by `Feed.take` before the message is composed."""

import time
from typing import Protocol

from tandem.messenger.contacts.domain import Recipient
from tandem.messenger.delivery.rows import Row
from tandem.messenger.delivery.sender.held import Held


class Brake(Protocol):
    """Says how fast messages may leave. Asked on the way out's thread: it neither waits nor reads the database."""

    def wait(self, held: Held, row: Row, recipient: Recipient | None) -> float:
        """Seconds until the message may be taken; 0 = now, and then it counts as taken."""


class AccountRates:
    """The rate that an account has set for itself, shared out evenly over each second."""

    def __init__(self) -> None:
        self._next: dict[int, float] = {}

    def wait(self, held: Held, row: Row, recipient: Recipient | None) -> float:
        """Seconds until the account's next message."""
        if not held.rate:
            return 0.0
        now = time.monotonic()
        due = self._next.get(held.claim.account, 0.0)
        if due > now:
            return due - now
        self._next[held.claim.account] = max(due + 1.0 / held.rate, now - 0.05)
        return 0.0
