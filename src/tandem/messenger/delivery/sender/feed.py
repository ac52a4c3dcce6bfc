"""The messages of one channel, between the database thread and the way out: the only place where the two meet.

The database thread supplies rows, says who must not be sent to any more, and collects what became of each. The way out
takes, asks, journals and answers (`providers.base.Feed`). What one side writes and the other reads is a single
reference or a deque, so neither waits for the other.
"""

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.messenger.contacts.domain import Recipient
from tandem.messenger.delivery import claims
from tandem.messenger.delivery.domain import SUB_BLOCK_ROWS, AttemptState, Channel, Message, Outcome
from tandem.messenger.delivery.errors import OutboundStopped
from tandem.messenger.delivery.journal import Journal, fit
from tandem.messenger.delivery.rows import Change, Row
from tandem.messenger.delivery.sender.held import Held

log = logging.getLogger("tandem.sender")
INSTANT_SECONDS = 0.1
RELAY_DOWN_SECONDS = (1.0, 2.0, 5.0, 10.0, 20.0)
_FREE = Outcome(state=AttemptState.PENDING)
#: the words of these are the reason of the row
_NEVER_SENT = frozenset({AttemptState.CANCELLED, AttemptState.SUPPRESSED, AttemptState.SKIPPED})


class ChannelFeed:
    """One per channel that a sender serves."""

    def __init__(self, channel: Channel, journal: Journal, clock: Clock, nudge: Callable[[], None]) -> None:
        self.channel = channel
        self._journal = journal
        self._clock = clock
        self._nudge = nudge
        #: set by whoever keeps the way out at work
        self.wake: Callable[[], None] = lambda: None
        self.held: tuple[Held, ...] = ()
        #: attempts that must not leave any more, and why
        self.refused: Mapping[int, str] = {}
        #: until when, by the monotonic clock, the last reading of stops and the lease hold; nothing leaves after it
        self.trusted_until = 0.0
        self.down_until = 0.0
        self.closing = False
        #: messages the way out carries side by side where accounts have next hops of their own; None = one for all
        self.window: int | None = None
        self._failures = self._place = 0
        self._now, self._read_again = clock.business(), 0.0
        self._out: dict[int, tuple[Held, Row, Recipient | None]] = {}
        #: of `_out`, by account
        self._carried: Counter[int] = Counter()
        self._done: deque[tuple[Held, Change]] = deque()

    # the way out's side

    def take(self) -> Message | None:
        """The next message, composed now. Rows that cannot be composed end here, each by itself."""
        while (ready := self._next()) is not None:
            held, row, recipient = ready
            failpoint("m9")
            made = self._made(held, row, recipient)
            if isinstance(made, Message):
                return made
            self._back(row.id)
            self._end(held, row, fit(made))
        return None

    def _made(self, held: Held, row: Row, recipient: Recipient | None) -> Message | Outcome:
        """Whatever goes wrong in here is this row's alone: it would meet each sender anew and end it."""
        try:
            return held.composer.compose(row, recipient, self._instant())
        except Exception as error:
            log.exception("sender.message.not_made attempt=%s", row.id)
            return Outcome(
                state=AttemptState.RENDER_ERROR, detail=f"It could not be made: {type(error).__name__}."
            )

    def _instant(self) -> datetime:
        """Business time, read a few times a second: a message shows whole seconds."""
        now = time.monotonic()
        if now > self._read_again:
            self._now, self._read_again = self._clock.business(), now + INSTANT_SECONDS
        return self._now

    def may_leave(self, message: Message) -> bool:
        """Whether nothing has stopped it since its intent, as far as was read within the last second or two."""
        held, row, _ = self._out[message.attempt_id]
        return not (held.stopped or row.id in self.refused or self._shut())

    def intent(self, message: Message) -> None:
        """A line of the journal, with the kernel before the content is."""
        row = self._out[message.attempt_id][1]
        self._journal.intent(row.id, row.tries)

    def outcome(self, message: Message, outcome: Outcome) -> None:
        """A line of the journal, and the row is done."""
        held, row, _ = self._back(message.attempt_id)
        outcome = self._journal.outcome(row.id, row.tries, outcome)
        self._failures = 0
        self._end(held, row, outcome)

    def release(self, message: Message) -> None:
        """Back into the queue, unless it was stopped or refused meanwhile."""
        held, row, recipient = self._back(message.attempt_id)
        self._journal.outcome(row.id, row.tries, _FREE)
        word = self.refused.get(row.id)
        if word is not None:
            self._end(held, row, _ended(word))
        elif held.stopped or self.closing:
            self._end(held, row, _FREE)
        else:
            held.queue.appendleft((row, recipient))

    def down(self, stopped: OutboundStopped) -> None:
        """Rows in the queue are set free; the next look at the relay is a while off."""
        log.warning("sender.relay.down channel=%s %s", self.channel.value, stopped.detail)
        self._failures += 1
        pause = RELAY_DOWN_SECONDS[min(self._failures, len(RELAY_DOWN_SECONDS)) - 1]
        self.down_until = time.monotonic() + pause
        for held in self.held:
            held.stopped = True
        self._nudge()

    def _next(self) -> tuple[Held, Row, Recipient | None] | None:
        if self._shut():
            return None
        for held in self._in_turn():
            first = None if held.stopped else held.first()
            if first is None or (self.window is not None and self._has_its_share(held.claim.account)):
                continue
            ready = self._taken(held, first)
            if ready is None:
                continue
            if len(held.queue) == SUB_BLOCK_ROWS:
                self._nudge()
            return ready
        self._read_again = 0.0
        self._nudge()
        return None

    def _has_its_share(self, account: int) -> bool:
        """Whether the account carries three times as many as there is room left for: some stays for the others.

        So one whose gateway hangs does not keep theirs from working; alone it has three quarters of the window.
        """
        carried = self._carried[account]
        return carried > 0 and carried >= 3 * ((self.window or 0) - len(self._out))

    def _in_turn(self) -> tuple[Held, ...]:
        """The blocks, another one first each time: a small sending does not stand behind a large one."""
        held = self.held
        if len(held) > 1:
            self._place = (self._place + 1) % len(held)
            held = held[self._place :] + held[: self._place]
        return held

    def _taken(
        self, held: Held, first: tuple[Row, Recipient | None]
    ) -> tuple[Held, Row, Recipient | None] | None:
        """The first of a queue: out before it has left the queue, so that `waiting` misses it at no moment."""
        self._out[first[0].id] = (held, *first)
        try:
            row, recipient = held.queue.popleft()
        except IndexError:  # recalled in this moment
            del self._out[first[0].id]
            return None
        if row is not first[0]:
            del self._out[first[0].id]
            self._out[row.id] = (held, row, recipient)
        self._carried[held.claim.account] += 1
        return held, row, recipient

    def _back(self, attempt_id: int) -> tuple[Held, Row, Recipient | None]:
        """What the way out had, taken out of its hands."""
        ready = self._out.pop(attempt_id)
        self._carried[ready[0].claim.account] -= 1
        return ready

    def _shut(self) -> bool:
        now = time.monotonic()
        return self.closing or now > self.trusted_until or now < self.down_until

    def _end(self, held: Held, row: Row, outcome: Outcome) -> None:
        if outcome.state in _NEVER_SENT and outcome.detail:
            self._done.append((held, Change(row, Outcome(state=outcome.state), outcome.detail)))
        else:
            self._done.append((held, Change(row, outcome)))
        if len(self._done) == SUB_BLOCK_ROWS:
            self._nudge()

    # the database thread's side

    @property
    def is_down(self) -> bool:
        """Whether the next hop is given a rest."""
        return time.monotonic() < self.down_until

    @property
    def is_quiet(self) -> bool:
        """Whether the way out has nothing of it and can get nothing."""
        queued = any(held.queue and not held.stopped for held in self.held)
        return not self._out and (not queued or self._shut())

    @property
    def in_hand(self) -> int:
        """Rows with a committed intent and no committed end."""
        return sum(held.in_hand for held in self.held)

    def hold(self, held: Held) -> None:
        """One more block."""
        self.held = (*self.held, held)

    def drop(self, held: Held) -> None:
        """A block that was given back or lost; what still comes of it is nobody's."""
        held.stopped = True
        self.held = tuple(one for one in self.held if one is not held)

    def recall(self) -> None:
        """Set free what waits in the queues of stopped blocks, or of all when the sender ends."""
        for held in self.held:
            if held.stopped or self.closing:
                for row in held.recall():
                    word = self.refused.get(row.id)
                    self._end(held, row, _FREE if word is None else _ended(word))

    def collect(self) -> dict[Held, list[Change]]:
        """What became of rows since the last time, by block; of blocks that are still held."""
        found: dict[Held, list[Change]] = {}
        while self._done:
            held, change = self._done.popleft()
            found.setdefault(held, []).append(change)
        return {held: changes for held, changes in found.items() if held in self.held}

    def waiting(self) -> dict[Held, Sequence[Row]]:
        """Rows by block whose content has not left as far as is known here."""
        found: dict[Held, list[Row]] = {held: [row for row, _ in list(held.queue)] for held in self.held}
        for held, row, _ in list(self._out.values()):
            if held in found:
                found[held].append(row)
        return {held: rows for held, rows in found.items() if rows}


def _ended(word: str) -> Outcome:
    """What a row becomes that is refused between its intent and its content."""
    if word == claims.CANCELLED_WORD:
        return Outcome(state=AttemptState.CANCELLED, detail=word)
    suppressed = word in claims.SUPPRESSED_WORDS
    return Outcome(state=AttemptState.SUPPRESSED if suppressed else AttemptState.SKIPPED, detail=word)
