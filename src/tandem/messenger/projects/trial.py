"""Test render of a new version in a child process with little memory and time; the parent ends it when it hangs."""

import json
import resource
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from tandem.messenger.projects.compiled import CompiledEmail, CompiledSms, load
from tandem.messenger.projects.errors import RenderError

MEMORY = 1 << 30
CPU_SECONDS = 3
WALL_SECONDS = 10.0
LARGEST_MESSAGE = 1 << 20
LARGEST_PRINTED = 256 * 1024


def try_out(data: Mapping[str, Any]) -> str:
    """Render the version in a child with empty, usual and hostile values; the words of what failed, or nothing."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-m", "tandem.messenger.projects.trial"],
            input=json.dumps(data).encode(),
            capture_output=True,
            timeout=WALL_SECONDS,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "The test message was not ready in time."
    if done.returncode == 0:
        return done.stdout.decode().strip()
    return "The test message needed too much memory or time."


def check(data: Mapping[str, Any]) -> str:
    """What the child does."""
    compiled = load(data)
    for value in ("", 'Åsa <b> & "O\'Neil" {{7*7}} {% x %} 100 %', "x" * 300):
        values = dict.fromkeys(compiled.names, value)
        try:
            problem = _once(compiled, values)
        except RenderError as error:
            if value:
                return f"{error.detail} {error.advice}".strip()
            continue
        if problem:
            return problem
    return ""


def _once(compiled: CompiledEmail | CompiledSms, values: dict[str, str]) -> str:
    link = "https://tracking.example/u/0123456789abcdefghijklmnopqrstuv"
    if isinstance(compiled, CompiledSms):
        compiled.render(values, unsubscribe_url=link)
        return ""
    message = compiled.render(
        values,
        to="person@example.com",
        message_id="trial@example.com",
        unsubscribe_url=link,
        date="Mon, 01 Jan 2029 09:00:00 +0000",
    )
    if len(message) > LARGEST_MESSAGE or (not any(values.values()) and len(message) > LARGEST_PRINTED):
        return f"The message is larger than {LARGEST_PRINTED // 1024} kB. Shorten it."
    body = message.split(b"\r\n\r\n", 1)[1]
    if any(len(line) > 76 for line in body.split(b"\r\n")) or b"\n" in body.replace(b"\r\n", b""):
        return "The message has lines that mail servers refuse."
    return ""


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    _limit()
    sys.stdout.write(check(json.load(sys.stdin)))
