"""A block in the hands of a sender: which of its rows are to be intended, which wait for the way out."""

import time
from collections import deque
from collections.abc import Mapping, Sequence

from tandem.messenger.contacts.domain import Recipient
from tandem.messenger.delivery.claims import Claim, Standing
from tandem.messenger.delivery.composing import Composer
from tandem.messenger.delivery.rows import Row


class Held:
    """Its counters belong to the database thread; `queue` is filled there and emptied by the way out."""

    def __init__(self, claim: Claim, composer: Composer, seqs: Sequence[int]) -> None:
        self.claim = claim
        self.composer = composer
        self.began = time.monotonic()
        #: numbers of rows that are due and not intended yet
        self.open = list(seqs)
        #: rows whose intent is committed and whose end is not
        self.in_hand = 0
        self.queue: deque[tuple[Row, Recipient | None]] = deque()
        #: the sending was paused or cancelled, the account stopped, the block lost, the relay is down
        self.stopped = False

    @property
    def spent(self) -> bool:
        """Whether it can be given back."""
        return not self.open and self.in_hand == 0

    def see(self, standing: Standing, *, down: bool) -> None:
        """Take note of how its sending stands, and whether the next hop is there at all."""
        self.stopped = down or not standing.sends
        if self.stopped:
            self.end_turn()

    def end_turn(self) -> None:
        """Intend nothing more of it; what is in hand ends first."""
        self.open.clear()

    def part(self, most: int) -> list[int]:
        """The next sub-block, taken out of `open`: rows that lie as far apart as they can, at most so many."""
        step = -(-len(self.open) // max(most, 1))
        chosen = self.open[::step] if step else []
        if chosen:
            del self.open[::step]
        return chosen

    def supply(self, rows: Sequence[Row], recipients: Mapping[int, Recipient]) -> None:
        """Rows whose intent is committed."""
        self.queue.extend((row, recipients.get(row.contact_id)) for row in rows)

    def first(self) -> tuple[Row, Recipient | None] | None:
        """Whose turn it is, left where it is."""
        try:
            return self.queue[0]
        except IndexError:
            return None

    def recall(self) -> list[Row]:
        """Rows that nobody has taken yet, taken out of the queue; each is either taken or recalled."""
        rows = []
        while self.queue:
            try:
                rows.append(self.queue.popleft()[0])
            except IndexError:
                break
        return rows
