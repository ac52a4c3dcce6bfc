"""The session against a model of a relay that refuses, breaks off and loses answers at any step."""

import random
from collections import Counter

import pytest

from tandem.messenger.delivery.domain import AttemptState, Channel, Message, Outcome
from tandem.messenger.delivery.smtp import envelope
from tandem.messenger.delivery.smtp.envelope import Offer
from tandem.messenger.delivery.smtp.replies import NoReply, Replies, Reply, outcome_of, said
from tandem.messenger.delivery.smtp.session import Session, Step

PIPELINED = Offer(pipelining=True)
ONE_BY_ONE = Offer()


def message(number, recipient=None, content=None, sender="news@shop.example"):
    body = f"Subject: {number}\r\n\r\nbody of {number}\r\n".encode() if content is None else content
    return Message(
        attempt_id=number, account_id=1, sending_id=1, channel=Channel.EMAIL,
        sender=sender, recipient=recipient or f"c{number}@x.example", content=body,
    )  # fmt: skip


class Book:
    """A feed that writes down everything and complains about what must not be."""

    def __init__(self, messages, stopped=frozenset()):
        self.waiting, self.stopped = list(messages), stopped
        self.taken, self.intents, self.outcomes, self.released = set(), [], {}, Counter()

    def take(self):
        if not self.waiting:
            return None
        found = self.waiting.pop(0)
        assert found.attempt_id not in self.taken
        self.taken.add(found.attempt_id)
        return found

    def may_leave(self, message):
        return message.attempt_id not in self.stopped

    def intent(self, message):
        assert message.attempt_id in self.taken and message.attempt_id not in self.stopped
        self.intents.append(message.attempt_id)

    def outcome(self, message, outcome):
        assert message.attempt_id not in self.outcomes, "two outcomes"
        self.taken.remove(message.attempt_id)
        self.outcomes[message.attempt_id] = outcome

    def release(self, message):
        assert message.attempt_id not in self.intents, "its content may have left"
        assert message.attempt_id not in self.outcomes
        self.taken.remove(message.attempt_id)
        self.released[message.attempt_id] += 1
        if message.attempt_id not in self.stopped:
            self.waiting.append(message)

    def down(self, stopped):
        raise AssertionError

    def states(self):
        return {number: outcome.state for number, outcome in self.outcomes.items()}


class ModelRelay:
    """A server's side, one command after the other; what it took and what it said."""

    def __init__(self, chance, rate, log, *, is_lenient=False):
        self._chance, self._rate, self.log, self._is_lenient = chance, rate, log, is_lenient
        self._has_mail, self._to, self._is_content = False, None, False
        self._in = b""

    def receive(self, data):
        """Replies to these bytes, None at the end of them = it broke off."""
        self._in += data
        said = []
        while True:
            if self._is_content:
                whole, mark, rest = (b"\r\n" + self._in).partition(b"\r\n.\r\n")
            else:
                whole, mark, rest = self._in.partition(b"\r\n")
            if not mark:
                return said
            self._in = rest
            reply = self._content(whole[2:]) if self._is_content else self._command(whole.decode())
            said.append(reply)
            if reply is None or reply.code in {421, 221}:
                return [*said, None] if reply is not None else said

    def _trouble(self):
        if self._chance.random() >= self._rate:
            return None
        return self._chance.choice([451, 550, 421, 0, 0])

    def _command(self, line):
        trouble, verb = self._trouble(), line[:4]
        if trouble == 0:
            return None
        if trouble == 421:
            return Reply(421, b"4.3.2 down")
        if verb == "QUIT":
            return Reply(221, b"bye")
        if verb == "RSET":
            self._has_mail, self._to = False, None
            return Reply(250)
        if verb == "MAIL":
            self._has_mail, self._to = trouble is None, None
            return Reply(trouble or 250, b"mail")
        if verb == "RCPT":
            if not (self._has_mail or self._is_lenient):
                return Reply(503, b"no mail")
            if trouble is None:
                self._to = line[len("RCPT TO:<") :].rstrip(">")
            return Reply(trouble or 250, b"rcpt")
        assert verb == "DATA", line
        if trouble or (self._to is None and not self._is_lenient):
            return Reply(trouble or 503, b"data")
        self._is_content = True
        return Reply(354)

    def _content(self, content):
        self._is_content, to, self._to, self._has_mail = False, self._to, None, False
        trouble = self._trouble()
        if to is None:
            return Reply(554, b"no valid recipients")
        if trouble == 0 and self._chance.random() < 0.5:
            return None  # lost before it was taken
        if trouble not in (None, 0):
            return Reply(trouble, b"dot")
        self.log.append((to, content))
        return None if trouble == 0 else Reply(250, b"taken")


def carry(book, offer, relay, chance, most=0, seen=lambda session: None):
    """One connection until it ends or nothing is left; replies come in random portions."""
    session = Session(book, offer, most)
    session.go()
    replies = []
    for _ in range(1000):
        if session.ended is not None:
            return session
        if session.out:
            written, session.out, session.dot_at = b"".join(session.out), [], None
            assert offer.pipelining or len(session.owed) <= 1
            replies += relay.receive(written)
        if session.is_idle and not book.waiting:
            session.leave()
            continue
        for _ in range(chance.randint(1, 4)):
            if not replies:
                break
            if lets_the_next_follow(replies) and session.reply_and_leave(replies[0]):
                del replies[:4]
                continue
            reply = replies.pop(0)
            session.end("broken off") if reply is None else session.reply(reply)
        seen(session)
        if chance.random() < 0.3:
            session.go()
    raise AssertionError("it never ends")


def lets_the_next_follow(replies):
    codes = [reply and reply.code for reply in replies[:4]]
    return (
        len(codes) == 4
        and None not in codes
        and [code // 100 for code in codes[1:3]] == [2, 2]
        and codes[3] == 354
    )


@pytest.mark.parametrize("offer", [PIPELINED, ONE_BY_ONE], ids=["pipelined", "one by one"])
def test_random_runs_lose_double_and_empty_nothing_unflagged(offer):
    for seed in range(1000):
        chance = random.Random(seed)
        count = chance.randint(1, 12)
        stopped = frozenset(n for n in range(count) if chance.random() < 0.1)
        book, log = Book([message(n) for n in range(count)], stopped), []
        rate, lenient = chance.choice([0.0, 0.05, 0.3]), chance.random() < 0.3
        connections = 0
        while book.waiting:
            relay = ModelRelay(chance, rate, log, is_lenient=lenient)
            carry(book, offer, relay, chance, most=chance.choice([0, 1, 3]))
            connections += 1
            assert connections < 500
        check(book, log, count, stopped)


def check(book, log, count, stopped):
    states, copies = book.states(), Counter(to for to, _ in log)
    assert not book.taken
    assert set(states) | (set(book.released) & stopped) == set(range(count)), "nobody is lost"
    for number in range(count):
        there, state = copies[f"c{number}@x.example"], states.get(number)
        allowed = {AttemptState.ACCEPTED: {1}, AttemptState.UNCERTAIN: {0, 1}}
        assert there in allowed.get(state, {0}), (number, state, there)
    for to, content in log:
        number = int(to[1:].partition("@")[0])
        assert content == f"Subject: {number}\r\n\r\nbody of {number}".encode()


def test_a_group_is_one_write_and_four_replies():
    book = Book([message(1), message(2)])
    session = Session(book, PIPELINED)
    session.go()
    assert [len(session.owed), session.asks] == [3, 3]
    session.out.clear()
    for reply in (Reply(250), Reply(250), Reply(354)):
        session.reply(reply)
    written = b"".join(session.out)
    assert written.startswith(b"Subject: 1\r\n") and written.endswith(b"DATA\r\n")
    assert b"\r\n.\r\nMAIL FROM:<news@shop.example>\r\nRCPT TO:<c2@x.example>\r\nDATA\r\n" in written
    assert list(session.owed) == [Step.FINAL, Step.MAIL, Step.RCPT, Step.DATA]


def begun(*replies, offer=PIPELINED, stopped=frozenset(), count=2):
    book = Book([message(n) for n in range(1, count + 1)], stopped)
    session = Session(book, offer)
    session.go()
    session.out.clear()
    for reply in replies:
        session.reply(reply)
    return book, session


OK, GO = Reply(250, b"2.1.0 ok"), Reply(354, b"go")


@pytest.mark.parametrize(
    ("replies", "state"),
    [
        ((Reply(550, b"5.7.1 no"), Reply(503), Reply(503)), AttemptState.REJECTED),
        ((Reply(451, b"4.3.0 later"), Reply(503), Reply(503)), AttemptState.DEFERRED),
        ((OK, Reply(450, b"4.2.1 full"), Reply(503)), AttemptState.DEFERRED),
        ((OK, OK, Reply(451, b"4.3.0 later")), AttemptState.DEFERRED),
        ((OK, OK, GO, Reply(552, b"5.3.4 too big")), AttemptState.REJECTED),
        ((OK, OK, GO, Reply(421, b"4.3.2 down")), AttemptState.DEFERRED),
        ((OK, Reply(550), GO), AttemptState.REJECTED),
        ((OK, OK, GO, OK), AttemptState.ACCEPTED),
        ((OK, OK, GO, Reply(354)), AttemptState.UNCERTAIN),
    ],
)
def test_each_refusal_is_the_outcome_of_its_own_message(replies, state):
    book, session = begun(*replies)
    assert book.states() == {1: state}
    assert (session.ended is None) == (
        state is not AttemptState.UNCERTAIN and Reply(421, b"4.3.2 down") not in replies
    )


def test_a_dot_is_never_said_for_a_message_that_was_refused_but_has_a_recipient():
    book, session = begun(Reply(451), OK, GO)
    assert book.states() == {1: AttemptState.DEFERRED}
    assert session.ended and not session.out and book.waiting


def test_a_lone_dot_answers_a_grant_without_a_recipient():
    _, session = begun(OK, Reply(550), GO)
    assert session.out[0] == b".\r\n" and session.out[1].startswith(b"MAIL")
    session.reply(Reply(250))
    assert session.ended == "A message without a recipient was taken: 250"


def test_a_stop_at_the_last_moment_ends_the_connection_without_content():
    book, session = begun(OK, OK, GO, stopped=frozenset({1}))
    assert session.ended and not session.out
    assert (book.intents, book.outcomes, book.released) == ([], {}, Counter({1: 1}))


@pytest.mark.parametrize(
    "replies", [(Reply(354),), (OK, Reply(354)), (OK, OK, OK), (Reply(421),), (OK, OK, Reply(421))]
)
def test_what_makes_no_sense_before_the_content_frees_the_row(replies):
    book, session = begun(*replies)
    assert session.ended and book.outcomes == {} and book.released == Counter({1: 1})


def test_an_answer_nobody_waits_for_ends_an_idle_connection():
    book, session = begun(OK, OK, GO, OK, count=1)
    assert session.is_idle
    session.reply(OK)
    assert session.ended and book.states() == {1: AttemptState.ACCEPTED}


@pytest.mark.parametrize(("code", "state"), [(250, AttemptState.UNCERTAIN), (552, AttemptState.REJECTED)])
def test_an_answer_before_all_content_was_written(code, state):
    book, session = begun(OK, OK, GO)
    session.reply(Reply(code), unsent=True)
    assert book.states() == {1: state} and session.ended and book.released == Counter({2: 1})


def test_a_relay_that_limits_messages_is_left_after_as_many():
    book, session = begun(OK, OK, GO, OK, Reply(421, b"4.7.0 too many messages"))
    assert session.is_used_up and session.done == 1 and book.released == Counter({2: 1})
    again = Session(book, PIPELINED, most=session.done)
    book.waiting.append(message(3))
    again.go()
    again.out.clear()
    for reply in (OK, OK, GO):
        again.reply(reply)
    assert again.out[-1] == b"QUIT\r\n"
    book, session = begun(OK, OK, GO, OK, Reply(452, b"4.3.2 Too many messages per connection"))
    assert session.is_used_up and book.states() == {1: AttemptState.ACCEPTED}


def test_leaving_hears_what_is_owed_and_begins_nothing():
    book, session = begun(OK, OK, GO)
    session.leave()
    session.reply(OK)
    assert book.states() == {1: AttemptState.ACCEPTED}
    for reply in (OK, OK, GO):
        session.reply(reply)
    assert session.ended and book.released == Counter({2: 1})


def test_a_journal_that_cannot_be_written_sends_nothing():
    book, session = begun(OK, OK)
    book.intent = lambda message: (_ for _ in ()).throw(OSError("disk full"))
    session.out.clear()
    with pytest.raises(OSError, match="disk full"):
        session.reply(GO)
    assert not session.out and session.sent is None


@pytest.mark.parametrize(
    ("recipient", "words"),
    [
        ("a@x.example>\r\nRCPT TO:<b@x.example", "cannot be used"),
        ("a b@x.example", "cannot be used"),
        ("a\x00@x.example", "cannot be used"),
        ("a@x.example\r\nDATA", "is none"),
        ("<a>@x.example", "cannot be used"),
        ("a@-x.example", "is none"),
        ("nobody", "cannot be used"),
        ("a@" + "x" * 300, "cannot be used"),
        ("\u00e4@x.example", "SMTPUTF8"),
        ("a\u2028@x.example", "cannot be used"),
    ],
)
def test_an_envelope_cannot_hold_a_second_command(recipient, words):
    book = Book([message(1, recipient), message(2)])
    session = Session(book, PIPELINED)
    session.go()
    assert b"".join(session.out) == b"MAIL FROM:<news@shop.example>\r\nRCPT TO:<c2@x.example>\r\nDATA\r\n"
    assert book.outcomes[1].state is AttemptState.REJECTED and words in book.outcomes[1].detail
    assert recipient not in book.outcomes[1].detail


def test_addresses_outside_ascii():
    session = Session(Book([message(1, "a@bücher.example")]), PIPELINED)
    session.go()
    said = b"".join(session.out)
    assert b"\r\nRCPT TO:<a@xn--bcher-kva.example>\r\n" in said and b"SMTPUTF8" not in said
    session = Session(Book([message(1, "a@straße.example")]), PIPELINED)
    session.go()
    assert b"\r\nRCPT TO:<a@xn--strae-oqa.example>\r\n" in b"".join(session.out)
    session = Session(Book([message(1, "ä@bücher.example")]), Offer(pipelining=True, smtputf8=True))
    session.go()
    assert "> SMTPUTF8\r\nRCPT TO:<ä@xn--bcher-kva.example>\r\n".encode() in b"".join(session.out)


@pytest.mark.parametrize(
    ("content", "wire"),
    [
        (b".a\n.b\r\nc", b"..a\r\n..b\r\nc\r\n.\r\n"),
        (b"a\rb\n", b"a\r\nb\r\n.\r\n"),
        (b"a\r\n.\r\nMAIL FROM:<x>\r\n", b"a\r\n..\r\nMAIL FROM:<x>\r\n.\r\n"),
        (b"a\n.\nRCPT TO:<x>\n", b"a\r\n..\r\nRCPT TO:<x>\r\n.\r\n"),
        (b"", b"\r\n.\r\n"),
        (b"x" * 998 + b"\r\n", b"x" * 998 + b"\r\n.\r\n"),
    ],
)
def test_content_cannot_end_before_its_end(content, wire):
    book, session = begun()
    book = Book([message(1, content=content)])
    session = Session(book, PIPELINED)
    session.go()
    session.out.clear()
    for reply in (OK, OK, GO):
        session.reply(reply)
    assert b"".join(session.out) == wire


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a\r\n" * 400 + b"x" * 999 + b"\r\n", "998"),
        (b"x" * 999, "998"),
        ("ä\r\n".encode(), "8BITMIME"),
        (b"x\r\n" * 1000, "takes 2500"),
    ],
)
def test_content_that_cannot_go_is_refused_before_its_envelope(content, words):
    book = Book([message(1, content=content)])
    session = Session(book, Offer(pipelining=True, size=2500))
    session.go()
    assert not session.out and session.is_idle and words in book.outcomes[1].detail


def test_replies_come_in_any_portions():
    data = b"250-first a@b.example\r\n250 second\r\n354\r\n421 4.3.2 \xff\x00down\n"
    whole = list(Replies().feed(data))
    assert [reply.code for reply in whole] == [250, 354, 421]
    parser = Replies()
    assert [one for n in range(len(data)) for one in parser.feed(data[n : n + 1])] == whole
    assert said(whole[0]) == "250 first (address) second"
    assert said(whole[2]) == "421 4.3.2 down"


@pytest.mark.parametrize(
    "data",
    [
        b"hello\r\n",
        b"\x16\x03\x01\r\n",
        b"250-a\r\n251 b\r\n",
        b"x" * 5000,
        b"220-still\r\n" * 101,
        b"2500\r\n",
        b"999 x\r\n",
        b"\r\n",
    ],
)
def test_what_is_no_reply_is_refused(data):
    with pytest.raises(NoReply):
        list(Replies().feed(data))


@pytest.mark.parametrize(("code", "state"), [(250, 10), (451, 2), (552, 11), (354, 12)])
def test_outcomes(code, state):
    assert outcome_of(Reply(code, b"words")) == Outcome(state=AttemptState(state), detail=f"{code} words")


def test_the_usual_answer_is_known_by_the_words_after_it():
    parser, leave = Replies(), b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 Go on\r\n"
    usual = b"250 2.0.0 queued as 1\r\n" + leave
    assert parser.final(usual) is None
    parser.remember(usual, list(parser.feed(usual)))
    assert parser.final(b"250 2.0.0 queued as 2\r\n" + leave) == Reply(250, b"2.0.0 queued as 2")
    assert parser.final(b"451 4.3.0 later\r\n" + leave) == Reply(451, b"4.3.0 later")
    for unusual in (
        b"250-2.0.0 two\r\n250 lines\r\n" + leave, b"250-2.0.0 open\r\n" + leave, b"what\r\n" + leave, leave,
        b"250 2.0.0 x\r\n" + leave.replace(b"354", b"451"), b"250 2.0.0 x\r\n" + leave + leave, b"250 x", b"",
    ):  # fmt: skip
        assert parser.final(unusual) is None
    assert list(parser.feed(b"250 2.0")) == []
    assert parser.final(b"\r\n" + leave) is None, "a line has begun"


def test_what_the_relay_says_is_kept_without_the_address():
    kept = said(Reply(550, b"5.1.1 <ann@people.example>: user bob@x.example unknown"))
    assert kept == "550 5.1.1 <(address)>: user (address) unknown"


def test_content_of_our_own_making_is_not_looked_at():
    quoted = b"Subject: x\r\n\r\n=2Efirst\r\n" + b"y" * 76 + b"\r\n"
    offer = Offer(pipelining=True)
    made = message(1, content=quoted)._replace(is_quoted=True)
    assert envelope.content(made, offer) == envelope.content(made._replace(is_quoted=False), offer)
    assert envelope.content(made, offer)[0] is quoted
