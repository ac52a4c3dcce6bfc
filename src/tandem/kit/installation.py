"""Which installation a database belongs to: one that was copied or put back sends nothing until somebody releases it.

A home has a random id in the file `instance`; the database remembers the homes that may work on it, each with the
server's system identifier. A copy of the file lies elsewhere (another inode, another time of change), a copy of the
database in another server, or the machine is another one.
"""

import os
import secrets
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

#: stands in the place of all homes after a restore
RESTORED = "restored"
_MACHINE = Path("/etc/machine-id")
_KNOWN = """
SELECT i.instance, i.inode, i.changed, i.machine, i.system_identifier = s.system_identifier
FROM tandem_installation i, pg_control_system() s
"""
_ADD = """
INSERT INTO tandem_installation (instance, inode, changed, machine, system_identifier, since)
SELECT %s, %s, %s, %s, system_identifier, clock_timestamp() FROM pg_control_system()
ON CONFLICT (instance) DO UPDATE SET inode = excluded.inode, changed = excluded.changed, machine = excluded.machine,
    system_identifier = excluded.system_identifier, since = excluded.since
"""


@dataclass(frozen=True)
class Home:
    """A home as it lies there."""

    instance: str
    inode: int
    changed: int
    machine: str

    def is_at(self, inode: int, changed: int, machine: str) -> bool:
        """Whether it still lies where it lay: a copy has neither the inode nor the time of change."""
        moved = machine and self.machine and machine != self.machine
        return not moved and (self.inode == inode or self.changed == changed)


def here(folder: Path) -> Home:
    """The home; it gets its id when it has none."""
    file = folder / "instance"
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as made:
            made.write(secrets.token_hex(16))
    except FileExistsError:
        pass
    known = file.stat()
    machine = _MACHINE.read_text().strip() if _MACHINE.is_file() else ""
    return Home(file.read_text().strip(), known.st_ino, known.st_ctime_ns, machine)


def is_ours() -> bool:
    """Whether this home may work on this half's database; the first one that asks may."""
    from django.conf import settings  # commands read this file, most of them without Django
    from django.db import connection

    with connection.cursor() as cursor:
        return belongs(cursor, Path(settings.TANDEM_HOME))


def belongs(cursor: Any, folder: Path) -> bool:
    """The same on a cursor."""
    home = here(folder)
    cursor.execute(_KNOWN)
    known = cursor.fetchall()
    if not known:
        cursor.execute(_ADD, astuple(home))
    return not known or any(
        instance == home.instance and same_server and home.is_at(inode, changed, machine)
        for instance, inode, changed, machine, same_server in known
    )


def hold(cursor: Any) -> None:
    """Nobody may work on this database until somebody releases it."""
    cursor.execute("DELETE FROM tandem_installation")
    cursor.execute(_ADD, astuple(Home(RESTORED, 0, 0, "")))


def release(cursor: Any, folder: Path) -> None:
    """This home may work on this database from now on."""
    cursor.execute("DELETE FROM tandem_installation WHERE instance = %s", [RESTORED])
    cursor.execute(_ADD, astuple(here(folder)))
