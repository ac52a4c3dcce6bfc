"""A way out that writes a Maildir per account and channel: the built-in outbox.

A message's file name comes from its attempt, so a message written twice is one file: a crash cannot double it.
Layout: `<home>/outbox/<account>/<channel>/{tmp,new,cur}`. A message counts as handed over once its file and its
folder are synced, group by group; what lies in `tmp` was never handed over.
"""

import heapq
import os
import re
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from tandem.kit.failpoints import failpoint
from tandem.messenger.delivery.domain import AttemptState, Channel, Message, Outcome
from tandem.messenger.delivery.errors import OutboundStopped
from tandem.messenger.delivery.providers.base import BeforeContent

_HEADER_BYTES = 4096
#: a group of files that is synced together; their handles stay open until then
ROWS_IN_HAND = 250
SYNCS_AT_ONCE = 16
_NAME = re.compile(r"^[0-9]+\.[0-9]+\.tandem$")


class FileProvider:
    """Writes to `tmp`; `settle` syncs the files, renames them to `new` and syncs the folder."""

    idempotent = True
    rows_in_hand = ROWS_IN_HAND
    holds_after_settle = True

    def __init__(self, root: Path) -> None:
        self._root = root
        self._boxes: dict[tuple[int, Channel], str] = {}
        self._written: dict[tuple[str, str], int] = {}
        #: syncs that wait side by side share the disk's flushes; one after the other each has its own
        self._syncing = ThreadPoolExecutor(SYNCS_AT_ONCE, thread_name_prefix="outbox-sync")

    def send(self, message: Message, before_content: BeforeContent) -> Outcome | None:
        """Write one message."""
        box = self._boxes.get((message.account_id, message.channel)) or self._make_box(message)
        name = file_name(message.sending_id, message.attempt_id)
        if not before_content():
            return None
        try:
            self._begin(box, name, message.content)
        except OSError as error:
            raise _stopped(error) from error
        failpoint("m13")
        return Outcome(state=AttemptState.ACCEPTED, detail="in the outbox")

    def settle(self) -> None:
        """What was written becomes durable, then visible; the disk writes all of it at once."""
        written, self._written = self._written, {}
        try:
            for handle in written.values():
                _begin_write_back(handle)
            for _ in self._syncing.map(os.fsync, written.values()):
                pass
            for box, name in written:
                os.rename(_begun(box, name), f"{box}/new/{name}")
            failpoint("m14")
            for box in {box for box, _ in written}:
                _sync_folder(f"{box}/new")
        except OSError as error:
            raise _stopped(error) from error
        finally:
            for handle in written.values():
                os.close(handle)

    def arrived(self, message: Message) -> bool | None:
        """Whether the message lies in the box; one that was begun and not settled is removed."""
        box = folder(self._root, message.account_id, message.channel)
        name = file_name(message.sending_id, message.attempt_id)
        (box / "tmp" / name).unlink(missing_ok=True)
        return find(box, name) is not None

    def close(self) -> None:
        """Drop what was not settled; its rows are free again."""
        for (box, name), handle in self._written.items():
            os.close(handle)
            Path(_begun(box, name)).unlink(missing_ok=True)
        self._written.clear()
        self._syncing.shutdown()

    def _begin(self, box: str, name: str, content: bytes) -> None:
        handle = _write(_begun(box, name), content)
        earlier = self._written.pop((box, name), None)
        self._written[box, name] = handle
        if earlier is not None:
            os.close(earlier)

    def _make_box(self, message: Message) -> str:
        box = folder(self._root, message.account_id, message.channel)
        for part in ("tmp", "new", "cur"):
            (box / part).mkdir(parents=True, exist_ok=True)
        self._boxes[message.account_id, message.channel] = str(box)
        return str(box)


def folder(root: Path, account_id: int, channel: str) -> Path:
    """The Maildir of one account and channel."""
    return root / str(account_id) / Channel(channel).value


def file_name(sending_id: int, attempt_id: int) -> str:
    """The one name of an attempt's message."""
    return f"{sending_id}.{attempt_id}.tandem"


def find(box: Path, name: str) -> Path | None:
    """The file of a message, read or not; None if there is none or the name is not of ours."""
    if not _NAME.match(name):
        return None
    if (box / "new" / name).is_file():
        return box / "new" / name
    return next((box / "cur").glob(f"{name}:2,*"), None)


def files(box: Path) -> Iterator[Path]:
    """Every message file of a Maildir."""
    for part in ("new", "cur"):
        try:
            with os.scandir(box / part) as entries:
                yield from (Path(entry.path) for entry in entries)
        except FileNotFoundError:
            continue


def order(name: str) -> tuple[int, int]:
    """A message's place among the others, from its name alone: (sending, attempt)."""
    sending, attempt, _ = name.split(".", 2)
    return int(sending), int(attempt)


def newest(box: Path, limit: int, before: str | None) -> list[Path]:
    """The last files by sending and attempt, at most `limit`, before the named one; opens none and asks no times."""
    mark = order(before) if before and _NAME.match(before) else None
    names = ((order(name), part, name) for part, name in _names(box))
    older = names if mark is None else (one for one in names if one[0] < mark)
    return [box / part / name for _, part, name in heapq.nlargest(limit, older)]


def size(box: Path) -> int:
    """How many messages lie in the box, by name alone."""
    return len({name.partition(":")[0] for _, name in _names(box)})


def _names(box: Path) -> Iterator[tuple[str, str]]:
    for part in ("new", "cur"):
        try:
            yield from (
                (part, name) for name in os.listdir(box / part) if _NAME.match(name.partition(":")[0])
            )
        except FileNotFoundError:
            continue


def written_at(path: Path) -> datetime:
    """When a message was written."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def distinct(box: Path, sendings: Collection[int] | None = None) -> int:
    """Distinct Message-IDs in a Maildir, read back from the files; of these sendings if they are given."""
    wanted = None if sendings is None else {str(sending) for sending in sendings}
    return len(
        {_message_id(path) for path in files(box) if wanted is None or path.name.partition(".")[0] in wanted}
    )


def _message_id(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES).replace(b"\r\n", b"\n").split(b"\n\n", 1)[0]
    for line in head.split(b"\n"):
        if line.lower().startswith(b"message-id:"):
            return line.partition(b":")[2].strip()
    return path.name.encode()


def _begun(box: str, name: str) -> str:
    return os.path.join(box, "tmp", name)


def _write(path: str, content: bytes) -> int:
    """The open file; its content is in it, in memory."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(handle, view) :]
    except OSError:
        os.close(handle)
        raise
    return handle


def _begin_write_back(handle: int) -> None:
    """Ask the kernel to start writing before the syncs that follow."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)


def _sync_folder(path: str) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _stopped(error: OSError) -> OutboundStopped:
    return OutboundStopped(f"The outbox cannot be written: {error.strerror}.", "Is the disk full?")
