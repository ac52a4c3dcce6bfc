"""The database side of a sender: one thread that claims blocks, commits intents and outcomes, and reads what stops.

Outcomes and the next intents share a transaction, and so one wait for the disk. A message is handed to the way out only
when its intent is committed; the way out is never waited for, and never waits for the database.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction

from tandem.kit.clock import Clock
from tandem.kit.problems import Problem
from tandem.messenger.contacts import queries as contacts
from tandem.messenger.delivery import cancelling, claims, paced_rows, service
from tandem.messenger.delivery.claims import Claim, Standing
from tandem.messenger.delivery.composing import Composer
from tandem.messenger.delivery.domain import SUB_BLOCK_ROWS, SendingState, sub_block_size
from tandem.messenger.delivery.errors import SendingOver
from tandem.messenger.delivery.journal import Journal
from tandem.messenger.delivery.pausing import ErrorsSeen
from tandem.messenger.delivery.rows import Change, Row
from tandem.messenger.delivery.sender.feed import ChannelFeed
from tandem.messenger.delivery.sender.held import Held

log = logging.getLogger("tandem.sender")
COMPOSERS_KEPT = 16
BLOCKS_HELD = 16
#: rows of a channel between their intent's commit and their end's; what a lost machine leaves uncertain
ROWS_IN_HAND = 500
IDLE_SECONDS = 0.25
#: how long an end may wait for its commit, so that a sending at a moderate pace shares one among many rows
FLUSH_SECONDS = 0.1
WATCH_SECONDS = 0.2
#: how long a reading of stops and opt-outs holds while messages leave; of a row it may be older by WATCH_SECONDS
STALE_SECONDS = 1.3
RATE_SECONDS = 0.25
#: messages a second that an unknown next hop is believed to take, until it has been seen
FIRST_RATE = 20.0


@dataclass(kw_only=True)
class Pace:
    """How many messages a channel takes in a second: what is intended at once is no more than that."""

    rate: float = FIRST_RATE
    ended: int = 0
    since: float = 0.0

    def note(self, ended: int, *, busy: bool) -> None:
        """So many rows have ended since the last time."""
        now = time.monotonic()
        self.ended += ended
        if now - self.since < RATE_SECONDS:
            return
        if busy or self.ended:
            measured = self.ended / (now - self.since)
            self.rate = min(max(measured * 1.5, 1.0), 10.0 * SUB_BLOCK_ROWS)
        self.ended, self.since = 0, now


class Desk:
    """Serves the feeds of one sender."""

    def __init__(
        self, sender_id: int, feeds: Sequence[ChannelFeed], clock: Clock, journal: Journal, *, turn: float
    ) -> None:
        self.sender_id = sender_id
        self.feeds = feeds
        self.nudged = threading.Event()
        #: monotonic end of the sender's lease
        self.lease_until = 0.0
        #: whether sendings that have not begun may begin
        self.may_start = True
        #: whether a block was given back since this was last set to False
        self.gave_back = False
        self._clock = clock
        self._journal = journal
        self._turn = turn
        self._paces = {feed: Pace() for feed in feeds}
        self._look_again = dict.fromkeys(feeds, 0.0)
        self._watched = 0.0
        self._composers: dict[int, Composer] = {}
        self._errors = ErrorsSeen()
        #: a commit is under way, or has failed
        self._in_doubt = False

    def turn(self) -> bool:
        """One pass over the channels; whether anything was claimed, intended or recorded."""
        if time.monotonic() - self._watched > WATCH_SECONDS:
            self.watch()
        return any([self._serve(feed) for feed in self.feeds])

    def wait(self) -> None:
        """Until a feed has something to tell, or it is time to flush, or to look for work."""
        busy = any(feed.held for feed in self.feeds)
        self.nudged.wait(FLUSH_SECONDS if busy else IDLE_SECONDS)
        self.nudged.clear()

    def look_again(self) -> None:
        """Ask for due blocks at the next turn, however short ago there were none."""
        self._look_again = dict.fromkeys(self.feeds, 0.0)

    def leave(self) -> None:
        """The ways out have ended: record what they did, set free what they did not, give every block back.

        Not after a commit that failed: what it was to record is known to the journal alone, and counters are wrong.
        """
        if self._in_doubt:
            return
        for feed in self.feeds:
            feed.closing = True
            for held in feed.held:
                held.end_turn()
            self._serve(feed)

    def watch(self) -> None:
        """Read again what may stop a message between its intent and its content."""
        read_at = self._watched = time.monotonic()
        for feed in self.feeds:
            if feed.held:
                self._see(feed, claims.standings([held.claim for held in feed.held], lock=False))
                feed.refused = self._refused(feed, read_at - WATCH_SECONDS)
            was_blind = feed.trusted_until < read_at
            feed.trusted_until = min(read_at + STALE_SECONDS, self.lease_until)
            if was_blind:
                feed.wake()

    def _refused(self, feed: ChannelFeed, since: float) -> Mapping[int, str]:
        """Attempts in hand that must not leave any more, and why; those whose intent read it since then may."""
        refused: dict[int, str] = {}
        for held, waiting in feed.waiting().items():
            rows = [row for row in waiting if row.read_at < since]
            if not rows:
                continue
            account = held.claim.account
            words = contacts.reasons(
                account,
                feed.channel.value,
                [row.contact_id for row in rows],
                now=self._clock.system(),
                ignoring={row.contact_id for row in rows if row.ignore_opt_out},
            )
            customers = [row.customer for row in rows]
            cancelled = cancelling.named_of(account, held.claim.sending, customers)
            refused |= {row.id: words[row.contact_id] for row in rows if row.contact_id in words}
            refused |= {row.id: claims.CANCELLED_WORD for row in rows if row.customer in cancelled}
        return refused

    def _see(self, feed: ChannelFeed, standings: Mapping[int, Standing]) -> None:
        for held in feed.held:
            standing = standings.get(held.claim.block)
            if standing is None:
                log.warning("sender.claim.lost block=%s %s", held.claim.block, claims.lost(held.claim).detail)
                feed.drop(held)
            else:
                held.see(standing, down=feed.is_down)

    def _serve(self, feed: ChannelFeed) -> bool:
        worked = self._claim_more(feed)
        self._end_turns(feed)
        feed.recall()
        done = feed.collect()
        plan = self._plan(feed)
        self._paces[feed].note(sum(map(len, done.values())), busy=feed.in_hand > 0)
        if not (done or plan or any(held.spent for held in feed.held)):
            return worked
        for held, rows in self._commit(feed, done, plan).items():
            self._supply(feed, held, rows)
        feed.wake()
        return True

    def _supply(self, feed: ChannelFeed, held: Held, rows: Sequence[Row]) -> None:
        """Rows for the way out. Where their recipients cannot be made out the sending pauses, and they are free."""
        try:
            held.supply(rows, held.composer.recipients(rows))
        except (DatabaseError, InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001 see _set_aside
            held.stopped = True
            held.supply(rows, {})
            self._pause(held.claim, error)

    def _commit(
        self, feed: ChannelFeed, done: Mapping[Held, Sequence[Change]], plan: Mapping[Held, Sequence[int]]
    ) -> dict[Held, list[Row]]:
        """Outcomes, then intents, then blocks that are spent, in one transaction; the rows that may leave now."""
        business, system = self._clock.business(), self._clock.system()
        intended: dict[Held, list[Row]] = {}
        self._in_doubt = True
        self._journal.sync()
        with transaction.atomic():
            found = claims.standings([held.claim for held in feed.held], lock=True)
            self._see(feed, found)
            for held in feed.held:
                standing, first_due = found[held.claim.block], held.composer.first_due
                changes = [
                    claims.final(one, standing.policy, first_due, business) for one in done.get(held, ())
                ]
                claims.settle(held.claim, changes, business)
                self._errors.note(held.claim.account, held.claim.sending, changes)
                held.in_hand -= len(changes)
                if held in plan and standing.sends:
                    rows = claims.intend(
                        held.claim,
                        plan[held],
                        standing,
                        feed.channel,
                        business=business,
                        system=system,
                        cells=held.composer.cells,
                    )
                    intended[held] = self._paced(held, rows, standing)
                    held.in_hand += len(intended[held])
                if held.spent:
                    if standing.state is SendingState.CANCELLED:
                        claims.cancel_rest(held.claim, business)
                    claims.give_back(held.claim)
        self._in_doubt = False
        self._journal.settled(change.row.id for changes in done.values() for change in changes)
        for held in feed.held:
            self._errors.judge(held.claim.account, held.claim.sending, clock=self._clock)
            paced_rows.hear(held.claim.account, held.composer.sent_by, done.get(held, ()), clock=self._clock)
            if held.spent:
                feed.drop(held)
                self.gave_back = True
        return intended

    def _paced(self, held: Held, rows: list[Row], standing: Standing) -> list[Row]:
        """Those of them that no limit of pace lets wait."""
        return paced_rows.put_off(
            rows,
            account=held.claim.account,
            sending=held.claim.sending,
            sender=held.composer.sent_by,
            rate=standing.own_rate,
            clock=self._clock,
        )

    def _plan(self, feed: ChannelFeed) -> dict[Held, list[int]]:
        """The rows to intend now: while there is room in hand, a sub-block of each block, who has least in hand first.

        No account has more than three sub-blocks in hand: where its gateway hangs, others go on.
        """
        pace, plan = self._paces[feed], {}
        most = sub_block_size(pace.rate, SUB_BLOCK_ROWS)
        in_hand = Counter[int]()
        for held in feed.held:
            in_hand[held.claim.account] += held.in_hand
        for held in sorted(feed.held, key=lambda one: one.in_hand):
            account = held.claim.account
            has_room = in_hand.total() + most <= ROWS_IN_HAND and in_hand[account] + most <= 3 * most
            if held.open and not held.stopped and has_room:
                plan[held] = held.part(most)
                in_hand[account] += len(plan[held])
        return plan

    def _claim_more(self, feed: ChannelFeed) -> bool:
        """Blocks for the room that is left; whether there was one."""
        claimed = False
        while self._may_claim(feed):
            claim = claims.claim(
                self.sender_id, self._clock.business(), (feed.channel,), starts=self.may_start
            )
            if claim is None:
                self._look_again[feed] = time.monotonic() + IDLE_SECONDS
                break
            claimed = True
            composer = self._composer(claim)
            if composer is not None:
                feed.hold(Held(claim, composer, claims.open_rows(claim, self._clock.business())))
        return claimed

    def _may_claim(self, feed: ChannelFeed) -> bool:
        if feed.closing or feed.is_down or len(feed.held) >= BLOCKS_HELD:
            return False
        if sum(len(held.open) for held in feed.held) >= SUB_BLOCK_ROWS:
            return False
        return feed.in_hand < ROWS_IN_HAND and time.monotonic() >= self._look_again[feed]

    def _end_turns(self, feed: ChannelFeed) -> None:
        """A block that takes long is given back when another sending waits: a small one does not wait for a large."""
        now = time.monotonic()
        long = [held for held in feed.held if held.open and now - held.began > self._turn]
        if not long:
            return
        mine = {held.claim.sending for held in feed.held}
        if claims.others_due(feed.channel, mine, self._clock.business()):
            for held in long:
                held.end_turn()
        else:
            for held in long:
                held.began = now

    def _composer(self, claim: Claim) -> Composer | None:
        """What composes a sending's messages. One that cannot be composed at all is paused, its block given back."""
        if claim.sending not in self._composers:
            if len(self._composers) >= COMPOSERS_KEPT:
                self._composers.clear()
            try:
                self._composers[claim.sending] = Composer(
                    claim, key=settings.SECRET_KEY, tracking_url=settings.TANDEM_TRACKING_URL
                )
            except (DatabaseError, InterfaceError):
                raise
            except Exception as error:  # noqa: BLE001 see _set_aside
                self._set_aside(claim, error)
                return None
        return self._composers[claim.sending]

    def _set_aside(self, claim: Claim, error: Exception) -> None:
        """Whatever it is, it would meet each sender anew and end it, and everybody's messages with it."""
        self._pause(claim, error)
        claims.give_back(claim)

    def _pause(self, claim: Claim, error: Exception) -> None:
        words = f"{error.title} {error.detail}" if isinstance(error, Problem) else type(error).__name__
        log.error("sender.sending.paused sending=%s %s", claim.sending, words, exc_info=error)
        with suppress(SendingOver):
            service.pause(claim.account, claim.sending, because=f"It cannot be composed: {words}")
