"""`tandem keys`: programs that call the API, what they are held to, new keys for old ones."""

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from tandem.kit import clock as clocks
from tandem.kit.commands import command, data, print_json, words

if TYPE_CHECKING:
    from tandem.planner.accounts.domain import CredentialView

app = typer.Typer(no_args_is_help=True, help="API keys of programs: make, restrict, rotate, disable.")
Account = Annotated[str, typer.Option(help="Account by name or id; needed if there are several.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, change nothing.")]
Functions = Annotated[
    list[str] | None,
    typer.Option("--function", help="Only this function or group, as general/* ; may be repeated"),
]
Networks = Annotated[
    list[str] | None, typer.Option("--from", help="Only from this address or network (CIDR); may be repeated")
]
Limit = Annotated[
    int | None, typer.Option(help="Calls in the window of TANDEM_KEY_LIMIT; default its number")
]


@app.command("list")
@command("planner")
def list_(account: Account = "", json: Json = False) -> None:
    """Show the programs that may call the API, and when each last did."""
    from tandem.planner.accounts import service

    found = service.list_credentials(service.find_account(account).id)
    if json:
        print_json([_document(one) for one in found])
        return
    for one in found:
        used = f"used {one.used_at:%Y-%m-%d %H:%M}Z from {one.used_from}" if one.used_at else "never used"
        state = "" if one.is_active else "  disabled"
        data.print(
            f"{one.id}  {one.user_name}  key {one.key_prefix}...  {one.rights}  {used}{state}", markup=False
        )


@app.command()
@command("planner")
def functions(json: Json = False) -> None:
    """Show the functions a key may be held to, by group."""
    from tandem.planner.accounts import service

    groups = service.function_groups()
    if json:
        print_json(groups)
        return
    for group, names in groups.items():
        data.print(f"{group}/*", markup=False)
        for name in names:
            data.print(f"  {group}/{name}", markup=False)


@app.command()
@command("planner")
def add(
    user_name: Annotated[str, typer.Option(help="User name for general/login; random if empty.")] = "",
    rights: Annotated[str, typer.Option(help="full, or `third party` for a messenger.")] = "full",
    function: Functions = None,
    network: Networks = None,
    limit: Limit = None,
    account: Account = "",
    json: Json = False,
) -> None:
    """Let a program call the API: user, password and API key, shown once."""
    from tandem.planner.accounts import service
    from tandem.planner.accounts.domain import Restriction

    held = Restriction(functions=tuple(function or ()), networks=tuple(network or ()), limit=limit)
    made = service.create_api_credential(
        service.find_account(account).id, user_name=user_name or None, rights=rights, restriction=held,
        actor="cli", clock=clocks.from_environment(),
    )  # fmt: skip
    if json:
        print_json(
            {
                "id": made.id, "user": made.user_name, "password": made.password, "api_key": made.api_key,
                "rights": made.rights,
            }
        )  # fmt: skip
        return
    words.print("Shown once; keep them safe.")
    data.print(f"User: {made.user_name}\nPassword: {made.password}\nAPI key: {made.api_key}", markup=False)


@app.command()
@command("planner")
def restrict(
    credential_id: int,
    function: Functions = None,
    network: Networks = None,
    limit: Limit = None,
    dry_run: DryRun = False,
    account: Account = "",
) -> None:
    """Hold a program to what is said here; what is not said is no longer held."""
    from tandem.planner.accounts import service
    from tandem.planner.accounts.domain import Restriction

    tenant = service.find_account(account)
    held = Restriction(functions=tuple(function or ()), networks=tuple(network or ()), limit=limit)
    before = service.get_credential(tenant.id, credential_id)
    if dry_run:
        words.print(f"Would hold {before.user_name} to {_words(held)}, now {_words(before.restriction)}.")
        return
    service.restrict_credential(
        tenant.id, credential_id=credential_id, restriction=held, actor="cli",
        clock=clocks.from_environment(),
    )  # fmt: skip
    words.print(f"{before.user_name} is held to {_words(held)}.", markup=False)


@app.command()
@command("planner")
def rotate(
    credential_id: int,
    overlap_hours: Annotated[int, typer.Option(min=0, max=720, help="How long the old key works too")] = 24,
    account: Account = "",
    json: Json = False,
) -> None:
    """Make a new key and show it this once; the old one works until the overlap ends."""
    from tandem.planner.accounts import service

    made = service.rotate_key(
        service.find_account(account).id, credential_id=credential_id,
        overlap=timedelta(hours=overlap_hours), actor="cli", clock=clocks.from_environment(),
    )  # fmt: skip
    if json:
        print_json(asdict(made))
        return
    words.print("Shown once; keep it safe.")
    data.print(f"User: {made.user_name}\nAPI key: {made.api_key}", markup=False)


@app.command()
@command("planner")
def disable(credential_id: int, dry_run: DryRun = False, account: Account = "") -> None:
    """Shut a program out at once."""
    from tandem.planner.accounts import service

    tenant = service.find_account(account)
    if dry_run:
        words.print(f"Would disable credential {credential_id} of {tenant.name}.", markup=False)
        return
    service.disable_credential(
        tenant.id, credential_id=credential_id, actor="cli", clock=clocks.from_environment()
    )
    words.print(f"Credential {credential_id} is disabled.")


def _document(one: "CredentialView") -> dict[str, object]:
    return {
        "id": one.id,
        "user": one.user_name,
        "key": one.key_prefix,
        "rights": one.rights,
        "active": one.is_active,
        **asdict(one.restriction),
        "used_at": one.used_at,
        "used_from": one.used_from,
        "old_key_until": one.old_key_until,
    }


def _words(held: object) -> str:
    found = [f"{name} {value}" for name, value in vars(held).items() if value]
    return ", ".join(found) or "nothing"
