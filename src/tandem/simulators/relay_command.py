"""The relay as a program: until it is told to end, then its numbers."""

import asyncio
import json
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import orjson

from tandem.simulators import relay_script
from tandem.simulators.relay import Relay, run
from tandem.simulators.relay_script import Script


def serve(
    *,
    log: Path,
    port: int,
    host: str,
    file: Path | None,
    rules: Sequence[str],
    maildir: Path | None,
    starttls: bool,
    pipelining: bool,
    certificate: Path | None,
) -> None:
    """Listen and answer. ValueError in words if the script or a rule is none."""
    made = Script(
        starttls=starttls,
        pipelining=pipelining,
        rules=tuple(relay_script.rule(_object(one)) for one in rules),
    )
    relay = Relay(log=log, script=made, file=file, maildir=maildir, host=host, port=port)
    if certificate is not None:
        relay.tell(replace(relay.script, starttls=True))
        shutil.copy(relay.certificate, certificate)
    try:
        run(relay, on_ready=lambda: _ready(relay))
    except OSError as error:
        print(f"{host}:{port} cannot be listened on: {error.strerror}.", file=sys.stderr)  # noqa: T201
        raise SystemExit(1) from None
    numbers = {
        "messages": relay.messages,
        "connections": relay.connections,
        "cpu_seconds": time.process_time(),
    }
    print(json.dumps(numbers))  # noqa: T201


def _object(text: str) -> dict[str, object]:
    told = orjson.loads(text)
    if not isinstance(told, dict):
        raise ValueError(f"{text!r} is no rule; write it as an object.")
    return told


def _ready(relay: Relay) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, relay.end)
    print(f"{relay.host}:{relay.port} takes mail. Its log: {relay.log}. Ctrl-C stops it.", file=sys.stderr)  # noqa: T201
