"""`tandem triggers`: the content of triggers: check, draft, activate, versions, links, snippets."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from tandem.kit.commands import command, print_json, words
from tandem.messenger.cli.triggers import AccountOption, CountLinksOption, JsonOption, app

FileArgument = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="MJML, HTML, or the text of an SMS.")
]
SubjectOption = Annotated[str, typer.Option(help="Subject of the email; not for SMS.")]
TextOption = Annotated[
    Path | None, typer.Option("--text-file", help="Text part of the email; made from the file if left out.")
]


@app.command("check")
@command("messenger")
def check(
    trigger: int,
    file: FileArgument,
    subject: SubjectOption = "Subject",
    text_file: TextOption = None,
    count_links: CountLinksOption = False,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether a file could be activated, and what contacts lack of it. Keeps nothing."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.projects import service
    from tandem.messenger.projects.errors import TemplateWrong

    chosen = find_account(account).id
    try:
        found = service.check(
            chosen, trigger, _source(chosen, trigger, file, subject, text_file, count_links=count_links)
        )
    except TemplateWrong as wrong:
        _say_faults(wrong.problems, as_json)
        raise typer.Exit(wrong.exit_code) from None
    if as_json:
        print_json(asdict(found))
        return
    words.print(
        f"It can be activated. Links: {found.links}. Attributes: {', '.join(found.names) or 'none'}.",
        markup=False,
    )
    for lack in found.lacking.lacks:
        words.print(
            f"{lack.percent} % of contacts lack {lack.name} ({lack.contacts} of {found.lacking.contacts}).",
            markup=False,
        )
    for warning in found.warnings:
        words.print(warning, markup=False)


@app.command("draft")
@command("messenger")
def draft(
    trigger: int,
    file: FileArgument,
    subject: SubjectOption = "",
    text_file: TextOption = None,
    count_links: CountLinksOption = False,
    name: Annotated[str, typer.Option(help="Name of the version.")] = "",
    version: Annotated[int | None, typer.Option(help="Id of a draft to change instead.")] = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Save a file as a draft. Nothing is sent from it until it is activated."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.projects import service

    chosen, now = find_account(account).id, clock.from_environment()
    source = _source(chosen, trigger, file, subject, text_file, count_links=count_links)
    if version is not None:
        service.check_version(chosen, trigger, version)
        made = service.change_draft(chosen, version, source, name=name, clock=now)
    else:
        made = service.save_draft(chosen, trigger, source, name=name, clock=now)
    _say_version(made, as_json)


@app.command("activate")
@command("messenger")
def activate(trigger: int, version: int, account: AccountOption = None, as_json: JsonOption = False) -> None:
    """Make a version the one that is sent. An activated version never changes."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.projects import service
    from tandem.messenger.projects.errors import TemplateWrong

    chosen = find_account(account).id
    service.check_version(chosen, trigger, version)
    try:
        made = service.activate(chosen, version, clock=clock.from_environment())
    except TemplateWrong as wrong:
        _say_faults(wrong.problems, as_json)
        raise typer.Exit(wrong.exit_code) from None
    _say_version(made, as_json)


@app.command("versions")
@command("messenger")
def versions(trigger: int, account: AccountOption = None, as_json: JsonOption = False) -> None:
    """List the versions of a trigger, newest first."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.projects import service

    found = service.get_trigger(find_account(account).id, trigger).versions
    if as_json:
        print_json([asdict(view) for view in found])
    for view in found if not as_json else ():
        typer.echo(f"{view.id}\t{view.name}\t{view.state}")


@app.command("links")
@command("messenger")
def links(trigger: int, version: int, account: AccountOption = None, as_json: JsonOption = False) -> None:
    """List the links of an activated version."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.projects import service

    chosen = find_account(account).id
    service.check_version(chosen, trigger, version)
    found = service.links_of(chosen, version)
    if as_json:
        print_json([asdict(view) for view in found])
    for view in found if not as_json else ():
        typer.echo(f"{view.number}\t{view.name}\t{view.target}\t{', '.join(view.tags)}")


@app.command("snippets")
@command("messenger")
def snippets(account: AccountOption = None, as_json: JsonOption = False) -> None:
    """List the snippets of the account."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.projects import service

    found = service.list_snippets(find_account(account).id)
    if as_json:
        print_json([asdict(view) for view in found])
    for view in found if not as_json else ():
        typer.echo(f"{view.id}\t{view.name}\t{len(view.text)} characters")


@app.command("save-snippet")
@command("messenger")
def save_snippet(
    name: str,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The text of the snippet.")],
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make or replace a snippet. Active versions keep the text they were activated with."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.projects import service

    made = service.save_snippet(
        find_account(account).id, name, file.read_text(encoding="utf-8"), clock=clock.from_environment()
    )
    if as_json:
        print_json(asdict(made))
    else:
        words.print(f"Snippet {made.name} has the id {made.id}.", markup=False)


@app.command("delete-snippet")
@command("messenger")
def delete_snippet(
    snippet: int,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete a snippet; drafts that name it cannot be activated any more."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.projects import service

    chosen = find_account(account).id
    found = service.get_snippet(chosen, snippet)
    if not dry_run:
        service.delete_snippet(chosen, snippet)
    if as_json:
        print_json({"id": found.id, "name": found.name, "deleted": not dry_run})
    else:
        words.print(f"Snippet {found.name} {'would be' if dry_run else 'is'} deleted.", markup=False)


def _source(
    account_id: int, trigger_id: int, file: Path, subject: str, text_file: Path | None, *, count_links: bool
) -> Any:
    from tandem.messenger.projects import service
    from tandem.messenger.projects.domain import EmailSource, SmsSource

    content = file.read_text(encoding="utf-8")
    if service.get_trigger(account_id, trigger_id).channel == "sms":
        return SmsSource(text=content.strip(), count_links=count_links)
    part = "mjml" if "<mjml" in content else "html"
    text = text_file.read_text(encoding="utf-8") if text_file else ""
    return EmailSource(**{"subject": subject, part: content, "text": text})


def _say_faults(faults: Any, as_json: bool) -> None:
    if as_json:
        print_json({"faults": [asdict(fault) for fault in faults]})
    for fault in faults if not as_json else ():
        typer.echo(str(fault), err=True)


def _say_version(view: Any, as_json: bool) -> None:
    if as_json:
        print_json(asdict(view))
        return
    words.print(f"Version {view.name} has the id {view.id} and is {view.state}.", markup=False)
    for lack in view.lacking.lacks if view.lacking else ():
        words.print(f"{lack.percent} % of contacts lack {lack.name}.", markup=False)
    for warning in view.warnings:
        words.print(warning, markup=False)
