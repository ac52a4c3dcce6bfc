"""One connection's course from the first MAIL to its end, without I/O: replies in, bytes out.

With PIPELINING (RFC 2920) a group is [content of n, dot, MAIL, RCPT, DATA of n+1], answered 250, 250, 250, 354: one
round trip per message. Without it the same steps go one by one. Each message has one recipient.

A message is `announced` while only its envelope is out, and `sent` once its intent is in the journal and its content
follows. A connection that ends releases the announced one; the sent one is uncertain: nobody can tell (RFC 1047).
"""

import re
from collections import deque
from enum import IntEnum

from tandem.kit.failpoints import failpoint
from tandem.messenger.delivery.domain import AttemptState, Message, Outcome
from tandem.messenger.delivery.providers.base import Feed
from tandem.messenger.delivery.smtp import envelope
from tandem.messenger.delivery.smtp.envelope import Offer, Unfit
from tandem.messenger.delivery.smtp.replies import Reply, outcome_of, said

#: why a connection ended that would have carried a stopped message
STOPPED = "The message was stopped"
_TOO_MANY = re.compile(rb"too many|limit|maximum|per (?:connection|session)", re.IGNORECASE)
_DATA, _RSET, _QUIT, _DOT = b"DATA\r\n", b"RSET\r\n", b"QUIT\r\n", b".\r\n"


class Step(IntEnum):
    """What a reply is owed for."""

    MAIL = 1
    RCPT = 2
    DATA = 3
    FINAL = 4
    #: a dot after a DATA that was granted although nobody is to get the message
    DOT = 5
    RSET = 6
    QUIT = 7


#: looked up for each message: members of an enumeration are found slowly by name
_FINAL = Step.FINAL
_ENVELOPE = (Step.MAIL, Step.RCPT, Step.DATA)
#: replies owed for a content and the next envelope; nothing else that begins with a content owes as many
_GROUP = 1 + len(_ENVELOPE)


class Session:
    """The state of one connection. most: messages until it says QUIT by itself, 0 = no limit."""

    def __init__(self, feed: Feed, offer: Offer, most: int = 0) -> None:
        self._feed, self._offer = feed, offer
        self.most = most
        #: bytes to write, in order, and how many replies they ask for
        self.out: list[bytes] = []
        self.asks = 0
        #: how many pieces of `out` there are up to a content's dot
        self.dot_at: int | None = None
        self.owed: deque[Step] = deque()
        self._later: deque[tuple[Step, tuple[bytes, ...]]] = deque()
        self.announced: Message | None = None
        self.sent: Message | None = None
        self._content: tuple[bytes, ...] = ()
        self._refused: Reply | None = None
        self._has_recipient = self._is_leaving = False
        #: messages begun here, and those an answer was heard for
        self.begun = self.done = 0
        #: why it ended, None while it goes on
        self.ended: str | None = None
        #: the relay ended it because enough messages went over it
        self.is_used_up = False
        self._answers = {
            Step.MAIL: self._on_mail, Step.RCPT: self._on_rcpt, Step.DATA: self._on_data, Step.FINAL: self._on_final,
            Step.DOT: self._on_dot, Step.RSET: self._on_rset, Step.QUIT: self._on_quit,
        }  # fmt: skip

    @property
    def is_idle(self) -> bool:
        """Whether nothing is owed and nothing is on its way."""
        return not self.owed and not self._later and self.announced is None

    def go(self) -> None:
        """There may be messages: announce the next one, if this connection has room for one."""
        if self.ended is not None or self.announced is not None or self._is_leaving:
            return
        if self._offer.pipelining or self.is_idle:
            self._announce()

    def leave(self) -> None:
        """Take nothing more; what is owed is still heard."""
        if self.ended is None and not self._is_leaving:
            self._is_leaving = True
            if self.announced is None:
                self._put(Step.QUIT, _QUIT)

    def reply(self, reply: Reply, *, unsent: bool = False) -> None:
        """Take the next reply. unsent: it came before all content was written, so it is not about all of it."""
        if self.ended is not None:
            return
        if not self.owed:
            return self.end(f"Unasked for, the relay said {said(reply)}")
        step = self.owed.popleft()
        if reply.code == 421 and step is not _FINAL:
            self.is_used_up = self.done > 0
            return self.end(f"The relay ended the connection: {said(reply)}")
        if unsent and step is _FINAL:
            return self._on_early(reply)
        self._answers[step](reply)
        if self._later and not self.owed and self.ended is None:
            step, pieces = self._later.popleft()
            self._put(step, *pieces)

    def reply_and_leave(self, final: Reply) -> bool:
        """The replies to a whole group at once, of which all but the first let the next content follow.

        False: they are not what is owed, take them one by one.
        """
        owed = self.owed
        if len(owed) != _GROUP or owed[0] is not _FINAL or self.dot_at is not None or final.code == 421:
            return False
        owed.clear()
        self._on_final(final)
        if self.ended is None:
            self._has_recipient = True
            self._granted()
        return True

    def end(self, why: str) -> None:
        """The connection is over: closed, lost, out of time, or not to be trusted any more."""
        if self.ended is not None:
            return
        self.ended = why
        self.owed.clear()
        self._later.clear()
        sent, self.sent = self.sent, None
        announced, self.announced = self.announced, None
        if sent is not None:
            detail = f"No answer after the content: {why}"[:200]
            self._feed.outcome(sent, Outcome(state=AttemptState.UNCERTAIN, detail=detail))
        if announced is not None:
            self._feed.release(announced)

    def _announce(self) -> None:
        if self._is_leaving or (self.most and self.begun >= self.most):
            self._is_leaving = True
            return self._put(Step.QUIT, _QUIT)
        while (message := self._feed.take()) is not None:
            try:
                mail, rcpt = envelope.commands(message, self._offer)
                self._content = envelope.content(message, self._offer)
            except Unfit as error:
                self._feed.outcome(message, envelope.unfit(error))
                continue
            failpoint("m12")
            self.announced, self._refused, self._has_recipient = message, None, False
            self.begun += 1
            if self._offer.pipelining:
                self.owed += _ENVELOPE
                self.asks += len(_ENVELOPE)
                return self.out.append(mail + rcpt + _DATA)
            self._put(Step.MAIL, mail)
            self._put(Step.RCPT, rcpt)
            self._put(Step.DATA, _DATA)
            return

    def _put(self, step: Step, *pieces: bytes) -> None:
        if self.owed and not self._offer.pipelining:
            return self._later.append((step, pieces))
        self.owed.append(step)
        self.asks += 1
        self.out += pieces

    def _on_mail(self, reply: Reply) -> None:
        kind = reply.code // 100
        if kind == 2:
            return
        if kind == 3:
            return self._no_sense("MAIL", reply)
        if kind == 4 and self.done and _TOO_MANY.search(reply.words):
            self.is_used_up = True
            return self.end(f"The relay takes no more on this connection: {said(reply)}")
        self._refuse(reply)

    def _on_rcpt(self, reply: Reply) -> None:
        kind = reply.code // 100
        if kind == 3:
            return self._no_sense("RCPT", reply)
        self._has_recipient = kind == 2
        if kind != 2:
            self._refuse(reply)

    def _refuse(self, reply: Reply) -> None:
        """The first refusal counts. Without PIPELINING the rest of the envelope is not said any more."""
        self._refused = self._refused or reply
        if not self._offer.pipelining:
            self._later.clear()
            self._settle(self._refused)
            self._put(Step.RSET, _RSET)
            self._announce()

    def _on_data(self, reply: Reply) -> None:
        if reply.code == 354:
            return self._granted()
        if reply.code // 100 not in (4, 5):
            return self._no_sense("DATA", reply)
        self._settle(self._refused or reply)
        self._put(Step.RSET, _RSET)
        self._announce()

    def _granted(self) -> None:
        message = self.announced
        assert message is not None  # noqa: S101
        if self._refused is not None:
            self._settle(self._refused)
            if self._has_recipient:  # the dot could deliver an empty message
                return self.end("DATA was granted after MAIL was refused")
            self._put(Step.DOT, _DOT)
            return self._announce()
        if self._is_leaving or not self._feed.may_leave(message):
            return self.end(STOPPED)  # after 354 only a closed connection sends nothing
        self._feed.intent(message)
        self.sent, self.announced = message, None
        failpoint("m13")
        content, self._content = self._content, ()
        self._put(_FINAL, *content)
        self.dot_at = len(self.out)
        self._announce()

    def _on_final(self, reply: Reply) -> None:
        outcome = outcome_of(reply)
        self._heard(outcome)
        if reply.code == 421 or outcome.state is AttemptState.UNCERTAIN:
            self.is_used_up = reply.code == 421 and self.done > 1
            self.end(f"The relay ended the connection: {said(reply)}")

    def _on_early(self, reply: Reply) -> None:
        """A refusal holds; that it took what it has not read yet cannot be believed."""
        outcome = outcome_of(reply)
        if outcome.state is AttemptState.ACCEPTED:
            return self.end(f"It came before all content was written: {said(reply)}")
        self._heard(outcome)
        self.end(f"Before all content was written, the relay said {said(reply)}")

    def _heard(self, outcome: Outcome) -> None:
        message, self.sent = self.sent, None
        assert message is not None  # noqa: S101
        self.done += 1
        self._feed.outcome(message, outcome)

    def _settle(self, reply: Reply) -> None:
        message, self.announced = self.announced, None
        assert message is not None  # noqa: S101
        self.done += 1
        self._feed.outcome(message, outcome_of(reply))

    def _on_dot(self, reply: Reply) -> None:
        if reply.code // 100 not in (4, 5):
            self.end(f"A message without a recipient was taken: {said(reply)}")

    def _on_rset(self, reply: Reply) -> None:
        if reply.code // 100 != 2:
            self.end(f"RSET was refused: {said(reply)}")

    def _on_quit(self, reply: Reply) -> None:
        self.end("QUIT")

    def _no_sense(self, command: str, reply: Reply) -> None:
        self.end(f"No answer to {command}: {said(reply)}")
