"""`tandem triggers`: projects and triggers of the messenger, from template files."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tandem.kit.commands import command, print_json, words

app = typer.Typer(
    no_args_is_help=True, help="Projects and triggers (the planner's templates) of the messenger."
)
AccountOption = Annotated[str | None, typer.Option("--account", help="Name or id; the only one if left out.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


CountLinksOption = Annotated[
    bool, typer.Option("--count-links", help="Of an SMS: links become short ones whose clicks are counted.")
]


@app.command("create-project")
@command("messenger")
def create_project(
    name: str,
    from_address: Annotated[str, typer.Option(help="Sender of emails.")],
    from_name: str = "",
    reply_to: str = "",
    sms_sender: Annotated[str, typer.Option(help="Number, or at most 11 letters and digits.")] = "",
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a project."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.projects import service

    made = service.create_project(
        find_account(account).id, name=name, from_name=from_name, from_address=from_address, reply_to=reply_to,
        sms_sender=sms_sender, clock=clock.from_environment(),
    )  # fmt: skip
    if as_json:
        print_json(asdict(made))
    else:
        words.print(f"Project {made.name} has the id {made.id}.", markup=False)


@app.command("create")
@command("messenger")
def create(
    name: str,
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="MJML, HTML, or the text of an SMS.")
    ],
    project: Annotated[int, typer.Option(help="Id of the project.")],
    list_id: Annotated[int, typer.Option("--list", help="Id of the list.")],
    subject: Annotated[
        str, typer.Option(help="Subject; with it the trigger sends email, without it SMS.")
    ] = "",
    text_file: Annotated[
        Path | None, typer.Option(help="Text part of the email; made from the file if left out.")
    ] = None,
    ignore_opt_out: Annotated[
        bool,
        typer.Option("--ignore-opt-out", help="Reach people who unsubscribed too: receipts, not offers."),
    ] = False,
    count_links: CountLinksOption = False,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a trigger from a template file and activate it; nothing stays when the template is wrong."""
    from django.db import transaction

    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.projects import service
    from tandem.messenger.projects.domain import EmailSource, SmsSource

    chosen, now = find_account(account), clock.from_environment()
    content = file.read_text(encoding="utf-8")
    part = "mjml" if "<mjml" in content else "html"
    source: EmailSource | SmsSource = SmsSource(text=content.strip(), count_links=count_links)
    if subject:
        text = text_file.read_text(encoding="utf-8") if text_file else ""
        source = EmailSource(**{"subject": subject, part: content, "text": text})
    with transaction.atomic():
        made = service.create_trigger(
            chosen.id,
            project_id=project,
            list_id=list_id,
            name=name,
            channel="email" if subject else "sms",
            ignore_opt_out=ignore_opt_out,
            clock=now,
        )
        version = service.add_active_version(chosen.id, made.id, source, clock=now)
    if as_json:
        print_json(
            {"id": made.id, "version": version.id, "warnings": version.warnings, "names": version.names}
        )
        return
    words.print(f"Trigger {made.name} has the id {made.id} and is active.", markup=False)
    for warning in version.warnings:
        words.print(warning, markup=False)


@app.command("list")
@command("messenger")
def list_all(account: AccountOption = None, as_json: JsonOption = False) -> None:
    """List the triggers."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.projects import service

    found = service.list_triggers(find_account(account).id)
    if as_json:
        print_json([asdict(view) for view in found])
    for view in found if not as_json else ():
        state = "active" if view.active_version_id else "not active"
        typer.echo(
            f"{view.id}\t{view.name}\t{view.channel}\tproject {view.project_id}\tlist {view.list_id}\t{state}"
        )


@app.command("preview")
@command("messenger")
def preview(
    trigger: int,
    original_id: Annotated[
        str | None, typer.Option("--as", help="originalId of a contact in the trigger's list.")
    ] = None,
    version: Annotated[int | None, typer.Option(help="Id of a version; the active one if left out.")] = None,
    html_file: Annotated[Path | None, typer.Option(help="Write the HTML here.")] = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a version as one person would get it. Sends nothing."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.projects import service

    chosen = find_account(account)
    version = version or service.send_target(chosen.id, trigger).version_id
    shown = service.preview(chosen.id, trigger, version, original_id=original_id)
    if html_file:
        html_file.write_text(shown.html, encoding="utf-8")
    if as_json:
        print_json(asdict(shown))
        return
    if shown.sms:
        typer.echo(f"{shown.text}\n\n{shown.sms.encoding}, {shown.sms.parts} part(s)")
    else:
        typer.echo(f"From: {shown.sender}\nSubject: {shown.subject}\n\n{shown.text}")
    if shown.missing:
        words.print(f"Without a value: {', '.join(shown.missing)}", markup=False)


from tandem.messenger.cli import templates  # noqa: E402, F401 - its commands belong to this app
