"""`tandem doctor`: checks everything this installation stands on and gives the line that mends it."""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Annotated

import psycopg
import typer

from tandem.kit import embedded_postgres, installation
from tandem.kit.commands import guarded, print_json, words
from tandem.kit.problems import Problem
from tandem.site.services import HALVES
from tandem.site.settings.base import public_url
from tandem.site.settings.environment import flag, home, value

GIB = 1024**3


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One check: its name, whether all is well, what was seen, the line that mends it."""

    check: str
    ok: bool
    seen: str
    mend: str = ""
    warning: bool = False


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(doctor)


@guarded
def doctor(
    release: Annotated[
        bool,
        typer.Option("--release", help="This home is the one that sends: after a restore, a copy, a move."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Check home, key, databases, clock, services, listener and sending; exit code 1 if anything must be mended."""
    if release:
        _release()
    findings = list(examine())
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            _print(finding)
    if any(not finding.ok and not finding.warning for finding in findings):
        raise SystemExit(1)


def examine() -> Iterator[Finding]:
    """Every finding, in the order a person would mend them."""
    checks: list[Callable[[], Iterator[Finding]]] = [
        _home,
        _key,
        _databases,
        _clock,
        _services,
        _listener,
        _sending,
        _bounces,
        _record,
        _alarms,
    ]
    for check in checks:
        yield from check()


def _home() -> Iterator[Finding]:
    folder = home()
    folder.mkdir(parents=True, exist_ok=True)
    writable = os.access(folder, os.W_OK)
    yield Finding(check="home", ok=writable, seen=str(folder), mend=f"chown it to this user: {folder}")
    free = shutil.disk_usage(folder).free
    yield Finding(
        check="disk", ok=free >= GIB, seen=f"{free / GIB:.1f} GiB free",
        mend="Free some space: no campaign is started below 1 GiB.",
    )  # fmt: skip


def _key() -> Iterator[Finding]:
    from pathlib import Path

    file = Path(value("TANDEM_KEY_FILE") or home() / "key")
    if not file.exists():
        yield Finding(check="key", ok=False, seen=f"{file} is missing", mend="tandem init")
        return
    mode = stat.S_IMODE(file.stat().st_mode)
    yield Finding(check="key", ok=mode & 0o077 == 0, seen=f"{file}, mode {mode:o}", mend=f"chmod 600 {file}")


def _url(half: str) -> str:
    return value(f"TANDEM_{half.upper()}_DATABASE_URL") or embedded_postgres.ensure(home()).url(
        f"tandem_{half}"
    )


def _release() -> None:
    """From now on this home works on its databases."""
    for half in HALVES:
        with psycopg.connect(_url(half), connect_timeout=5) as connection, connection.cursor() as cursor:
            installation.release(cursor, home())
        words.print(f"{half}: released; its worker goes on within seconds.")


def _installation(half: str) -> Finding:
    """Whether home and database are those that send, not a copy of them."""
    try:
        with psycopg.connect(_url(half), connect_timeout=5) as connection, connection.cursor() as cursor:
            is_ours = installation.belongs(cursor, home())
    except psycopg.errors.UndefinedTable:
        is_ours = True
    return Finding(
        check=f"{half} installation", ok=is_ours,
        seen="this home's" if is_ours else "held: the home or the database was copied, moved or put back",
        mend="If this is the one that is to send, and the other one is not: tandem doctor --release",
    )  # fmt: skip


def _databases() -> Iterator[Finding]:
    for half in HALVES:
        try:
            with psycopg.connect(_url(half), connect_timeout=5) as connection:
                version = connection.info.server_version // 10000
            yield Finding(
                check=f"{half} database", ok=version >= 15, seen=f"PostgreSQL {version}",
                mend="Use PostgreSQL 15 or newer.",
            )  # fmt: skip
            yield _tables(half)
            yield _installation(half)
        except (psycopg.OperationalError, Problem) as error:
            yield Finding(
                check=f"{half} database", ok=False, seen=str(error).splitlines()[0],
                mend=f"Check TANDEM_{half.upper()}_DATABASE_URL, or start the server.",
            )  # fmt: skip


def _tables(half: str) -> Finding:
    done = subprocess.run(
        [sys.executable, "-m", "django", "migrate", "--skip-checks", "--check"],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": f"tandem.site.settings.{half}"},
        capture_output=True,
        check=False,
    )
    seen = "up to date" if done.returncode == 0 else "of an older release"
    return Finding(
        check=f"{half} tables", ok=done.returncode == 0, seen=seen, mend="tandem up (it migrates first)"
    )


def _clock() -> Iterator[Finding]:
    offset = float(value("TANDEM_CLOCK_OFFSET") or 0)
    yield Finding(
        check="clock", ok=offset == 0, warning=True,
        seen="business time is the machine's" if offset == 0 else f"business time is moved by {offset:.0f} s",
        mend="" if offset == 0 else "Right for a demo; remove TANDEM_CLOCK_OFFSET for real campaigns.",
    )  # fmt: skip


def _services() -> Iterator[Finding]:
    import httpx  # every command reads this file

    for half, path in (("planner", "/ui/sign-in"), ("messenger", "/ui/sign-in"), ("tracking", "/health")):
        address = f"http://{value('TANDEM_HOST')}:{value(f'TANDEM_{half.upper()}_PORT')}{path}"
        try:
            status = httpx.get(address, timeout=5, trust_env=False).status_code
            yield Finding(check=half, ok=status == 200, seen=f"{address} answers {status}", mend="tandem up")
        except httpx.HTTPError as error:
            yield Finding(check=half, ok=False, seen=f"{address}: {type(error).__name__}", mend="tandem up")
        tls = public_url(half).startswith("https://")
        yield Finding(
            check=f"{half} over TLS", ok=tls, warning=True, seen=public_url(half),
            mend="" if tls else "Plain HTTP: fine on this machine alone; put a TLS proxy in front for others.",
        )  # fmt: skip


def _listener() -> Iterator[Finding]:
    done = subprocess.run(
        [sys.executable, "-m", "tandem", "listener", "test", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    tail = (done.stderr or done.stdout).strip().splitlines()[-1:] or [""]
    yield Finding(
        check="listener", ok=done.returncode == 0, seen="registered and reachable" if done.returncode == 0 else tail[0],
        mend="tandem listener register",
    )  # fmt: skip


def _sending() -> Iterator[Finding]:
    yield from _sms()
    provider = "file" if flag("TANDEM_PROVIDER_LOCK") else value("TANDEM_PROVIDER")
    seen = "the built-in outbox; nothing leaves this machine" if provider == "file" else provider
    if provider == "smtp":
        seen = f"smtp relay {value('TANDEM_SMTP_HOST')}:{value('TANDEM_SMTP_PORT')}"
    if provider == "kumomta":
        seen = f"KumoMTA at {value('TANDEM_KUMOMTA_URL')}"
    yield Finding(
        check="sending",
        ok=provider != "memory",
        seen=seen,
        mend="Set TANDEM_PROVIDER=smtp and TANDEM_SMTP_HOST.",
    )


def _bounces() -> Iterator[Finding]:
    """Whether what comes back has a way back, and whether anybody stands at the door."""
    domain = value("TANDEM_BOUNCE_DOMAIN")
    yield Finding(
        check="bounce domain", ok=bool(domain), warning=True, seen=domain or "none",
        mend="Set TANDEM_BOUNCE_DOMAIN, or bounces go to each sender's own mailbox and nothing is learnt of them.",
    )  # fmt: skip
    if domain:
        yield _mail_exchanger(domain)
    if domain and value("TANDEM_BOUNCE_PORT") != "0":
        yield _mail_door(
            value("TANDEM_BOUNCE_HOST") or value("TANDEM_HOST"), int(value("TANDEM_BOUNCE_PORT"))
        )
    elif domain:
        box = value("TANDEM_BOUNCE_MAILDIR")
        ok = bool(box) and os.access(os.path.join(box, "new"), os.W_OK)
        yield Finding(
            check="bounce mail", ok=ok, seen=f"Maildir {box}" if box else "neither a port nor a Maildir",
            mend="Set TANDEM_BOUNCE_PORT, or TANDEM_BOUNCE_MAILDIR to a Maildir that this user may write to.",
        )  # fmt: skip


def _mail_exchanger(domain: str) -> Finding:
    import dns.exception
    import dns.resolver

    try:
        found = sorted(
            str(one.exchange).rstrip(".") for one in dns.resolver.resolve(domain, "MX", lifetime=5)
        )
    except dns.exception.DNSException as error:
        return Finding(
            check="bounce domain's MX", ok=False, warning=True, seen=type(error).__name__,
            mend=f"Give {domain} an MX record that leads to this machine, or to the mail server that passes it on.",
        )  # fmt: skip
    return Finding(check="bounce domain's MX", ok=bool(found), warning=True, seen=", ".join(found) or "none")


def _mail_door(host: str, port: int) -> Finding:
    import socket

    try:
        with socket.create_connection((host, port), timeout=5) as connection:
            connection.settimeout(5)
            greeting = connection.recv(200)
    except OSError as error:
        greeting = type(error).__name__.encode()
    return Finding(
        check="bounce mail", ok=greeting.startswith(b"220"), mend="tandem worker messenger (or tandem up)",
        seen=f"{host}:{port} answers {greeting[:60].decode('ascii', 'replace').strip()}",
    )  # fmt: skip


def _record() -> Iterator[Finding]:
    """Numbers that do not add up, of any account."""
    done = subprocess.run(
        [sys.executable, "-m", "tandem", "record", "breaches", "--all", "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = json.loads(done.stdout) if done.stdout.startswith("[") else []
    seen = "every number adds up" if not found else f"{len(found)} sendings do not add up"
    mend = "" if not found else f"tandem record check {found[0]['sending_id']}"
    yield Finding(check="record", ok=not found, seen=seen, mend=mend)


def _alarms() -> Iterator[Finding]:
    """Whether somebody would be told, whether the second paths work, whether anybody watches."""
    done = subprocess.run(
        [sys.executable, "-m", "tandem", "alarms", "state", "--json"], capture_output=True, text=True, check=False
    )  # fmt: skip
    found = json.loads(done.stdout) if done.stdout.startswith("[") else []
    for one in found:
        half, ways = one["half"], one["ways"]
        failing = [f"{way['path']} of {way['whose']}: {way['problem']}" for way in ways if way["problem"]]
        yield Finding(
            check=f"{half} alarms", ok=bool(ways) and not failing, warning=not ways,
            seen="; ".join(failing) or (f"{len(ways)} second paths" if ways else "nobody is told of alarms"),
            mend="tandem alarms test" if ways else "Set TANDEM_ALARM_URL or TANDEM_ALARM_MAIL.",
        )  # fmt: skip
        yield _watch(half, one["looked_at"], one["open"])


def _watch(half: str, looked_at: str | None, open_alarms: int) -> Finding:
    from datetime import UTC, datetime

    age = (datetime.now(UTC) - datetime.fromisoformat(looked_at)).total_seconds() if looked_at else None
    seen = (
        "the watch has never looked"
        if age is None
        else f"looked {age:.0f} s ago, {open_alarms} alarms are open"
    )
    ok = age is not None and age < 60
    return Finding(check=f"{half} watch", ok=ok, seen=seen, mend=f"tandem worker {half} (or tandem up)")


def _sms() -> Iterator[Finding]:
    """Each account's gateway, as its last message found it."""
    done = subprocess.run(
        [sys.executable, "-m", "tandem", "sms", "gateways", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(done.stdout) if done.returncode == 0 else []
    for one in found:
        name, problem = f"SMS of account {one['account']}", one["problem"]
        seen = problem or (
            "leave by file: TANDEM_PROVIDER_LOCK" if flag("TANDEM_PROVIDER_LOCK") else one["profile"]
        )
        yield Finding(
            check=name, ok=not problem, seen=seen,
            mend=f"tandem sms gateway test --account {one['account']}",
        )  # fmt: skip


def _print(finding: Finding) -> None:
    mark = "[green]ok  [/]" if finding.ok else "[yellow]note[/]" if finding.warning else "[bold red]MEND[/]"
    words.print(f"{mark} [bold]{finding.check}[/]: ", end="")
    words.print(finding.seen, markup=False)
    if not finding.ok and finding.mend:
        words.print(f"       {finding.mend}", markup=False)
