"""Where uploaded import files lie until their import has run."""

import os
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings


def import_path(account_id: int, import_id: str) -> Path:
    """The file of one import."""
    return Path(settings.TANDEM_STORAGE) / str(account_id) / "imports" / f"{import_id}.csv"


def store(path: Path, body: Iterable[bytes]) -> int:
    """Write the body, whole or not at all; its size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    size = 0
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for block in body:
                size += file.write(block)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
    return size


def waiting_files(account_id: int) -> int:
    """How many uploaded files of the account wait."""
    folder = import_path(account_id, "x").parent
    return len(list(folder.glob("*"))) if folder.exists() else 0
