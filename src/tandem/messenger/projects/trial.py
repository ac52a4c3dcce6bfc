"""Compiling and a test render in a child process with little memory and time; the parent ends it when it hangs.

HTML and MJML are read by native code that a hostile text may crash or keep busy; the child takes that, not the server.
"""

import json
import os
import resource
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tandem.messenger.projects.alternative import Link
from tandem.messenger.projects.compiled import CompiledEmail, CompiledSms, Counting, load
from tandem.messenger.projects.compiler import Made, compile_source
from tandem.messenger.projects.domain import Fault, Sender, SmsSource, Source, source_from_json
from tandem.messenger.projects.errors import RenderError, TemplateWrong

MEMORY = 640 << 20
CPU_SECONDS = 3
WALL_SECONDS = 6.0
LARGEST_MESSAGE = 1 << 20
LARGEST_PRINTED = 256 * 1024
#: children at a time of one process; each may take as much memory as it is allowed
_ROOM = threading.BoundedSemaphore(2)
#: short-lived, so nothing is collected; a module that is imported is compiled already
_CHILD = "import gc; gc.disable(); from tandem.messenger.projects.trial import main; main()"
TOO_MUCH = "The template needs too much memory or time. Make it smaller or simpler."


def make(
    source: Source,
    *,
    names: Mapping[str, str],
    sender: Sender,
    snippets: Mapping[str, str] | None = None,
) -> Made:
    """Compile and try out in a child. Raises TemplateWrong, also when the child gave up."""
    return made(job_of(source, names=names, sender=sender, snippets=snippets))


def job_of(
    source: Source,
    *,
    names: Mapping[str, str],
    sender: Sender,
    snippets: Mapping[str, str] | None = None,
) -> bytes:
    """What the child is asked; the same words for the same source and surroundings."""
    job = {
        "channel": "sms" if isinstance(source, SmsSource) else "email",
        "source": source.as_json(),
        "names": dict(names),
        "sender": asdict(sender),
        "snippets": dict(snippets or {}),
    }
    return json.dumps(job, sort_keys=True).encode()


def made(job: bytes) -> Made:
    """Compile and try out in a child. Raises TemplateWrong, also when the child gave up."""
    answer = _asked(job)
    if "faults" in answer:
        raise TemplateWrong([Fault(**fault) for fault in answer["faults"]])
    links = tuple(Link(**{**link, "tags": tuple(link["tags"])}) for link in answer["links"])
    return Made(data=answer["data"], warnings=tuple(answer["warnings"]), links=links)


def _asked(job: bytes) -> dict[str, Any]:
    if not _ROOM.acquire(timeout=WALL_SECONDS * 2):
        return _refusal("Other templates are being compiled. Try again in a moment.")
    try:
        return _child(job)
    finally:
        _ROOM.release()


def _child(job: bytes) -> dict[str, Any]:
    import subprocess  # only the parent needs it

    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _CHILD],
            input=job,
            capture_output=True,
            timeout=WALL_SECONDS,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _refusal(TOO_MUCH)
    if done.returncode:
        return _refusal(TOO_MUCH)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _refusal(words: str) -> dict[str, Any]:
    return {"faults": [asdict(Fault(part="Test message", line=1, column=1, words=words))]}


def answered(job: Mapping[str, Any]) -> dict[str, Any]:
    """What the child does: the compiled data, or the faults."""
    try:
        made = compile_source(
            source_from_json(job["channel"], job["source"]), names=job["names"], sender=Sender(**job["sender"]),
            snippets=job["snippets"],
        )  # fmt: skip
    except TemplateWrong as wrong:
        return {"faults": [asdict(fault) for fault in wrong.problems]}
    if words := check(made.data):
        return _refusal(words)
    return {"data": made.data, "warnings": made.warnings, "links": [asdict(link) for link in made.links]}


def check(data: Mapping[str, Any]) -> str:
    """Render with empty, usual and hostile values; the words of what failed, or nothing."""
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
    counted = Counting(url="https://tracking.example/c/token/", pixel_url=link, sign=lambda number, url: "s")
    for counts in (Counting(), counted):
        if problem := _problem(_message(compiled, values, link, counts), is_empty=not any(values.values())):
            return problem
    return ""


def _message(compiled: CompiledEmail, values: dict[str, str], link: str, counts: Counting) -> bytes:
    return compiled.render(
        values,
        to="person@example.com",
        message_id="trial@example.com",
        unsubscribe_url=link,
        date="Mon, 01 Jan 2029 09:00:00 +0000",
        counts=counts,
    )


def _problem(message: bytes, *, is_empty: bool) -> str:
    if len(message) > LARGEST_MESSAGE or (is_empty and len(message) > LARGEST_PRINTED):
        return f"The message is larger than {LARGEST_PRINTED // 1024} kB. Shorten it."
    body = message.split(b"\r\n\r\n", 1)[1]
    if any(len(line) > 76 for line in body.split(b"\r\n")) or b"\n" in body.replace(b"\r\n", b""):
        return "The message has lines that mail servers refuse."
    return ""


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """The child: limits first, then the job of stdin, the answer on stdout; it ends without tidying up."""
    _limit()
    answer = answered(json.load(sys.stdin))
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    os._exit(0)
