"""Hands test messages to the provider, apart from the senders: waits a little, records what comes later too."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.db import connection

from tandem.kit.clock import Clock
from tandem.messenger.delivery.domain import AttemptState, Channel, Message, Outcome
from tandem.messenger.delivery.errors import OutboundStopped
from tandem.messenger.delivery.providers.base import Provider
from tandem.messenger.delivery.providers.choose import provider_for
from tandem.messenger.testsends.domain import ANSWER_WITHIN, Fate, fate_of
from tandem.messenger.testsends.models import SentTest

#: the file provider's Maildirs of tests lie under this folder of the home, apart from the outbox of sendings
FOLDER = "tests"
SECONDS = 20.0


class Answered(NamedTuple):
    """What the provider said of one message."""

    row: int
    fate: Fate
    words: str


def hand_over(account_id: int, channel: Channel, letters: Sequence[Message], *, clock: Clock) -> None:
    """Send; back after ANSWER_WITHIN seconds at most, while the rest goes on and is recorded when it is known."""
    if not letters:
        return
    provider = provider_for(
        channel, outbox_home(), settings.TANDEM_SENDING, seconds=SECONDS, account_id=account_id
    )
    heard = _Heard(lambda said: record(account_id, said, clock=clock))
    work = threading.Thread(target=_send_all, args=(provider, letters, heard), daemon=True, name="test-send")
    work.start()
    work.join(ANSWER_WITHIN)
    for said in heard.so_far():
        record(account_id, said, clock=clock)


def outbox_home() -> Path:
    """The home under which the file provider writes tests."""
    return Path(settings.TANDEM_HOME) / FOLDER


def record(account_id: int, said: Answered, *, clock: Clock) -> None:
    """Write an answer into its row, once."""
    SentTest.objects.filter(account_id=account_id, pk=said.row, fate=Fate.WAITING).update(
        fate=said.fate, answer=said.words[:300], done_at=clock.system()
    )


class _Heard:
    """Answers are kept for the caller until it has gone; later ones are recorded where they come."""

    def __init__(self, late: Callable[[Answered], None]) -> None:
        self._late, self._lock = late, threading.Lock()
        self._answers: list[Answered] = []
        self._left = False

    def take(self, said: Answered) -> None:
        with self._lock:
            if not self._left:
                self._answers.append(said)
                return
        self._late(said)

    def so_far(self) -> list[Answered]:
        """The answers until now; whoever asks does not come back."""
        with self._lock:
            self._left = True
            return self._answers


def _send_all(provider: Provider, letters: Sequence[Message], heard: _Heard) -> None:
    stopped = ""
    try:
        for letter in letters:
            if stopped:
                heard.take(Answered(letter.attempt_id, Fate.NOT_SENT, stopped))
                continue
            outcome = _send(provider, letter)
            if outcome.state is AttemptState.PENDING:
                stopped = outcome.detail
            heard.take(Answered(letter.attempt_id, fate_of(outcome.state), outcome.detail))
    finally:
        provider.close()
        connection.close()


def _send(provider: Provider, letter: Message) -> Outcome:
    """PENDING = nothing can leave."""
    try:
        outcome = provider.send(letter, lambda: True)
        provider.settle()
    except OutboundStopped as problem:
        return Outcome(state=AttemptState.PENDING, detail=f"{problem.detail} {problem.advice}".strip())
    return outcome or Outcome(state=AttemptState.PENDING, detail="The provider was stopped.")
