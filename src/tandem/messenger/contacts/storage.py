"""Where uploaded import files lie until their import has run."""

import os
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from tandem.messenger.contacts.errors import FileTooLarge

LARGEST_FILE = 2 << 30


def import_path(account_id: int, import_id: str) -> Path:
    """The file of one import."""
    return Path(settings.TANDEM_STORAGE) / str(account_id) / "imports" / f"{import_id}.csv"


def errors_path(account_id: int, import_id: str) -> Path:
    """The rows of one import that were refused, kept for a day."""
    return import_path(account_id, import_id).with_suffix(".errors.csv")


def progress_path(account_id: int, import_id: str) -> Path:
    """How many rows of a running import are read."""
    return import_path(account_id, import_id).with_suffix(".progress")


def progress_of(account_id: int, import_id: str) -> int:
    """Rows read so far, 0 before the first thousand."""
    try:
        return int(progress_path(account_id, import_id).read_text() or 0)
    except (FileNotFoundError, ValueError):
        return 0


def store(path: Path, body: Iterable[bytes], *, most: int) -> int:
    """Write the body, whole or not at all; its size. Raises FileTooLarge."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{uuid.uuid4().hex}.part")
    size = 0
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for block in body:
                size += file.write(block)
                if size > most:
                    raise FileTooLarge(f"The file is larger than {most >> 20} MB.", "Send it in parts.")
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
    return size


def waiting_files(account_id: int) -> int:
    """How many uploaded files and files of refused rows the account has."""
    folder = import_path(account_id, "x").parent
    return len([*folder.glob("*.csv"), *folder.glob("*.part")]) if folder.exists() else 0


def files_before(moment: float) -> list[Path]:
    """Uploaded files of every account that nobody has written to since, begun ones too."""
    found = []
    for path in Path(settings.TANDEM_STORAGE).glob("*/imports/*"):
        with suppress(FileNotFoundError):  # its import has ended just now
            if path.stat().st_mtime < moment:
                found.append(path)
    return found
