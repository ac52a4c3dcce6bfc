"""A way out that writes a Maildir per account and channel: the built-in outbox.

A message's file name comes from its attempt, so a message written twice is one file: a crash cannot double it.
Layout: `<home>/outbox/<account>/<channel>/{tmp,new,cur}`. Files are not synced one by one; folders are, per
sub-block.
"""

import heapq
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tandem.kit.failpoints import failpoint
from tandem.messenger.delivery.domain import AttemptState, Channel, Message, Outcome
from tandem.messenger.delivery.errors import OutboundStopped
from tandem.messenger.delivery.providers.base import BeforeContent

_HEADER_BYTES = 4096
_NAME = re.compile(r"^[0-9]+\.[0-9]+\.tandem$")


class FileProvider:
    """Writes to `tmp`, then renames to `new`."""

    idempotent = True

    def __init__(self, root: Path) -> None:
        self._root = root
        self._boxes: dict[tuple[int, Channel], str] = {}
        self._touched: set[str] = set()

    def send(self, message: Message, before_content: BeforeContent) -> Outcome | None:
        """Write one message."""
        box = self._boxes.get((message.account_id, message.channel)) or self._make_box(message)
        name = file_name(message.sending_id, message.attempt_id)
        if not before_content():
            return None
        try:
            written = os.path.join(box, "tmp", name)
            _write(written, message.content)
            failpoint("m13")
            os.rename(written, os.path.join(box, "new", name))
            failpoint("m14")
        except OSError as error:
            raise OutboundStopped(
                f"The outbox cannot be written: {error.strerror}.", "Is the disk full?"
            ) from error
        self._touched.add(f"{box}/new")
        return Outcome(state=AttemptState.ACCEPTED, detail="in the outbox")

    def settle(self) -> None:
        """Sync the folders that were written to."""
        for path in self._touched:
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        self._touched.clear()

    def arrived(self, message: Message) -> bool | None:
        """Whether the message lies in the box."""
        box = folder(self._root, message.account_id, message.channel)
        return find(box, file_name(message.sending_id, message.attempt_id)) is not None

    def close(self) -> None:
        """Nothing to close."""

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


def distinct(box: Path, campaign_id: int | None) -> int:
    """Distinct Message-IDs in a Maildir, read back from the files; of one campaign if it is given."""
    seen: set[bytes] = set()
    wanted = None if campaign_id is None else str(campaign_id).encode()
    for path in files(box):
        with path.open("rb") as file:
            head = file.read(_HEADER_BYTES).replace(b"\r\n", b"\n").split(b"\n\n", 1)[0]
        fields = dict(line.split(b": ", 1) for line in head.split(b"\n") if b": " in line)
        lower = {name.lower(): value.strip() for name, value in fields.items()}
        if wanted is None or lower.get(b"x-tandem-campaign") == wanted:
            seen.add(lower.get(b"message-id", path.name.encode()))
    return len(seen)


def _write(path: str, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(handle, view) :]
    finally:
        os.close(handle)
