"""A way out for tests and dry runs: keeps the messages in this process."""

from tandem.messenger.delivery.domain import SUB_BLOCK_ROWS, AttemptState, Message, Outcome
from tandem.messenger.delivery.providers.base import BeforeContent


class MemoryProvider:
    """Accepts everything; `refuse` gives other outcomes to chosen recipients."""

    idempotent = False
    rows_in_hand = SUB_BLOCK_ROWS
    holds_after_settle = False

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.refuse: dict[str, Outcome] = {}

    def send(self, message: Message, before_content: BeforeContent) -> Outcome | None:
        """Keep the message."""
        if message.recipient in self.refuse:
            return self.refuse[message.recipient]
        if not before_content():
            return None
        self.messages.append(message)
        return Outcome(state=AttemptState.ACCEPTED, detail="kept in memory")

    def settle(self) -> None:
        """Nothing to do."""

    def arrived(self, message: Message) -> bool | None:
        """Not known after the process ended."""
        return None

    def close(self) -> None:
        """Nothing to close."""
