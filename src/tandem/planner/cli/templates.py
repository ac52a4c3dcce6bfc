"""`tandem templates`: what the messenger offers."""

from dataclasses import asdict
from typing import Annotated

import typer

from tandem.kit.commands import command, data, print_json, words

app = typer.Typer(no_args_is_help=True, help="Templates of a messenger: read, list, preview.")
Account = Annotated[str, typer.Option(help="The planner's account, by name or id")]
Where = Annotated[
    int | None, typer.Option("--at", help="Id of the account at a messenger; default the only one")
]
Json = Annotated[bool, typer.Option("--json")]


@app.command()
@command("planner")
def read(at: Where = None, account: Account = "", as_json: Json = False) -> None:
    """Read projects and templates again."""
    from tandem.kit import clock
    from tandem.planner.accounts.service import find_account
    from tandem.planner.channels import service

    owner = find_account(account or None)
    done = service.read_templates(
        owner.id, service.get_account(owner.id, at).id, clock=clock.from_environment()
    )
    words.print(f"Read {done.projects} projects and {done.templates} templates.")
    if as_json:
        print_json(asdict(done))


@app.command("list")
@command("planner")
def list_them(at: Where = None, account: Account = "", as_json: Json = False) -> None:
    """List the templates as last read."""
    from tandem.planner.accounts.service import find_account
    from tandem.planner.channels import service

    owner = find_account(account or None)
    views = service.list_templates(owner.id, service.get_account(owner.id, at).id)
    if as_json:
        print_json([asdict(view) for view in views])
        return
    for view in views:
        note = "" if view.active else "  (not active)"
        data.print(f"{view.id}  {view.channel:5}  {view.project_name} / {view.name}{note}", markup=False)


@app.command()
@command("planner")
def preview(
    template: Annotated[int, typer.Argument(help="The template's id")],
    customer: Annotated[str, typer.Argument(help="The customer's id")],
    at: Where = None,
    account: Account = "",
    as_json: Json = False,
) -> None:
    """Show a template as one customer would get it."""
    from tandem.planner.accounts.service import find_account
    from tandem.planner.channels import service

    owner = find_account(account or None)
    shown = service.preview(owner.id, service.get_account(owner.id, at).id, template, customer)
    if as_json:
        print_json(asdict(shown))
        return
    if shown.link:
        words.print("This messenger shows only what it sent; the newest message of this template:")
        data.print(shown.link, markup=False, soft_wrap=True)
    elif shown.sms:
        data.print(shown.sms.text, markup=False)
        words.print(f"{shown.sms.encoding}, {shown.sms.parts} part(s)")
    else:
        data.print(f"Subject: {shown.subject}\nFrom: {shown.sender}\n\n{shown.text}", markup=False)
    if shown.sms and shown.sms.cost:
        words.print(f"Costs {shown.sms.cost} {shown.sms.currency}", markup=False)
    if shown.gaps:
        words.print(f"Missing for this customer: {', '.join(shown.gaps)}", markup=False)
    if shown.fallbacks:
        words.print(f"Falls back for this customer: {', '.join(shown.fallbacks)}", markup=False)


@app.command()
@command("planner")
def test(
    template: Annotated[int, typer.Argument(help="The template's id")],
    customer: Annotated[str, typer.Argument(help="As which customer")],
    to: Annotated[
        list[str], typer.Option("--to", help="An address verified in the messenger; up to 20 of them.")
    ],
    version: Annotated[
        int, typer.Option(help="A draft's id; the active version if left out.", show_default=False)
    ] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say where it could go.")] = False,
    at: Where = None,
    account: Account = "",
    as_json: Json = False,
) -> None:
    """Let the messenger send a template as a test; it is of no campaign and is not counted."""
    from tandem.kit import clock
    from tandem.kit.secrets import new_token
    from tandem.planner.accounts.service import find_account
    from tandem.planner.channels import service

    owner = find_account(account or None)
    where = service.get_account(owner.id, at).id
    if dry_run:
        known = {one.address for one in service.test_addresses(owner.id, where, template)}
        for one in to:
            data.print(f"{one}\t{'would get it' if one in known else 'is not verified'}", markup=False)
        return
    made = service.send_test(
        owner.id, where, template, customer, to,
        version_id=version, key=new_token(), actor="command line", clock=clock.from_environment(),
    )  # fmt: skip
    if as_json:
        print_json(asdict(made))
        return
    for line in made.messages:
        data.print(f"{line.to}\t{line.state}\t{line.answer}", markup=False)
        if line.note:
            words.print(f"In the list {line.note}; the test goes there all the same.", markup=False)
