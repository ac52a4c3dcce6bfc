"""The `tandem` command. Each half brings its own groups of commands."""

import importlib
import os
import sys

import typer

from tandem.kit import commands
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
    "tandem.planner.cli.models": "models",
    "tandem.planner.cli.rights": "rights",
    "tandem.planner.cli.groups": "groups",
    "tandem.planner.cli.cycle": "cycle",
    "tandem.planner.cli.discover": "discover",
    "tandem.planner.cli.account": "account",
    "tandem.planner.cli.templates": "templates",
    "tandem.planner.cli.campaign": "campaign",
    "tandem.planner.cli.realtime": "realtime",
    "tandem.planner.cli.users": "users",
    "tandem.planner.cli.keys": "keys",
    "tandem.planner.cli.listeners": "listeners",
    "tandem.messenger.cli.messenger_accounts": "messenger-account",
    "tandem.messenger.cli.contacts": "contacts",
    "tandem.messenger.cli.triggers": "triggers",
    "tandem.messenger.cli.listener": "listener",
    "tandem.messenger.cli.sendings": "sendings",
    "tandem.messenger.cli.jobs": "jobs",
    "tandem.messenger.cli.exports": "exports",
    "tandem.messenger.cli.testsends": "tests",
    "tandem.messenger.cli.sms": "sms",
    "tandem.messenger.cli.bounces": "bounces",
    "tandem.messenger.cli.dkim": "dkim",
    "tandem.messenger.cli.record": "record",
    "tandem.messenger.cli.webhooks": "webhooks",
    "tandem.messenger.cli.gates": "gates",
    "tandem.messenger.cli.eventhub": "eventhub",
    "tandem.messenger.cli.pacing": "pacing",
    "tandem.messenger.cli.counting": "counting",
}


#: the same, of what concerns both halves
SITE_GROUPS = {
    "tandem.site.commands.alarms": "alarms",
    "tandem.site.commands.database": "db",
    "tandem.site.commands.demo": "demo",
    "tandem.site.commands.simulate": "simulate",
    "tandem.site.commands.conform": "conform",
    "tandem.bridge.cli": "bridge",
}


def build(only: str = "") -> typer.Typer:
    """The whole command tree; of it no more than is needed to run `only`, if there is such a command."""
    every = SITE_GROUPS | GROUPS
    named = {module: name for module, name in every.items() if name == only}
    if not named and _add_single_commands(only):
        return app
    for module, name in (named or every).items():
        group = importlib.import_module(module).app
        if name == "customers":
            from tandem.site.commands import customers_both

            customers_both.add_to(group)
        app.add_typer(group, name=name)
    return app


def _add_single_commands(only: str) -> bool:
    """Add those that are in no group; whether `only` is one of them."""
    from tandem.site.commands import doctor, init, services

    for module in (services, init, doctor):
        module.add_to(app)
    return only in {one.name or one.callback.__name__ for one in app.registered_commands if one.callback}


def main() -> None:
    """Run the command; every process of a home shares its business clock."""
    os.environ["TANDEM_CLOCK_OFFSET"] = value("TANDEM_CLOCK_OFFSET")
    commands.tables_differ.append(_tables_differ)
    build(only="".join(sys.argv[1:2]))()  # the modules of other groups are not read


def _tables_differ(half: str) -> bool:
    from tandem.site import migrations  # read when it is needed only

    return migrations.differ(half)
