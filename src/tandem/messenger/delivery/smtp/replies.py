"""What a relay says: replies out of bytes, and the outcome each one stands for."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tandem.messenger.delivery.domain import AttemptState, Outcome

LONGEST_LINE = 4096
MOST_LINES = 100
_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+")
_CONTROL = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ufffd]+")
_CODES = {b"%d" % code: code for code in range(200, 600)}
_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)


class Reply(NamedTuple):
    """A whole reply; lines joined by line feeds."""

    code: int
    words: bytes = b""


class NoReply(ValueError):
    """What came is no SMTP reply; nothing that follows can be trusted."""


class Replies:
    """Bytes in, whole replies out. Raises NoReply for what is none, or has no end."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []
        self._code = b""
        #: the last replies to an envelope that let its content follow, as they were written
        self._leave = b""

    def final(self, data: bytes) -> Reply | None:
        """The answer to a content, if what is left of `data` lets the next one follow in the words of the last time.

        None: feed it.
        """
        end = data.find(b"\n")
        if self._rest or self._lines or not self._leave or data[end + 1 :] != self._leave:
            return None
        return _KNOWN.get(data[:end]) or _plain(
            data[: end - 1] if data[end - 1 : end] == b"\r" else data[:end]
        )

    def remember(self, data: bytes, replies: Sequence[Reply]) -> None:
        """Whether these were the replies in `data`: to a content, and to an envelope that lets its own follow."""
        whole = len(replies) == 4 and data.count(b"\n") == 4 and not self._rest
        if whole and [reply.code // 100 for reply in replies[:3]] == [2, 2, 2] and replies[3].code == 354:
            self._leave = data[data.find(b"\n") + 1 :]

    def feed(self, data: bytes) -> Iterator[Reply]:
        """The replies that are complete now; those before what is none come first."""
        lines = (self._rest + data if self._rest else data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            known = _KNOWN.get(line)
            if known is not None and not self._lines:
                yield known  # relays repeat themselves
                continue
            reply = self._line(line[:-1] if line.endswith(b"\r") else line)
            if reply is not None:
                yield reply
        if len(self._rest) > LONGEST_LINE:
            raise NoReply("a line without an end")

    def _line(self, line: bytes) -> Reply | None:
        plain = None if self._lines else _plain(line)
        if plain is not None:
            return _remembered(line, plain)
        match = _LINE.fullmatch(line)
        if match is None or len(line) > LONGEST_LINE or (self._code and match[1] != self._code):
            raise NoReply("something that is no reply")
        code, mark, words = match.groups()
        if not self._lines and mark != b"-":
            return _remembered(line, Reply(int(code), words or b""))
        self._lines.append(words or b"")
        self._code = code
        if mark != b"-":
            whole = Reply(int(code), b"\n".join(self._lines))
            self._lines, self._code = [], b""
            return whole
        if len(self._lines) >= MOST_LINES:
            raise NoReply("a reply without an end")
        return None


def _plain(line: bytes) -> Reply | None:
    """The usual one-line reply; None for anything else."""
    code = _CODES.get(line[:3]) if line[3:4] == b" " and len(line) <= LONGEST_LINE else None
    return Reply(code, line[4:]) if code else None


#: one-line replies as they were read, without their line end's CR
_KNOWN: dict[bytes, Reply] = {}
_KNOWN_AT_MOST, _KNOWN_LENGTH = 256, 80


def _remembered(line: bytes, reply: Reply) -> Reply:
    if len(line) < _KNOWN_LENGTH:
        if len(_KNOWN) >= _KNOWN_AT_MOST:
            _KNOWN.clear()
        _KNOWN[line + b"\r"] = reply
    return reply


def said(reply: Reply) -> str:
    """The reply in words that may be kept: its code and enhanced code, no address, no control characters."""
    words = reply.words.decode("utf-8", "replace")
    if not words.isprintable() or "\ufffd" in words:
        words = _CONTROL.sub(" ", words)
    if "@" in words:
        words = _ADDRESS.sub("(address)", words)
    return f"{reply.code} {words}".strip()[:200]


def outcome_of(reply: Reply) -> Outcome:
    """The outcome a reply to a command of the message, or to its content, stands for."""
    known = _OUTCOMES.get(reply)
    if known is None:
        known = Outcome(_STATES.get(reply.code // 100, AttemptState.UNCERTAIN), said(reply))
        if len(_OUTCOMES) >= _KNOWN_AT_MOST:
            _OUTCOMES.clear()
        _OUTCOMES[reply] = known
    return known


_OUTCOMES: dict[Reply, Outcome] = {}


_STATES = {2: AttemptState.ACCEPTED, 4: AttemptState.DEFERRED, 5: AttemptState.REJECTED}
