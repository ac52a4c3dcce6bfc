"""One sender process: claims due blocks and hands messages over, one at a time.

A sender lives as long as its database session: an error there ends this life, the next one starts with a new fence
and settles what the last one left (`recovery`).
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from tandem.kit import clock as clocks
from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.kit.problems import Problem
from tandem.messenger.contacts.domain import Recipient
from tandem.messenger.delivery import claims, finishing, journal, recovery, service
from tandem.messenger.delivery.claims import Change, Claim, Row, SubBlock
from tandem.messenger.delivery.composing import Composer
from tandem.messenger.delivery.domain import (
    SUB_BLOCK_ROWS,
    AttemptState,
    Channel,
    Outcome,
    sub_block_size,
)
from tandem.messenger.delivery.errors import ClaimLost, OutboundStopped
from tandem.messenger.delivery.gate import Gate
from tandem.messenger.delivery.models import Sender
from tandem.messenger.delivery.providers.base import Provider
from tandem.messenger.delivery.providers.choose import provider_for

log = logging.getLogger("tandem.sender")
COMPOSERS_KEPT = 16
IDLE_SECONDS = 0.25
CHORES_SECONDS = 1.0
RELAY_DOWN_SECONDS = (1.0, 2.0, 5.0, 10.0, 20.0)


def run(stop: threading.Event) -> None:
    """The main loop of one sender process; returns soon after `stop` is set."""
    clock = clocks.from_environment()
    while not stop.is_set():
        try:
            life = Life(clock, stop)
        except (DatabaseError, InterfaceError, OSError):
            log.exception("sender.start.failed")
            connection.close()
            stop.wait(1.0)
            continue
        try:
            life.work()
        except (DatabaseError, InterfaceError, OSError):
            log.exception("sender.life.ended")
            stop.wait(1.0)
        finally:
            life.close()
            connection.close()


class Life:
    """A sender from its registration to the loss of its session."""

    def __init__(self, clock: Clock, stop: threading.Event) -> None:
        self.clock = clock
        self._stop = stop
        setting = settings.TANDEM_SENDING
        self._providers: dict[Channel, Provider] = {
            channel: provider_for(channel, settings.TANDEM_HOME, setting) for channel in Channel
        }
        self._lease = timedelta(seconds=float(setting["TANDEM_SENDER_LEASE"]))
        self.id, self._journal = _register(clock, self._lease)
        self._lease_checked = self._chores_done = 0.0
        self._rate = float(SUB_BLOCK_ROWS)
        self._limit = 0
        self._relay_failures = 0
        self._composers: dict[int, Composer] = {}

    def work(self) -> None:
        """Until stopped: chores once a second, blocks as they come due."""
        while not self._stop.is_set():
            if not self.turn():
                self._stop.wait(IDLE_SECONDS)

    def turn(self) -> bool:
        """One look at what is due; whether there was a block to work on."""
        self._chores()
        claim = claims.claim(self.id, self.clock.business())
        if claim is None:
            return False
        try:
            self._block(claim)
        except ClaimLost as lost:
            log.warning("sender.claim.lost block=%s %s", claim.block, lost.detail)
        except OutboundStopped as stopped:
            log.warning("sender.relay.down %s", stopped.detail)
            self._stop.wait(RELAY_DOWN_SECONDS[min(self._relay_failures, len(RELAY_DOWN_SECONDS)) - 1])
        return True

    def close(self) -> None:
        """End in good order: rows in hand are settled by the next life through the journal."""
        for provider in self._providers.values():
            provider.close()
        self._journal.close()

    def _chores(self) -> None:
        now = time.monotonic()
        if now - self._chores_done < CHORES_SECONDS:
            return
        self._renew(now)
        recovery.recover_dead(self.id, self._providers, self.clock.business())
        finishing.finish_due(self.clock.business())
        self._chores_done = now

    def _renew(self, now: float) -> None:
        if now - self._lease_checked < self._lease.total_seconds() / 6:
            return
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE messenger_delivery_sender SET lease_until = clock_timestamp() + make_interval(secs => %s) "
                "WHERE id = %s AND NOT recovered",
                [self._lease.total_seconds(), self.id],
            )
            if cursor.rowcount != 1:
                raise DatabaseError("This sender was declared dead.")
        self._lease_checked = now

    def _block(self, claim: Claim) -> None:
        try:
            composer = self._composer(claim)
        except Problem as problem:
            log.error("sender.sending.paused sending=%s %s %s", claim.sending, problem.title, problem.detail)
            service.pause(claim.account, claim.sending)
            self._advance(claim, [], 0)
            return
        done: list[Change] = []
        while True:
            most = self._providers[composer.channel].rows_in_hand
            limit = sub_block_size(min(self._rate, self._limit or self._rate), most)
            part = self._advance(claim, done, 0 if self._stop.is_set() else limit)
            self._limit = part.rate
            if part.over:
                break
            done = self._hand_over_all(claim, composer, part)
            self._chores()
        finishing.finish_due(self.clock.business())

    def _composer(self, claim: Claim) -> Composer:
        if claim.sending not in self._composers:
            if len(self._composers) >= COMPOSERS_KEPT:
                self._composers.clear()
            self._composers[claim.sending] = Composer(
                claim, key=settings.SECRET_KEY, tracking_url=settings.TANDEM_TRACKING_URL
            )
        return self._composers[claim.sending]

    def _advance(self, claim: Claim, done: list[Change], limit: int) -> SubBlock:
        return claims.advance(
            claim, done, limit=limit, business=self.clock.business(), system=self.clock.system()
        )

    def _hand_over_all(self, claim: Claim, composer: Composer, part: SubBlock) -> list[Change]:
        provider = self._providers[part.channel]
        gate = Gate(claim, part, self.clock)
        recipients = composer.recipients(part.rows)
        began = time.monotonic()
        done: list[Change] = []
        try:
            for row in part.rows:
                outcome = self._hand_over(row, recipients.get(row.contact_id), composer, provider, gate)
                change = _change(row, outcome, self.clock, gate.reasons.get(row.contact_id, ""))
                done.append(claims.deferred_or_given_up(change, composer.first_due))
            done = self._settled(provider, done)
        except OutboundStopped:
            self._relay_failures += 1
            self._advance(claim, self._set_free(part, provider, done), 0)
            raise
        self._relay_failures = 0
        self._keep_pace(len(done), time.monotonic() - began)
        return done

    def _settled(self, provider: Provider, done: list[Change]) -> list[Change]:
        """The changes as they hold: those of a way out that settles by groups get one time, and their journal lines."""
        provider.settle()
        if not provider.holds_after_settle:
            return done
        now = self.clock.business()
        accepted = AttemptState.ACCEPTED
        taken = [change.row for change in done if change.outcome.state is accepted]
        outcome = next((change.outcome for change in done if change.outcome.state is accepted), None)
        if outcome is not None:
            self._journal.outcomes((row.id, row.tries, outcome) for row in taken)
        return [replace(change, at=now) for change in done]

    def _set_free(self, part: SubBlock, provider: Provider, done: Sequence[Change]) -> list[Change]:
        """All rows of a sub-block that could not be finished: what holds, and the others pending again."""
        kept = [
            change
            for change in done
            if not (provider.holds_after_settle and change.outcome.state is AttemptState.ACCEPTED)
        ]
        known = {change.row.id for change in kept}
        pending = Outcome(state=AttemptState.PENDING)
        return kept + [_change(row, pending, self.clock) for row in part.rows if row.id not in known]

    def _hand_over(
        self, row: Row, recipient: Recipient | None, composer: Composer, provider: Provider, gate: Gate
    ) -> Outcome:
        if not gate.open_for(row):
            return gate.outcome_for(row)
        failpoint("m9")
        message = composer.compose(row, recipient, self.clock.business())
        if isinstance(message, Outcome):
            return message

        def before_content() -> bool:
            if not gate.open_for(row):
                return False
            self._journal.intent(row.id, row.tries)
            return True

        outcome = provider.send(message, before_content)
        if outcome is None:
            return gate.outcome_for(row)
        if not provider.holds_after_settle:
            self._journal.outcome(row.id, row.tries, outcome)
        return outcome

    def _keep_pace(self, count: int, seconds: float) -> None:
        measured = count / max(seconds, 0.001)
        self._rate = max(1.0, measured if measured < self._rate else self._rate * 2)
        self._rate = min(self._rate, 10.0 * SUB_BLOCK_ROWS)
        if self._limit:
            self._stop.wait(max(0.0, count / self._limit - seconds))


def _change(row: Row, outcome: Outcome, clock: Clock, reason: str = "") -> Change:
    if outcome.state in {AttemptState.SKIPPED, AttemptState.SUPPRESSED}:
        return Change(row=row, outcome=outcome, at=clock.business(), reason=reason or outcome.detail)
    if outcome.state is AttemptState.CANCELLED:
        return Change(row=row, outcome=outcome, at=clock.business(), reason=claims.CANCELLED_WORD)
    return Change(row=row, outcome=outcome, at=clock.business())


def _register(clock: Clock, lease: timedelta) -> tuple[int, journal.Journal]:
    """A row, a session lock and a journal; in an order that leaves nothing claimable behind if it stops midway."""
    now = clock.system()
    sender = Sender.objects.create(
        host=socket.gethostname(),
        pid=os.getpid(),
        boot_id=journal.boot_id(),
        journal="",
        started_at=now,
        lease_until=now + lease,
    )
    path = settings.TANDEM_HOME / "journal" / f"{sender.id}.log"
    opened = journal.Journal(path, sender.id)
    # all accounts: senders serve every account
    Sender.objects.filter(id=sender.id).update(journal=str(path))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [recovery.ADVISORY_CLASS, sender.id % 2**31])
    return sender.id, opened
