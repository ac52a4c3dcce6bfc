"""The local journal of one sender process: what reached the wire, kept by the kernel through kill -9.

Append-only text. First line: `tandem-journal 1 <sender id> <boot id>`. Then `I <attempt> <try>` before the content of
a message leaves, `O <attempt> <try> <state> <detail>` after the answer. The file is locked (flock) for as long as
its process lives: a free lock on the same host proves the death of its owner.

Its room on the disk is taken beforehand and mapped: a line is with the kernel as soon as it is copied, without a call.
What is not written yet is NUL bytes; a line that a kill cut is not whole when it is read.
"""

import fcntl
import mmap
import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tandem.messenger.delivery.domain import AttemptState, Outcome

_MAGIC = "tandem-journal 1"
LONGEST_DETAIL = 200
TURN_OVER_BYTES = 16 << 20
#: room for what is written until the turn-over comes, more than every row in hand can need
SPARE_BYTES = 4 << 20


def boot_id() -> str:
    """What tells this boot of the machine from another; the page cache does not outlive it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"


class Journal:
    """The open journal of a living sender; several threads may write.

    It keeps the last line of each row that the ledger does not know yet. When the file has grown long, a new one with
    these lines takes its place.
    """

    def __init__(self, path: Path, sender_id: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._head = f"{_MAGIC} {sender_id} {boot_id()}\n"
        self._guard = threading.Lock()
        self._unsettled: dict[int, bytes] = {}
        self._is_torn = False
        self._file = _opened(path)
        os.ftruncate(
            self._file, 0
        )  # numbers come again after a backup was put back; what is here is not ours
        self._map, self._size = _mapped(self._file), 0
        self._write(self._head.encode())

    def intent(self, attempt_id: int, tries: int) -> None:
        """The content is about to leave."""
        self._say(attempt_id, b"I %d %d\n" % (attempt_id, tries))

    def outcome(self, attempt_id: int, tries: int, outcome: Outcome) -> Outcome:
        """The answer came. Returns it in the words that were kept."""
        outcome = fit(outcome)
        state, detail = outcome
        self._say(attempt_id, b"O %d %d %d %b\n" % (attempt_id, tries, state, detail.encode()))
        return outcome

    def sync(self) -> None:
        """What was said so far survives the machine too. Lines may be written meanwhile."""
        os.fdatasync(self._file)

    def settled(self, attempt_ids: Iterable[int]) -> None:
        """The ledger knows what became of these."""
        for attempt_id in attempt_ids:
            self._unsettled.pop(attempt_id, None)
        if self._size > TURN_OVER_BYTES:
            self._turn_over()

    def close(self) -> None:
        """Give the lock back. Whoever still writes then gets an OSError."""
        with self._guard:
            file, self._file, self._is_torn = self._file, -1, True
            self._map.close()
            os.ftruncate(file, self._size)
            os.close(file)

    def _say(self, attempt_id: int, line: bytes) -> None:
        with self._guard:
            self._unsettled[attempt_id] = line
            self._write(line)

    def _write(self, data: bytes) -> None:
        """A whole line or nothing; and nothing more after a line that had no room."""
        end = self._size + len(data)
        if self._is_torn or end > len(self._map):
            self._is_torn = True
            raise OSError("The journal cannot be written in full.")
        self._map[self._size : end] = data
        self._size = end

    def _turn_over(self) -> None:
        """The new file is locked and durable before it has the name, and has it before the old one is let go."""
        with self._guard:
            fresh = self.path.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            lines = self._head.encode() + b"".join(self._unsettled.values())
            file = _opened(fresh, os.O_EXCL)
            try:
                mapped = _mapped(file)
                mapped[: len(lines)] = lines
                os.fdatasync(file)
                os.rename(fresh, self.path)
            except OSError:
                os.close(file)
                raise
            old, self._file, self._size = self._file, file, len(lines)
            self._map.close()
            self._map = mapped
            os.close(old)


def _opened(path: Path, flags: int = 0) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | flags, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file


def _mapped(file: int) -> mmap.mmap:
    """Room that is really there: a full disk is heard of here, not when a line is copied into it."""
    size = TURN_OVER_BYTES + SPARE_BYTES
    os.posix_fallocate(file, 0, size)
    return mmap.mmap(file, size)


def fit(outcome: Outcome) -> Outcome:
    """The outcome in words that a line and the database can keep: printable, and not too many."""
    detail = outcome.detail
    if detail.isprintable() and len(detail) <= LONGEST_DETAIL:
        return outcome
    printable = "".join(sign if sign.isprintable() else " " for sign in detail[: 2 * LONGEST_DETAIL])
    return Outcome(state=outcome.state, detail=" ".join(printable.split())[:LONGEST_DETAIL])


@dataclass(frozen=True)
class JournalRecord:
    """What a dead sender's journal says; `intact` = nothing that was written can be missing."""

    intact: bool
    outcomes: Mapping[tuple[int, int], Outcome | None] = field(default_factory=dict)

    def truth(self, attempt_id: int, tries: int) -> Outcome:
        """What became of an orphaned row: its outcome, pending (never reached the wire) or uncertain."""
        known = self.outcomes.get((attempt_id, tries), False)
        if isinstance(known, Outcome) and (self.intact or known.state is not AttemptState.PENDING):
            return known  # after a release the same try may have gone on: only a whole journal knows that it did not
        if known is None:
            return Outcome(state=AttemptState.UNCERTAIN, detail="The sender died before it heard the answer.")
        if self.intact:
            return Outcome(state=AttemptState.PENDING)
        return Outcome(state=AttemptState.UNCERTAIN, detail="The sender died and its journal is lost.")


def is_locked(path: Path) -> bool | None:
    """Whether the owner lives; None if there is no journal."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        is_current = _is_at(handle, path)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False if is_current else is_locked(path)


def _is_at(handle: int, path: Path) -> bool:
    """Whether the open file still has the name: its owner may have turned over to a new one meanwhile."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return True


def read(path: Path, sender_id: int) -> JournalRecord:
    """The record of a dead sender; not intact if lost, of another sender, or of an earlier boot of the machine."""
    try:
        lines = path.read_text(errors="replace").rstrip("\0").split("\n")
    except OSError:
        return JournalRecord(intact=False)
    header = lines[0].rsplit(" ", 2)
    if header[0] != _MAGIC or header[1] != str(sender_id):
        return JournalRecord(intact=False)
    found: dict[tuple[int, int], Outcome | None] = {}
    #: the piece after the last newline is empty or half-written
    is_whole = all([_take(line, found) for line in lines[1:-1]]) and lines[-1][:1] in ("", "O")
    return JournalRecord(intact=is_whole and header[2] == boot_id() != "unknown", outcomes=found)


def _take(line: str, found: dict[tuple[int, int], Outcome | None]) -> bool:
    """Whether the line could be read."""
    words = line.split(" ", 4)
    try:
        key = int(words[1]), int(words[2])
        if words[0] == "I" and len(words) == 3:
            found[key] = None
        elif words[0] == "O" and len(words) == 5:
            found[key] = fit(Outcome(state=AttemptState(int(words[3])), detail=words[4]))
        else:
            return False
    except (ValueError, IndexError):
        return False
    return True
