"""`tandem alarms`: what is wrong in both halves, whom it is told to, a test."""

import importlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, Literal

import orjson
import typer

from tandem.kit.commands import data, guarded, print_json, use_half, words
from tandem.kit.problems import NothingToDo, OtherSideFailed, Refused
from tandem.site.services import HALVES

app = typer.Typer(no_args_is_help=True, help="Alarms of both halves: list, test, set.")

Account = Annotated[
    str, typer.Option(help="One account, by name or id; else the installation and all its accounts")
]
Half = Annotated[Literal["planner", "messenger", "both"], typer.Option(help="Which half")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, change nothing.")]


@app.command("list")
@guarded
def list_(
    ended: Annotated[bool, typer.Option("--ended", help="Those that have ended.")] = False,
    limit: int = 50,
    account: Account = "",
    half: Half = "both",
    json: Json = False,
) -> None:
    """Alarms that are open; exit code 0 whether or not there are any."""
    ask = ["list", "--limit", str(limit), *(["--ended"] if ended else [])]
    found = _of_halves(half, account, ask, lambda one: _listed(one, account, ended, limit))
    if json:
        print_json(found)
        return
    for one in found:
        data.print(
            f"{one['half']} {one['id']}  {one['since'][:16]}  {one['title']}  {one['account']}  {one['subject']}  "
            f"{one['detail']}  docs/runbook/{one['kind']}.md",
            markup=False,
            soft_wrap=True,
        )
    if not found:
        words.print("Nothing has ended." if ended else "No alarm is open.")


def _listed(half: str, account: str, ended: bool, limit: int) -> list[dict[str, Any]]:
    room, account_id = _room(half, account)
    found = room.book.alarms(account_id, is_open=not ended, limit=limit)
    return [
        {
            "half": half,
            **asdict(one),
            "title": one.title,
            "account": room.half().name_of(one.account_id) if one.account_id else "installation",
            "runbook": f"docs/runbook/{one.kind}.md",
        }
        for one in found
    ]


@app.command()
@guarded
def test(account: Account = "", half: Half = "both", dry_run: DryRun = False, json: Json = False) -> None:
    """Send a test over every second path; exit code 5 if one did not take it, 3 if there is none."""
    ask = ["test", *(["--dry-run"] if dry_run else [])]
    found = _of_halves(half, account, ask, lambda one: _tested(one, account, dry_run))
    if json:
        print_json(found)
    for one in found if not json else []:
        said = one["problem"] or ("would be tried" if dry_run else "taken")
        data.print(f"{one['half']}  {one['path']} of {one['whose']}: {said}", markup=False, soft_wrap=True)
    failed = [one for one in found if one["problem"]]
    if failed:
        raise OtherSideFailed(
            f"{len(failed)} of {len(found)} second paths did not take it.", "Look at the lines above."
        )
    if not found:
        raise NothingToDo(
            "No second path is set: nobody would be told.",
            "Set TANDEM_ALARM_URL or TANDEM_ALARM_MAIL, or use `tandem alarms set`.",
        )


def _tested(half: str, account: str, dry_run: bool) -> list[dict[str, Any]]:
    from tandem.kit import clock

    room, account_id = _room(half, account)
    ways = room.teller.ways(account_id)
    if dry_run:
        return [{"half": half, "path": one.path, "whose": one.whose, "problem": ""} for one in ways]
    now = clock.from_environment()
    owners = (
        [account_id]
        if account_id is not None
        else [None, *sorted({w.account_id for w in ways if w.account_id})]
    )
    tried = {(one.path, one.whose): one for owner in owners if ways for one in _test(room, owner, now)}
    return [{"half": half, **asdict(one)} for one in tried.values()]


def _test(room: Any, owner: int | None, now: Any) -> list[Any]:
    from tandem.kit.alarms.telling import NoWay

    try:
        return list(room.teller.test(owner, clock=now))
    except NoWay:
        return []


@app.command("set")
@guarded
def set_(
    url: Annotated[str | None, typer.Option(help="Webhook of the account; empty takes it away")] = None,
    mail: Annotated[str | None, typer.Option(help="Mail address; empty takes it away")] = None,
    account: Account = "",
    half: Half = "both",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """An account's own second paths in one half; the installation's are settings. A new secret is shown this once."""
    from tandem.kit import clock
    from tandem.kit.alarms import paths

    if half == "both":
        raise Refused("An account is of one half.", "Add --half planner or --half messenger.")
    use_half(half)
    account_id = _accounts(half).find_account(account or None).id
    room = importlib.import_module(f"tandem.{half}.alarms.service")
    if dry_run:
        _ = paths.check_url(url) if url else "", paths.check_mail(mail) if mail else ""
        words.print(f"Would set the second paths of account {account_id} of the {half}.")
        return
    secret = ""
    if url is not None or mail is not None:
        secret = room.teller.set_way(
            account_id, url=url, mail=mail, actor="command line", clock=clock.from_environment()
        )
    shown = [asdict(one) for one in room.teller.ways(account_id)]
    if json:
        print_json({"half": half, "ways": shown, "secret": secret})
        return
    for one in shown:
        data.print(f"{one['path']} of {one['whose']}  {one['target']}  {one['problem']}", markup=False)
    if secret:
        words.print("Shown once; keep it safe.")
        data.print(f"Signing secret: {secret}", markup=False)


@app.command()
@guarded
def silence(
    alarm_id: int,
    account: Account = "",
    half: Half = "both",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """No more reminders of an open alarm; its end is still told."""
    if half == "both":
        raise Refused("An alarm is of one half.", "Add --half planner or --half messenger.")
    use_half(half)
    account_id = _accounts(half).find_account(account or None).id
    room = importlib.import_module(f"tandem.{half}.alarms.service")
    if not dry_run:
        room.book.silence(account_id, alarm_id, actor="command line")
    words.print("Would send no more reminders." if dry_run else "No more reminders.")
    if json:
        print_json({"half": half, "id": alarm_id, "silenced": not dry_run})


@app.command()
@guarded
def state(half: Half = "both", json: Json = False) -> None:
    """The second paths and when the watch last looked; exit code 1 if a path fails."""
    found = _of_halves(half, "", ["state"], _state)
    if json:
        print_json(found)
    for one in found if not json else []:
        data.print(
            f"{one['half']}  looked {one['looked_at'] or 'never'}  {len(one['ways'])} paths", markup=False
        )
    if any(way["problem"] for one in found for way in one["ways"]):
        raise SystemExit(1)


def _state(half: str) -> list[dict[str, Any]]:
    room, _ = _room(half, "")
    ways = [{**asdict(one), "target": ""} for one in room.teller.ways(None)]
    return [{"half": half, "looked_at": room.book.looked_at(), "open": len(room.book.alarms(None, is_open=True)),
             "ways": ways}]  # fmt: skip


def _of_halves(
    half: str, account: str, ask: list[str], here: Callable[[str], list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """A process is one half: both are asked in processes of their own."""
    if half != "both":
        use_half(half)
        return list(orjson.loads(orjson.dumps(here(half), default=str)))
    found: list[dict[str, Any]] = []
    for one in HALVES:
        chosen = ["--account", account] if account else []
        command = [sys.executable, "-m", "tandem", "alarms", *ask, "--half", one, "--json", *chosen]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.stdout.startswith("["):
            found += orjson.loads(done.stdout)
        elif not (account and done.returncode == 4):  # the account is the other half's
            raise OtherSideFailed(f"The {one} did not answer.", done.stderr.strip()[-300:])
    return found


def _room(half: str, account: str) -> tuple[Any, int | None]:
    room = importlib.import_module(f"tandem.{half}.alarms.service")
    return room, _accounts(half).find_account(account).id if account else None


def _accounts(half: str) -> Any:
    module = f"tandem.{half}.accounts.service"
    return importlib.import_module(module)
