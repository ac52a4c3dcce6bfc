"""Raw mails on disk: written whole, on disk before anyone is told so, gone when they are worked off."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings


def digest_of(recipient: str, content: bytes) -> str:
    """The same for the same mail to the same address, however often it comes."""
    digest = hashlib.sha256(recipient.lower().encode("utf-8", "replace") + b"\0")
    digest.update(content)
    return digest.hexdigest()


def write(digest: str, content: bytes) -> None:
    """Keep a mail; it survives a power loss once this returns. May be repeated."""
    folder = _folder(digest)
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    place = _path(digest)
    begun = place.with_suffix(f".{os.getpid()}.part")
    with begun.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    begun.replace(place)
    _sync(folder)
    if is_new:
        _sync(folder.parent)


def read(digest: str, most: int = -1) -> bytes | None:
    """A mail, or its beginning; None if it is not kept."""
    try:
        with _path(digest).open("rb") as file:
            return file.read(most)
    except OSError:
        return None


def remove(digest: str) -> None:
    """Delete a mail; it may be gone already."""
    _path(digest).unlink(missing_ok=True)


def files() -> Iterator[Path]:
    """Every file of the spool, begun ones too; its name begins with the digest."""
    yield from (path for path in _root().glob("*/*") if path.is_file())


def _root() -> Path:
    return Path(settings.TANDEM_STORAGE) / "bounces"


def _folder(digest: str) -> Path:
    return _root() / digest[:2]


def _path(digest: str) -> Path:
    return _folder(digest) / f"{digest}.eml"


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
