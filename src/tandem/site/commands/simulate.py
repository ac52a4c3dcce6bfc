"""`tandem simulate`: a stand-in of one half, for integrators and tests. Light: no Django, no database."""

import os
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True, help="Run a stand-in of one half, with made-up data and faults on request."
)

Port = Annotated[int, typer.Option(help="Port to listen on; 0 = any free one.")]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
Faults = Annotated[
    list[str] | None,
    typer.Option(
        "--fault",
        help="What goes wrong: slow, 500, 429, 401, expired, truncated, html, hangup, page-twice or empty; "
        "`500:GetCampaignDetails:2` = only there, twice. Repeatable; more at /_simulator/fault.",
    ),
]
Seed = Annotated[int, typer.Option(help="The same seed makes the same data.")]


@app.command()
def planner(
    port: Port = 8900,
    host: Host = "127.0.0.1",
    customers: Annotated[int, typer.Option(min=1, help="How many customers there are.")] = 1000,
    seed: Seed = 1,
    zone: Annotated[str, typer.Option(help="Time zone of the account.")] = "UTC",
    user: Annotated[str, typer.Option(help="User name.")] = "simulator",
    password: Annotated[
        str, typer.Option(help="Its password.", envvar="TANDEM_PLANNER_PASSWORD")
    ] = "simulator",
    api_key: Annotated[str, typer.Option(help="An API key.", envvar="TANDEM_PLANNER_API_KEY")] = "simulator",
    template: Annotated[
        list[str] | None, typer.Option(help="A template as CHANNEL:ID, such as 504:11. Repeatable.")
    ] = None,
    token_seconds: Annotated[float, typer.Option(help="Life of a token from its last use.")] = 1200,
    fault: Faults = None,
    deviation: Annotated[
        list[str] | None,
        typer.Option(help="A way to differ from the contract; `all` = all twenty. Repeatable."),
    ] = None,
) -> None:
    """A planner on Optimove's contract: login, functions, listeners, events, campaigns executed each day."""
    from zoneinfo import ZoneInfo

    from tandem.kit import clock
    from tandem.simulators.deviations import NAMES
    from tandem.simulators.planner import Planner
    from tandem.simulators.planner_world import World

    names = NAMES if "all" in (deviation or []) else tuple(deviation or [])
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise typer.BadParameter(f"{zone!r} is no time zone; use an IANA name.") from None
    world = World(clock=clock.from_environment(), zone=zone, customers=customers, seed=seed)
    for text in template or []:
        channel, number = (_whole(part, text) for part in [*text.split(":"), ""][:2])
        world.change_template(channel, number)
    try:
        half = Planner(
            world, user=user, password=password, api_key=api_key, deviations=names, token_life=token_seconds
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    _serve(half, host, port, fault)


@app.command()
def messenger(
    port: Port = 8901,
    host: Host = "127.0.0.1",
    customer_id: Annotated[str, typer.Option(help="The account's number, in every path.")] = "5004",
    token: Annotated[str, typer.Option(help="The token.", envvar="TANDEM_MESSENGER_TOKEN")] = "simulator",
    user: Annotated[str, typer.Option(help="User name, for Basic authentication.")] = "simulator",
    password: Annotated[str, typer.Option(help="Its password.")] = "simulator",
    contacts: Annotated[int, typer.Option(min=1, help="How many contacts the list holds.")] = 1000,
    seed: Seed = 1,
    takes_twice: Annotated[
        bool, typer.Option("--takes-twice", help="A generation job takes a second upload, and sends again.")
    ] = False,
    fault: Faults = None,
    deviation: Annotated[
        list[str] | None, typer.Option(help="A way to differ from the contract; `all` = all. Repeatable.")
    ] = None,
) -> None:
    """A messenger on Symplify's contract: templates, lists, contacts, imports, previews, messages, jobs, exports."""
    from tandem.kit import clock
    from tandem.simulators.messenger import Messenger
    from tandem.simulators.messenger_deviations import NAMES

    try:
        half = Messenger(
            clock=clock.from_environment(), customer_id=customer_id, token=token, user=user, password=password,
            contacts=contacts, seed=seed, takes_twice=takes_twice,
            deviations=NAMES if "all" in (deviation or []) else tuple(deviation or []),
        )  # fmt: skip
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    _serve(half, host, port, fault)


@app.command()
def relay(
    log: Annotated[
        Path, typer.Option(help="Where each message that was taken is written down, before its 250.")
    ],
    port: Port = 2525,
    host: Host = "127.0.0.1",
    script: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="What it offers and what goes wrong, as JSON; read again when it changes.",
        ),
    ] = None,
    rule: Annotated[
        list[str] | None,
        typer.Option(
            help='One thing that goes wrong, as JSON: `{"at": "rcpt", "to": "a@b.example", "reply": "550 no"}`. '
            "Repeatable.",
        ),
    ] = None,
    maildir: Annotated[Path | None, typer.Option(help="Keep the messages themselves here.")] = None,
    starttls: Annotated[
        bool, typer.Option("--starttls", help="Offer STARTTLS, with a certificate of its own.")
    ] = False,
    pipelining: Annotated[bool, typer.Option(help="Offer PIPELINING.")] = True,
    certificate: Annotated[
        Path | None, typer.Option(help="Write its certificate here, for clients to trust.")
    ] = None,
) -> None:
    """A mail relay: takes mail quickly, or badly. Ends with its numbers as one line of JSON."""
    from tandem.simulators import relay_command

    try:
        relay_command.serve(
            log=log, port=port, host=host, file=script, rules=rule or [], maildir=maildir,
            starttls=starttls, pipelining=pipelining, certificate=certificate,
        )  # fmt: skip
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


@app.command("sms-gateway")
def sms_gateway(
    port: Port = 8902,
    host: Host = "127.0.0.1",
    user: Annotated[str, typer.Option(help="User name or account SID.")] = "AC1",
    secret: Annotated[str, typer.Option(help="Its password or token.")] = "secret",
    answer: Annotated[
        list[str] | None,
        typer.Option(help="How the next message is answered: a status, a Twilio code, cut, hang-up, html."),
    ] = None,
    fault: Faults = None,
) -> None:
    """An SMS gateway over HTTP, as Twilio and 46elks speak; what it took is at /_simulator/taken."""
    from tandem.simulators.sms_gateway import SmsGateway

    half = SmsGateway(user=user, secret=secret)
    try:
        half.answer_next(*(answer or []))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    _serve(half, host, port, fault)


@app.command()
def smsc(
    port: Port = 2775,
    host: Host = "127.0.0.1",
    system_id: Annotated[str, typer.Option(help="User name.")] = "simulator",
    password: Annotated[str, typer.Option(help="Its password; at most 8 characters.")] = "secret",
    receipts: Annotated[str, typer.Option(help="Receipts it sends: delivered, failed, or none.")] = "",
    decimal: Annotated[bool, typer.Option("--decimal", help="Receipts write ids in decimal.")] = False,
    replies: Annotated[str, typer.Option(help="What everybody answers, as STOP.")] = "",
    answer: Annotated[
        list[str] | None,
        typer.Option(
            help="How the next message is answered: throttled, queue-full, silent, cut, 0x0000000b."
        ),
    ] = None,
) -> None:
    """An SMSC over SMPP 3.4; each message it takes is a line of JSON on stdout."""
    from tandem.simulators.smsc import Smsc

    half = Smsc(
        host=host, port=port, system_id=system_id, password=password, receipts=receipts, decimal=decimal,
        replies=replies, told=typer.echo,
    )  # fmt: skip
    try:
        half.answer_next(*(answer or []))
        half.start()
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error)) from error
    typer.echo(f"smpp://{host}:{half.port} answers. Ctrl-C stops it.", err=True)
    try:
        half.join()
    except KeyboardInterrupt:
        half.stop()


@app.command()
def kumomta(
    port: Port = 8902,
    host: Host = "127.0.0.1",
    log: Annotated[Path | None, typer.Option(help="Where each injected message is written down.")] = None,
    user: Annotated[str, typer.Option(help="User name, if it is to ask for one.")] = "",
    password: Annotated[str, typer.Option(help="Its password.")] = "",
    fault: Faults = None,
) -> None:
    """KumoMTA's HTTP injection: templates expanded, every message kept at /_simulator/messages."""
    from tandem.simulators.kumomta import KumoMta

    _serve(KumoMta(log=log, user=user, password=password), host, port, fault)


def _serve(half: object, host: str, port: int, faults: list[str] | None) -> None:
    from tandem.simulators.server import Half, Server, Simulator, fault_of

    made = []
    for text in faults or []:
        kind, function, times, *_ = [*text.split(":"), "", ""]
        try:
            made.append(fault_of(kind, function=function, times=int(times or -1)))
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    served: Half = half  # type: ignore[assignment]
    try:
        server = Server(Simulator(served, tuple(made)), host=host, port=port)
    except OSError as error:
        typer.echo(f"{host}:{port} cannot be listened on: {error.strerror}.", err=True)
        raise SystemExit(1) from None
    typer.echo(
        f"{server.url}/ answers. Its log and faults: {server.url}/_simulator/log. Ctrl-C stops it.", err=True
    )
    try:
        server.run()
    except KeyboardInterrupt:
        os._exit(0)


def _whole(text: str, whole: str) -> int:
    if not text.isdigit():
        raise typer.BadParameter(f"{whole!r} is no template; write it as 504:11.")
    return int(text)
