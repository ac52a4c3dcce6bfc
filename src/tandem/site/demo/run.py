"""The demonstration's conductor. It knows no half from inside: each half is set up by a process of its own."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
from rich.table import Table

from tandem.kit import embedded_postgres
from tandem.kit.commands import data as out
from tandem.kit.commands import print_json, words
from tandem.kit.problems import OtherSideFailed, Problem, Refused
from tandem.site import migrations
from tandem.site.demo import way_out
from tandem.site.processes import Supervisor
from tandem.site.services import HALVES, children_of
from tandem.site.settings.environment import home, value

#: Business seconds before the send time: to start and plan, to list and fetch, and more the first time.
START_SECONDS = 20
LEAD_SECONDS, LEAD_PER_CUSTOMER = 9, 8 / 50_000
FIRST_PER_CUSTOMER = 20 / 50_000
GIVE_UP_SECONDS = 240
SERVICES = ("PLANNER", "MESSENGER", "TRACKING")
COUNTS = ("listed", "control", "sent", "skipped", "failed", "uncertain", "outbox")


class DemoFailed(Problem):
    """The campaign did not arrive as planned."""

    title = "The demonstration did not finish"


def run_demo(*, data: Path | None, mapping: str, serve: bool, as_json: bool, customers: int) -> None:
    """Run the whole campaign by email and a small one by SMS; raises DemoFailed if the numbers do not add up."""
    if data is not None and not data.is_file():
        raise Refused(f"There is no file {data}.", "Give DATA=path of a CSV, Parquet or text file.")
    with _no_server_left():
        _run(data=data, mapping=mapping, serve=serve, as_json=as_json, customers=customers)


def _run(*, data: Path | None, mapping: str, serve: bool, as_json: bool, customers: int) -> None:
    timings: dict[str, float] = {}
    memory = _Memory(home() / "demo-state.json")
    again = memory.read().get("finished", False)
    with _timed("set up", timings):
        _make_home()
        migrations.migrate(HALVES)
    with _timed("import", timings):
        made = _prepare(memory, data, mapping, customers)
    send_at = _set_clock(memory, made, again)
    supervisor = Supervisor(children_of("up"), logs=home() / "logs")
    with _running(supervisor, serve):
        with _timed("start", timings):
            supervisor.start()
            _wait_for_pages()
        words.print(f"Pages: [bold]{_url('PLANNER')}/ui/[/] (planner), {_url('MESSENGER')}/ui/ (messenger)")
        words.print(f"Sign in as {made['web_user']}, password {made['web_password']}")
        threading.Thread(target=supervisor.watch, daemon=True).start()
        with _timed("plan", timings):
            planned = _plan(made, send_at, again)
        _write_demo_json(made, planned)
        with _timed("send", timings):
            _wait_until_sent(made, planned)
        document, link = _result(made, planned, timings)
        _unsubscribe(made, planned, link)
        memory.write({**memory.read(), "finished": True})
        _show(document, made, as_json)
        if serve:
            words.print("The pages stay up. Ctrl-C stops everything.")
            _until_signal(supervisor)


def _make_home() -> None:
    folder = home()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "tandem.env"
    if not file.exists():
        ports = {name: _free(int(value(f"TANDEM_{name}_PORT"))) for name in SERVICES}
        os.environ.update({f"TANDEM_{name}_PORT": str(port) for name, port in ports.items()})
        reach = ",".join(f"127.0.0.1:{ports[name]}" for name in ("PLANNER", "MESSENGER"))
        lines = [f"TANDEM_{name}_PORT={port}" for name, port in ports.items()]
        lines += [f"TANDEM_ALLOW_PRIVATE={reach}", "TANDEM_PROVIDER_LOCK=1"]
        _write_private(file, "\n".join(["# Made by the demonstration", *lines, ""]))
        return
    for name in SERVICES:
        port = int(value(f"TANDEM_{name}_PORT"))
        if _free(port) != port:
            raise Refused(
                f"Port {port} is in use; is this demonstration running already?",
                f"Stop it, or change TANDEM_{name}_PORT in {file}.",
            )


def _prepare(memory: "_Memory", data: Path | None, mapping: str, customers: int) -> dict[str, Any]:
    state = memory.read()
    source = str(data.resolve()) if data else f"generated {customers}"
    if state.get("source", source) != source:
        raise Refused(
            f"{home()} holds the demonstration of {state['source']}.", "Give another HOME_DIR for other data."
        )
    if "made" not in state:
        passwords = {"web_user": "demo@tandem.example", "web_password": secrets.token_urlsafe(9)}
        messenger = _side("messenger", "prepare", passwords)
        planner = _side(
            "planner",
            "prepare",
            {**passwords, "data": str(data or ""), "mapping": mapping, "customers": customers},
        )
        state = {"source": source, "made": {**passwords, **messenger, **planner}}
        memory.write(state)
    return dict(state["made"])


def _set_clock(memory: "_Memory", made: dict[str, Any], again: bool) -> datetime:
    """Choose the send time and move business time to just before it; business time never goes back in a home."""
    state = memory.read()
    send_at = datetime.fromisoformat(made["first_send_at"])
    machine = datetime.now(UTC)
    if "offset" in state:
        reached = machine + timedelta(seconds=state["offset"])
        while send_at - timedelta(seconds=START_SECONDS + _lead(made)) < reached:
            send_at += timedelta(minutes=10)
    ahead = START_SECONDS + _lead(made) + (0 if again else made["customers"] * FIRST_PER_CUSTOMER)
    offset = (send_at - timedelta(seconds=ahead) - machine).total_seconds()
    memory.write({**state, "offset": offset})
    os.environ["TANDEM_CLOCK_OFFSET"] = f"{offset:.3f}"
    _set_line(home() / "tandem.env", "TANDEM_CLOCK_OFFSET", f"{offset:.3f}")
    return send_at


def _lead(made: dict[str, Any]) -> int:
    """Seconds to make the list of this many customers and have it fetched."""
    return LEAD_SECONDS + round(made["customers"] * LEAD_PER_CUSTOMER)


def _plan(made: dict[str, Any], send_at: datetime, again: bool) -> dict[str, Any]:
    addresses = {"planner_url": _url("PLANNER"), "messenger_url": f"{_url('MESSENGER')}/rest"}
    facts = {
        **made,
        **addresses,
        "again": again,
        "send_at": send_at.isoformat(),
        "lead_seconds": _lead(made),
    }
    _side("messenger", "listen", facts)
    if not again:
        _side("planner", "connect", facts)
        _side("messenger", "opt_out", facts)
    planned = _side("planner", "plan", facts)
    if not again:
        _side("messenger", "opt_out_late", facts)
    return planned


def _wait_until_sent(made: dict[str, Any], planned: dict[str, Any]) -> None:
    deadline = time.monotonic() + GIVE_UP_SECONDS
    facts = {**made, **planned, "seconds": GIVE_UP_SECONDS}
    states = _side("planner", "wait", facts)
    settled = {"sent", "sent with failures"}
    if not set(states.values()) <= settled or time.monotonic() > deadline:
        raise DemoFailed(
            f"After {GIVE_UP_SECONDS} seconds the campaigns are: {states}.", f"Look into {home() / 'logs'}."
        )


def _result(
    made: dict[str, Any], planned: dict[str, Any], timings: dict[str, float]
) -> tuple[dict[str, Any], str]:
    """The numbers, and the unsubscribe link of one of the messages."""
    ours, theirs = (_side(half, "outcome", {**made, **planned}) for half in ("planner", "messenger"))
    numbers = {channel: _numbers(channel, ours[channel], theirs[channel]) for channel in planned["campaigns"]}
    email = numbers["email"]
    email["seconds"] |= {name: round(spent, 2) for name, spent in timings.items()}
    return {**email, "sms": numbers["sms"]}, str(theirs["email"]["way_out"])


def _unsubscribe(made: dict[str, Any], planned: dict[str, Any], link: str) -> None:
    if not link:
        return  # nobody got the email
    try:
        known = way_out.take(
            _url("TRACKING"), _url("PLANNER"), link, api_key=made["planner_api_key"], day=planned["date"],
            channel=planned["channels"]["email"], campaign=planned["campaigns"]["email"],
        )  # fmt: skip
    except httpx.HTTPError as error:
        raise DemoFailed(
            f"A recipient could not unsubscribe: {error}.", f"Look into {home() / 'logs'}."
        ) from error
    told = "the planner knows it" if known else "the planner has not heard of it yet"
    words.print(f"One recipient unsubscribed by the link in the message; {told}.")


def _numbers(channel: str, ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    numbers = {
        "listed": ours["listed"],
        "control": ours["control"],
        "sent": theirs["sent"],
        "skipped": dict(sorted({**ours["skipped"], **theirs["skipped"]}.items())),
        "failed": theirs["failed"],
        "uncertain": theirs["uncertain"],
        "outbox": theirs["outbox"],
        "seconds": {
            "sending": round(theirs["seconds"], 2),
            "after its minute": round(theirs["lateness"], 2),
        },
    }
    _check_identity(channel, numbers)
    return numbers


def _check_identity(channel: str, n: dict[str, Any]) -> None:
    total = n["control"] + n["sent"] + sum(n["skipped"].values()) + n["failed"] + n["uncertain"]
    if n["listed"] != total or n["outbox"] != n["sent"]:
        raise DemoFailed(
            f"The numbers of the {channel} campaign do not add up: {n}.", "This is a fault of Tandem."
        )


def _show(document: dict[str, Any], made: dict[str, Any], as_json: bool) -> None:
    table = Table(title="Who was listed, who got it, who did not and why")
    for heading in ("", "email", "SMS"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name in COUNTS:
        cells = [
            ", ".join(f"{reason} {n:,}" for reason, n in part[name].items()) or "0"
            if isinstance(part[name], dict)
            else f"{part[name]:,}"
            for part in (document, document["sms"])
        ]
        table.add_row(name, *cells)
    (words if as_json else out).print(table)
    words.print(
        "listed = control + sent + skipped + failed + uncertain; outbox = messages read back from the Maildir."
    )
    for sentence in made.get("notes", ()):
        words.print(sentence, markup=False)
    words.print(f"For programs: {home() / 'demo.json'}")
    if as_json:
        print_json(document)


def _write_demo_json(made: dict[str, Any], planned: dict[str, Any]) -> None:
    document = {
        "planner_url": _url("PLANNER"),
        "planner_user": made["planner_user"],
        "planner_password": made["planner_password"],
        "planner_api_key": made["planner_api_key"],
        "messenger_url": f"{_url('MESSENGER')}/rest",
        "customer_id": made["customer_id"],
        "messenger_user": made["messenger_user"],
        "messenger_password": made["messenger_password"],
        "messenger_token": made["messenger_token"],
        "list_id": made["list_id"],
        "trigger_ids": made["trigger_ids"],
        "channel_id": planned["channels"]["email"],
        "campaign_id": planned["campaigns"]["email"],
        "date": planned["date"],
        "web_user": made["web_user"],
        "web_password": made["web_password"],
    }
    _write_private(home() / "demo.json", json.dumps(document, indent=2) + "\n")


def _side(half: str, step: str, facts: dict[str, Any]) -> dict[str, Any]:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", f"tandem.site.demo.{half}_side", step],
        input=orjson.dumps(facts),
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(done.returncode)  # the step has said what is wrong
    words.print(f"  {half} {step}: {time.monotonic() - started:.1f} s")
    return dict(orjson.loads(done.stdout.splitlines()[-1]))


@contextmanager
def _timed(name: str, timings: dict[str, float]) -> Iterator[None]:
    started = time.monotonic()
    words.print(f"{name.capitalize()} ...")
    yield
    timings[name] = time.monotonic() - started
    words.print(f"{name.capitalize()}: {timings[name]:.1f} s")


@contextmanager
def _no_server_left() -> Iterator[None]:
    """An embedded server that this run starts ends with it, also when setting up fails; one that ran before stays."""
    known = embedded_postgres.find(home())
    ran = known is not None and embedded_postgres.is_running(known)
    try:
        yield
    finally:
        server = None if ran else embedded_postgres.find(home())
        if server is not None and embedded_postgres.is_running(server):
            embedded_postgres.stop(server)


@contextmanager
def _running(supervisor: Supervisor, serve: bool) -> Iterator[None]:
    try:
        yield
    finally:
        supervisor.stop()
        server = embedded_postgres.find(home())
        if server is not None:
            embedded_postgres.stop(server)


def _until_signal(supervisor: Supervisor) -> None:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()


def _wait_for_pages() -> None:
    deadline = time.monotonic() + 60
    for address in (
        f"{_url('PLANNER')}/ui/sign-in",
        f"{_url('MESSENGER')}/ui/sign-in",
        f"{_url('TRACKING')}/health",
    ):
        while True:
            try:
                if httpx.get(address, timeout=5, trust_env=False).status_code < 500:
                    break
            except httpx.HTTPError:
                time.sleep(0.1)
            if time.monotonic() > deadline:
                raise OtherSideFailed(f"{address} does not answer.", f"Look into {home() / 'logs'}.")


def _url(service: str) -> str:
    return f"http://127.0.0.1:{value(f'TANDEM_{service}_PORT')}"


def _free(port: int) -> int:
    """This port if nobody listens on it, else one that is free."""
    for candidate in (port, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Refused("No port is free on this machine.", "Stop something that listens.")


def _set_line(file: Path, name: str, text: str) -> None:
    lines = [line for line in file.read_text().splitlines() if not line.startswith(f"{name}=")]
    _write_private(file, "\n".join([*lines, f"{name}={text}", ""]))


def _write_private(file: Path, text: str) -> None:
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(text)
    new.replace(file)


class _Memory:
    """What a home remembers between demonstrations."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> dict[str, Any]:
        return dict(json.loads(self._file.read_text())) if self._file.exists() else {}

    def write(self, state: dict[str, Any]) -> None:
        _write_private(self._file, json.dumps(state, indent=2))
