"""`tandem init`: a real installation's settings, key, tables and first administrators."""

import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import orjson
import typer

from tandem.kit.commands import guarded, print_json, words
from tandem.kit.problems import Conflict, Problem, Refused
from tandem.kit.secrets import make_key
from tandem.site import migrations
from tandem.site.services import HALVES
from tandem.site.settings.environment import home


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(init)


@guarded
def init(
    planner_url: Annotated[str, typer.Option(help="Public address of the planner")] = "",
    messenger_url: Annotated[str, typer.Option(help="Public address of the messenger")] = "",
    tracking_url: Annotated[str, typer.Option(help="Public address of the recipients' door")] = "",
    relay: Annotated[str, typer.Option(help="SMTP relay as host:port; empty = keep mail in the outbox")] = "",
    relay_user: Annotated[str, typer.Option(help="User name at the relay")] = "",
    relay_password_file: Annotated[str, typer.Option(help="File with the password at the relay")] = "",
    admin: Annotated[str, typer.Option(help="E-mail address of the first administrator")] = "",
    name: Annotated[str, typer.Option(help="Name of the account")] = "",
    zone: Annotated[str, typer.Option(help="Time zone, as Europe/Stockholm")] = "",
    currency: Annotated[str, typer.Option(help="Currency, as EUR")] = "",
    customer_id: Annotated[int, typer.Option(help="The messenger's customer id")] = 1,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Prepare a real installation: settings file, key, tables, first account and administrator.

    Asks for what is not given when run in a terminal.
    """
    file = home() / "tandem.env"
    if file.exists():
        raise Conflict(f"{file} is there already.", "Edit it, or give another TANDEM_HOME.")
    answers = {
        "planner_url": planner_url or _ask("Public address of the planner", "http://127.0.0.1:8100"),
        "messenger_url": messenger_url or _ask("Public address of the messenger", "http://127.0.0.1:8200"),
        "tracking_url": tracking_url
        or _ask("Public address of the recipients' door", "http://127.0.0.1:8300"),
        "relay": relay or _ask("SMTP relay as host:port (empty = outbox only)", ""),
        "admin": admin or _ask("E-mail address of the first administrator", ""),
        "name": name or _ask("Name of the account", "My company"),
        "zone": zone or _ask("Time zone", "Europe/Stockholm"),
        "currency": currency or _ask("Currency", "EUR"),
    }
    _check(answers)
    lines = _lines(answers, relay_user, relay_password_file)
    _write(file, lines)
    make_key(home() / "key")
    migrations.migrate(HALVES)
    password = secrets.token_urlsafe(12)
    made = {
        half: _first_account(half, {**answers, "password": password, "customer_id": customer_id})
        for half in HALVES
    }
    words.print(f"Written: {file}. Start everything with `tandem up`, then check it with `tandem doctor`.")
    document = {"settings": str(file), "admin": answers["admin"], "password": password, **made}
    if as_json:
        print_json(document)
    else:
        words.print(
            f"Administrator of both halves: {answers['admin']}, password (shown once): [bold]{password}[/]"
        )


def _ask(question: str, default: str) -> str:
    return str(typer.prompt(question, default=default, err=True)) if sys.stdin.isatty() else default


def _check(answers: dict[str, str]) -> None:
    from zoneinfo import ZoneInfo

    for key in ("planner_url", "messenger_url", "tracking_url"):
        if not answers[key].startswith(("http://", "https://")):
            raise Refused(
                f"{answers[key]!r} is no web address.", "Give it with http:// or https://.", field=key
            )
    if "@" not in answers["admin"]:
        raise Refused(
            "The first administrator has no e-mail address.", "Give --admin you@example.com.", field="admin"
        )
    try:
        ZoneInfo(answers["zone"])
    except (KeyError, ValueError):
        raise Refused(
            f"{answers['zone']!r} is no time zone.", "Give it as Europe/Stockholm.", field="zone"
        ) from None
    if answers["relay"] and not answers["relay"].rpartition(":")[2].isdigit():
        raise Refused(f"{answers['relay']!r} is no relay.", "Give it as host:port.", field="relay")


def _lines(answers: dict[str, str], user: str, password_file: str) -> list[str]:
    host, _, port = answers["relay"].rpartition(":")
    tls = "1" if answers["planner_url"].startswith("https://") else "0"
    lines = [
        "# Settings of this installation; see docs/reference/settings.md",
        f"TANDEM_PLANNER_PUBLIC_URL={answers['planner_url']}",
        f"TANDEM_MESSENGER_PUBLIC_URL={answers['messenger_url']}",
        f"TANDEM_TRACKING_PUBLIC_URL={answers['tracking_url']}",
        f"TANDEM_TLS={tls}",
        f"TANDEM_PROVIDER={'smtp' if host else 'file'}",
    ]
    local = [
        urlsplit(answers[f"{half}_url"]).netloc
        for half in HALVES
        if urlsplit(answers[f"{half}_url"]).hostname == "127.0.0.1"
    ]
    if local:
        lines += [f"TANDEM_ALLOW_PRIVATE={','.join(local)}"]
    if host:
        lines += [f"TANDEM_SMTP_HOST={host}", f"TANDEM_SMTP_PORT={port}", f"TANDEM_SMTP_USER={user}"]
        lines += [f"TANDEM_SMTP_PASSWORD_FILE={password_file}"]
    return lines


def _write(file: Path, lines: list[str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write("\n".join(lines) + "\n")


def _first_account(half: str, answers: dict[str, object]) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "tandem.site.first_account", half],
        input=orjson.dumps(answers),
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise Problem(done.stderr.decode(errors="replace").strip()[-800:], "The settings file is written.")
    return dict(orjson.loads(done.stdout))
