"""What a way out must offer."""

from collections.abc import Callable
from typing import Protocol

from tandem.messenger.delivery.domain import Message, Outcome

#: called when the content is about to leave; False = it must not (stopped, opted out)
BeforeContent = Callable[[], bool]


class Provider(Protocol):
    """Hands single messages over. One per sender process; one message at a time."""

    #: A repeat of the same message is the same message, and `arrived` can tell whether it is there.
    idempotent: bool
    #: How many rows may be in hand at once: their intents are one commit.
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
