"""The `tandem` command. Each half brings its own groups of commands."""

import importlib
import os
import sys

import typer

from tandem.site.settings.environment import value

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
    "tandem.planner.cli.keys": "keys",
    "tandem.planner.cli.listeners": "listeners",
    "tandem.messenger.cli.messenger_accounts": "messenger-account",
    "tandem.messenger.cli.contacts": "contacts",
    "tandem.messenger.cli.triggers": "triggers",
    "tandem.messenger.cli.listener": "listener",
    "tandem.messenger.cli.sendings": "sendings",
}


def build() -> typer.Typer:
    """The whole command tree."""
    from tandem.site.commands import conform, customers_both, database, demo, doctor, init, services, simulate

    services.add_to(app)
    init.add_to(app)
    doctor.add_to(app)
    app.add_typer(database.app, name="db")
    app.add_typer(demo.app, name="demo")
    app.add_typer(simulate.app, name="simulate")
    app.add_typer(conform.app, name="conform")
    for module, name in GROUPS.items():
        group = importlib.import_module(module).app
        if name == "customers":
            customers_both.add_to(group)
        app.add_typer(group, name=name)
    return app


def main() -> None:
    """Run the command; every process of a home shares its business clock."""
    os.environ["TANDEM_CLOCK_OFFSET"] = value("TANDEM_CLOCK_OFFSET")
    if sys.argv[1:2] == ["simulate"]:  # a stand-in answers within a second, so nothing else is read
        from tandem.site.commands import simulate

        app.add_typer(simulate.app, name="simulate")
        app()
    build()()
