"""The seam between the sender and the ways a message leaves.

A sender has a `Feed` of messages and, per channel, one way out. Feed and way out live on the one thread of the
sender's event loop: nothing of a feed waits, and nothing of it touches the database. There are three kinds of way out:

- `WayOut` pulls from the feed by itself and keeps many messages on the way (the pipelined SMTP client).
- `HandOver` carries one message through its whole course; the sender keeps `in_flight` of them going (gateways).
- `Provider` blocks; the sender gives it messages by groups, in a thread of its own (files, memory, tests).

What every kind owes: a message ends in exactly one of `outcome` and `release`. `release` says that no byte of its
content has left. After `intent`, only an answer of the next hop makes an outcome; without one it is UNCERTAIN.
"""

from collections.abc import Callable
from typing import Protocol

from tandem.messenger.delivery.domain import Message, Outcome
from tandem.messenger.delivery.errors import OutboundStopped

#: asked right before the content leaves; False = it must not (stopped, opted out), and nothing more is said of it.
#: True = the journal has the intent. Raises OSError when the journal cannot be written: then nothing may leave.
Leave = Callable[[], bool]
BeforeContent = Leave


class Feed(Protocol):
    """Messages of one channel whose intent is committed, and the book of what became of them."""

    def take(self) -> Message | None:
        """The next message, composed by this call. None = nothing now; the way out is woken when there is more."""

    def may_leave(self, message: Message) -> bool:
        """Asked right before its content leaves. False = it must not: `release` it; the feed knows why."""

    def intent(self, message: Message) -> None:
        """Its content leaves next. OSError = the journal cannot be written: close everything, nothing more leaves."""

    def outcome(self, message: Message, outcome: Outcome) -> None:
        """What became of it."""

    def release(self, message: Message) -> None:
        """Its content never left: the row is free again, or ends for the reason that `may_leave` had."""

    def down(self, stopped: OutboundStopped) -> None:
        """The next hop cannot be reached at all. `take` gives nothing for a while, then the way out is woken."""


class WayOut(Protocol):
    """Takes messages from a feed whenever it has room for one."""

    #: connections x window: how many messages may be past their intent and without an answer
    in_flight: int

    async def run(self, feed: Feed) -> None:
        """Work until `close`; an error that comes out of here ends the sender."""

    def wake(self) -> None:
        """The feed has messages again."""

    async def close(self) -> None:
        """Take nothing more, hear the answers that are owed for a short while, end; `run` returns then."""


class HandOver(Protocol):
    """Carries one message at a time per call; several calls run side by side."""

    #: how many calls may run side by side
    in_flight: int

    async def hand_over(self, message: Message, leave: Leave) -> Outcome | None:
        """Hand one message over; None if `leave` said no.

        Raises OutboundStopped when nothing can leave and this message's content has not. Any doubt afterwards is an
        outcome: UNCERTAIN.
        """

    async def close(self) -> None:
        """End connections."""


class Provider(Protocol):
    """Hands messages over one by one and blocks meanwhile. One per sender process; one message at a time."""

    #: A repeat of the same message is the same message, and `arrived` can tell whether it is there.
    idempotent: bool
    #: How many rows may be in hand at once: they are settled together.
    rows_in_hand: int
    #: An outcome of `send` holds only after `settle`; until then the journal does not know it.
    holds_after_settle: bool

    def send(self, message: Message, before_content: BeforeContent) -> Outcome | None:
        """Hand one message over; None if `before_content` said no.

        Raises OutboundStopped when nothing can leave and this message's content has not left.
        """

    def settle(self) -> None:
        """Make what was handed over durable, as far as that is this side's to do.

        Raises OutboundStopped; what was handed over since the last time may be handed over again then.
        """

    def arrived(self, message: Message) -> bool | None:
        """Whether the message is at its destination; None = cannot be known."""

    def close(self) -> None:
        """End connections."""
