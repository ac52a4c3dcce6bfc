"""The `tandem` command. Each half brings its own groups of commands."""

import importlib

import typer

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    help="Plan campaigns and send them: a planner and a messenger on open wire contracts.",
)

#: module that holds `app: typer.Typer` -> the name of its group
GROUPS = {
    "tandem.planner.cli.customers": "customers",
    "tandem.planner.cli.groups": "groups",
    "tandem.planner.cli.account": "account",
    "tandem.planner.cli.templates": "templates",
    "tandem.planner.cli.campaign": "campaign",
    "tandem.planner.cli.users": "users",
    "tandem.messenger.cli.messenger_accounts": "messenger-account",
    "tandem.messenger.cli.contacts": "contacts",
    "tandem.messenger.cli.triggers": "triggers",
    "tandem.messenger.cli.listener": "listener",
    "tandem.messenger.cli.sendings": "sendings",
}


def main() -> None:
    """Put the groups together and run."""
    for module, name in GROUPS.items():
        try:
            group = importlib.import_module(module)
        except ModuleNotFoundError as missing:
            if missing.name != module:
                raise
            continue
        app.add_typer(group.app, name=name)
    app()
