"""Bounces that another mail server puts in a Maildir: taken from new/, then moved to processed/; may die anywhere.

A file is moved only after its mail is kept; one that was kept and not moved is taken once more, which changes nothing.
What is for none of our addresses, or is too large, is moved to refused/ and left to people.
"""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.messenger.bounces import mime
from tandem.messenger.bounces.addresses import understood
from tandem.messenger.bounces.domain import LARGEST_MAIL
from tandem.messenger.bounces.errors import NotOurs
from tandem.messenger.bounces.service.taking import take

log = logging.getLogger("tandem.bounces")
MOST_AT_ONCE = 1000
#: where mail servers write whom a mail was delivered to, the surest first
_RECIPIENTS = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to", "cc")
_ADDRESS = re.compile(r"[^\s<>@,;:\"()]{1,64}@[^\s<>@,;:\"()]{1,255}")


def take_all(folder: Path, *, clock: Clock) -> int:
    """Take what lies in new/, the oldest first; how many mails."""
    taken = 0
    for path in sorted((folder / "new").glob("*"))[:MOST_AT_ONCE]:
        try:
            taken += _take(folder, path, clock)
        except FileNotFoundError:
            continue  # another process was quicker
        except OSError as error:
            log.warning("bounces.maildir.unreadable %s", type(error).__name__)
    return taken


def _take(folder: Path, path: Path, clock: Clock) -> bool:
    if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST_MAIL:
        _move(folder, path, "refused")
        return False
    content = path.read_bytes()
    head = mime.headers(mime.split(content)[0])
    recipient = next(_ours(head), "")
    if not recipient:
        _move(folder, path, "refused")
        return False
    null_sender = head.get("return-path", "").strip() == "<>"
    take(recipient, content, null_sender=null_sender, source="maildir", clock=clock)
    failpoint("b4")
    _move(folder, path, "processed")
    return True


def _ours(head: dict[str, str]) -> Iterator[str]:
    for name in _RECIPIENTS:
        for address in _ADDRESS.findall(head.get(name, ""))[:20]:
            try:
                understood(address)
            except NotOurs:
                continue
            yield address


def _move(folder: Path, path: Path, name: str) -> None:
    (folder / name).mkdir(exist_ok=True)
    path.rename(folder / name / path.name)
