"""`tandem jobs`: generation jobs, and what was said of them."""

from dataclasses import asdict
from typing import Annotated

import typer

from tandem.kit.commands import command, data, print_json

app = typer.Typer(no_args_is_help=True, help="Generation jobs: a message and a file of recipients.")

Account = Annotated[str | None, typer.Option(help="Account by name or id; may be left out if there is one.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.command("list")
@command("messenger")
def list_(limit: int = 50, account: Account = None, as_json: Json = False) -> None:
    """The newest jobs."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.jobs import service

    found = service.list_jobs(find_account(account).id, limit=limit)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        data.print(
            f"{one.id:>6}  {one.created_at:%Y-%m-%d %H:%M} UTC  trigger {one.trigger_id}  {one.state}  "
            f"{one.recipients} recipients"
        )


@app.command()
@command("messenger")
def show(job_id: int, account: Account = None, as_json: Json = False) -> None:
    """One job: how far it is, its sending, what was said of it."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.jobs import service

    chosen = find_account(account).id
    found = service.get_job(chosen, job_id)
    progress = service.progress(chosen, found)
    if as_json:
        print_json({**asdict(found), "progress": asdict(progress) if progress else None})
        return
    data.print(f"Job {found.id}, trigger {found.trigger_id}, version {found.version_id}: {found.state}")
    if progress is not None:
        data.print(f"{progress.read} of {progress.rows} rows read")
    if found.sending_id is not None:
        data.print(f"{found.recipients} recipients, sending {found.sending_id}")
    for one in found.entries:
        words = f"{one.said} {one.detail}".strip()
        data.print(f"{one.at:%Y-%m-%d %H:%M:%S} UTC  {one.severity}  {words}", markup=False)
