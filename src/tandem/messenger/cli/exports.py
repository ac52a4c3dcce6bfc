"""`tandem exports`: exports of statistics: ask for one, download it."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tandem.kit.commands import command, data, print_json, words
from tandem.kit.problems import OtherSideFailed

app = typer.Typer(no_args_is_help=True, help="Exports of what happened, as the API makes them.")

Account = Annotated[str | None, typer.Option(help="Account by name or id; may be left out if there is one.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


class NoAnswer(OtherSideFailed):
    """The messenger's own address does not hand out the result."""

    title = "The result was not handed out"


@app.command("list")
@command("messenger")
def list_(limit: int = 50, account: Account = None, as_json: Json = False) -> None:
    """The newest exports."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.exports import service

    found = service.list_exports(find_account(account).id, limit=limit)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        data.print(
            f"{one.id:>6}  {one.requested_at:%Y-%m-%d %H:%M} UTC  {one.type}  {one.status}  {one.total} records"
        )


@app.command()
@command("messenger")
def make(
    kind: Annotated[str, typer.Argument(help="SENT, OPTOUTS, HARD_BOUNCES, MESSAGES, LISTS ...")],
    period: Annotated[
        str, typer.Option(help="TODAY, LAST_DAY, LAST_3_DAYS, LAST_WEEK or LAST_2_WEEKS.")
    ] = "LAST_DAY",
    account: Account = None,
    as_json: Json = False,
) -> None:
    """Make an export now, without waiting for the worker."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.exports import service

    chosen, now = find_account(account).id, clock.from_environment()
    begun = service.start_export(chosen, kind.upper(), period.upper(), defer=False, clock=now)
    service.run_export(chosen, begun.id, clock=now)
    made = service.get_export(chosen, begun.id)
    if as_json:
        print_json(asdict(made))
    else:
        words.print(
            f"Export {made.id} has {made.total} records. `tandem exports download {made.id}` fetches it.",
            markup=False,
        )


@app.command()
@command("messenger")
def download(
    export_id: int,
    to: Annotated[
        Path | None, typer.Option(help="File to write; <id>_result.json if left out.", dir_okay=False)
    ] = None,
    link: Annotated[
        bool, typer.Option("--link", help="Print the link, which counts for an hour, and fetch nothing.")
    ] = False,
    account: Account = None,
) -> None:
    """Fetch a finished export from the running messenger, by a link as programs get it."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.exports import service

    url = service.result_url(find_account(account).id, export_id, clock=clock.from_environment())
    if link:
        data.print(url, markup=False, soft_wrap=True)
        return
    target = to or Path(f"{export_id}_result.json")
    _fetch(url, target)
    words.print(f"Written: {target}", markup=False)


def _fetch(url: str, target: Path) -> None:
    """Into a file beside it first, so that half a result is never taken for one."""
    import httpx

    part = target.with_name(target.name + ".part")
    try:
        with httpx.stream("GET", url, timeout=120, trust_env=False) as answer, part.open("wb") as file:
            if answer.status_code != httpx.codes.OK:
                raise NoAnswer(
                    f"The messenger answered {answer.status_code}.", "Look whether its address is right."
                )
            for block in answer.iter_bytes():
                file.write(block)
        part.replace(target)
    except httpx.HTTPError as error:
        where = url.partition("/results/")[0]
        raise NoAnswer(
            f"The messenger at {where} did not answer.", "Start it with `tandem up`, then try again."
        ) from error
    finally:
        part.unlink(missing_ok=True)
