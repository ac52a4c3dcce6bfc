"""`tandem conform`: hold a foreign server against the contract."""

from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import typer

from tandem.kit.commands import data, guarded, print_json, words

app = typer.Typer(no_args_is_help=True, help="Hold a foreign server against the contract, carefully.")
Rate = Annotated[int, typer.Option(min=1, max=1000, help="Calls in ten seconds at most.")]
Shapes = Annotated[Path | None, typer.Option(help="Write the shapes of all answers, without values, here.")]
Written = Annotated[Path | None, typer.Option(help="Write a suggested profile here.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.callback()
def conform() -> None:
    """Hold a foreign server against the contract, carefully."""


@app.command()
@guarded
def planner(
    url: Annotated[str, typer.Option(help="Address of the planner, without a path.")],
    user: Annotated[str, typer.Option(help="User name.", envvar="TANDEM_PLANNER_USER")] = "",
    password: Annotated[
        str, typer.Option(help="Its password; better in the environment.", envvar="TANDEM_PLANNER_PASSWORD")
    ] = "",
    api_key: Annotated[
        str, typer.Option(help="API key instead; better in the environment.", envvar="TANDEM_PLANNER_API_KEY")
    ] = "",
    allow_writes: Annotated[
        bool, typer.Option("--allow-writes", help="Also write: only what is taken back, or changes nothing.")
    ] = False,
    channel: Annotated[
        int, typer.Option(help="An execution channel to look at; 0 = the first one told.")
    ] = 0,
    campaign: Annotated[int, typer.Option(help="A campaign to look at; 0 = the newest executed.")] = 0,
    day: Annotated[str, typer.Option(help="The day taken for today, as 2026-11-23.")] = "",
    days: Annotated[
        int, typer.Option(min=0, max=60, help="Days back in which a campaign is looked for.")
    ] = 7,
    zone: Annotated[str, typer.Option(help="Time zone of the planner's account.")] = "UTC",
    rate: Rate = 40,
    shapes: Shapes = None,
    write_profile: Written = None,
    as_json: Json = False,
) -> None:
    """Run every function against a planner: agrees, differs, not permitted, not tried; and what will work.

    Read-only unless --allow-writes is given. The exit code is 5 if a flow of Tandem is known not to work.
    """
    from tandem.conform.planner import PlannerConformance, Wishes
    from tandem.conform.talk import Pace, PlannerTalk
    from tandem.kit import clock
    from tandem.kit.problems import Refused

    if not api_key and not (user and password):
        raise Refused(
            "Neither an API key nor a user name with its password was given.",
            "Set TANDEM_PLANNER_API_KEY, or TANDEM_PLANNER_USER and TANDEM_PLANNER_PASSWORD.",
        )
    talk = PlannerTalk(url, user=user, password=password, api_key=api_key, http=_http(url), pace=Pace(rate))
    try:
        now = clock.from_environment().business().astimezone(ZoneInfo(zone))
        now = datetime.combine(date.fromisoformat(day), time(12), now.tzinfo) if day else now
    except (KeyError, ValueError, OSError):
        raise Refused(
            "The day or the zone cannot be read.", "Write 2026-11-23 and Europe/Stockholm."
        ) from None
    wishes = Wishes(allow_writes=allow_writes, channel=channel, campaign=campaign, days=days)
    report = PlannerConformance(talk, wishes, now=now, told=(lambda _: None) if as_json else _tell).run()
    _end(report, as_json, shapes, write_profile)


@app.command()
@guarded
def messenger(
    url: Annotated[str, typer.Option(help="API URL of the messenger; it ends in /rest.")],
    customer_id: Annotated[str, typer.Option(help="The company's customer ID at the messenger.")],
    user: Annotated[str, typer.Option(help="User name.", envvar="TANDEM_MESSENGER_USER")] = "",
    password: Annotated[
        str, typer.Option(help="Its password; better in the environment.", envvar="TANDEM_MESSENGER_PASSWORD")
    ] = "",
    token: Annotated[
        str,
        typer.Option(help="API token instead; better in the environment.", envvar="TANDEM_MESSENGER_TOKEN"),
    ] = "",
    allow_writes: Annotated[
        bool, typer.Option("--allow-writes", help="Also write: an empty import and an export, no contact.")
    ] = False,
    trigger: Annotated[int, typer.Option(help="A template to look at; 0 = the first that can be sent.")] = 0,
    contact: Annotated[str, typer.Option(help="originalId of a contact to look at; empty = the first.")] = "",
    send_to: Annotated[
        str,
        typer.Option(
            help="originalId of a contact of yours that may get two messages of --trigger, to try sending."
        ),
    ] = "",
    rate: Rate = 40,
    shapes: Shapes = None,
    write_profile: Written = None,
    as_json: Json = False,
) -> None:
    """Make every call to a messenger: agrees, differs, not permitted, not tried, not offered; and what will work.

    Read-only unless --allow-writes is given; nothing is sent unless a template and a contact are named as well. The
    exit code is 5 if a flow of Tandem is known not to work.
    """
    from tandem.conform.messenger import MessengerConformance, MessengerWishes
    from tandem.conform.talk import MessengerTalk, Pace
    from tandem.kit import clock
    from tandem.kit.problems import Refused

    if not token and not (user and password):
        raise Refused(
            "Neither a token nor a user name with its password was given.",
            "Set TANDEM_MESSENGER_TOKEN, or TANDEM_MESSENGER_USER and TANDEM_MESSENGER_PASSWORD.",
        )
    if send_to and not (allow_writes and trigger):
        raise Refused(
            "--send-to sends two messages.", "Name the template with --trigger, and give --allow-writes."
        )
    talk = MessengerTalk(
        url, customer_id, user=user, password=password, token=token, http=_http(url), pace=Pace(rate)
    )
    wishes = MessengerWishes(allow_writes=allow_writes, trigger=trigger, contact=contact, send_to=send_to)
    now, told = clock.from_environment().business(), (lambda _: None) if as_json else _tell
    report = MessengerConformance(talk, wishes, now=now, told=told).run()
    _end(report, as_json, shapes, write_profile)


def _http(url: str) -> Any:
    """A caller for the one address that was given: whoever gives it on the command line means it."""
    from tandem.kit import addresses
    from tandem.kit.http import DEFAULT_PORTS, Http
    from tandem.site.settings.environment import value

    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = {"localhost": "127.0.0.1"}.get(parts.hostname or "", parts.hostname or "")
    pairs = [pair.strip() for pair in value("TANDEM_ALLOW_PRIVATE").split(",") if pair.strip()]
    try:
        addresses.parse(host)
        pairs.append(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    except ValueError:
        pass
    return Http(allow_private=pairs, ports=DEFAULT_PORTS | {port})


def _tell(finding: Any) -> None:
    why = f"  ({finding.why})" if finding.why else ""
    data.print(f"{finding.verdict.value:<14} {finding.name}{why}", markup=False, soft_wrap=True)
    for note in finding.notes:
        line = f"{'':<14} {note.path}: expected {note.expected}, seen {note.seen}  [{note.mend.value}]"
        data.print(line, markup=False, soft_wrap=True)


def _end(report: Any, as_json: bool, shapes: Path | None, written: Path | None) -> None:
    """Write the files, tell the flows, and leave with 5 if one is known not to work."""
    if shapes:
        import orjson

        shapes.write_bytes(orjson.dumps(report.shapes, option=orjson.OPT_INDENT_2) + b"\n")
    if written:
        written.write_text(report.profile or "# This server differs in nothing that needs a profile.\n")
    if as_json:
        print_json(report.document())
    else:
        data.print("")
        for flow in report.flows:
            because = f"  ({', '.join(flow.because)})" if flow.because else ""
            data.print(f"{flow.name}: {flow.outcome}{because}", markup=False, soft_wrap=True)
        if report.profile and not written:
            words.print("A profile can be written with --write-profile FILE.")
        if written:
            words.print(f"The profile is in {written}. Read it before you use it.", markup=False)
    if any(flow.fails for flow in report.flows):
        raise SystemExit(5)
