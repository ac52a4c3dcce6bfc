"""A stand-in for an SMS gateway over HTTP, as Twilio and 46elks speak, and one that takes any JSON.

Served by `Server`; what it took is at `/_simulator/taken`, how to answer is told to `/_simulator/answer`.
"""

import base64
import itertools
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

from tandem.simulators.server import Reply, Request, json_reply

#: Twilio's error codes and their statuses
TWILIO_ERRORS = {21610: 400, 21611: 429, 21211: 400, 20003: 401, 20429: 429, 21606: 400, 30002: 403}
#: what else the next message may be answered with
FAULTS = ("cut", "hang-up", "500", "503", "html", "empty")


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A message as it came. fields: the form or the JSON object; key: an idempotency key, if one came."""

    id: str
    to: str
    sender: str
    text: str
    fields: Mapping[str, str]
    key: str
    answer: str


class SmsGateway:
    """Takes messages of one user; the truth is written down before the answer."""

    def __init__(self, *, user: str = "AC1", secret: str = "secret") -> None:
        self.taken: list[Letter] = []
        self._basic = "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()
        self._script: deque[str] = deque()
        self._ids = itertools.count(1)
        self._lock = threading.Lock()

    def answer_next(self, *answers: str) -> None:
        """How the next messages are answered, one each: a Twilio error code, a status, or one of FAULTS."""
        for answer in answers:
            if answer not in FAULTS and not answer.isdigit():
                raise ValueError(f"{answer!r} is no answer; use a code or one of {', '.join(FAULTS)}.")
        self._script.extend(answers)

    def answer(self, request: Request) -> Reply:
        """One message in."""
        twilio, elks = request.path.endswith("/Messages.json"), request.path == "/a1/sms"
        if (twilio or elks) and request.headers.get("authorization") != self._basic:
            return _error(20003, "Authenticate", 401) if twilio else Reply(status=401, body=b"Unauthorized")
        fields = _fields(request)
        with self._lock:
            answer = self._script.popleft() if self._script else ""
            letter = _letter(f"{'SM' if twilio else 's'}{next(self._ids):032x}", fields, request, answer)
            self.taken.append(letter)
        if answer:
            return _scripted(answer, twilio)
        if twilio:
            return json_reply({"sid": letter.id, "status": "queued", "error_code": None}, 201)
        if elks:
            return json_reply(
                {"id": letter.id, "status": "created", "to": letter.to, "direction": "outgoing"}
            )
        return json_reply({"messages": [{"id": letter.id, "state": "queued"}]}, 202)

    def control(self, verb: str, fields: dict[str, Any]) -> Any:
        """`taken`: every message; `answer`: {"answers": [...]}."""
        if verb == "taken":
            return [{**letter.__dict__, "fields": dict(letter.fields)} for letter in self.taken]
        if verb == "answer":
            self.answer_next(*map(str, fields["answers"]))
            return {"waiting": len(self._script)}
        raise KeyError(verb)


def _fields(request: Request) -> dict[str, str]:
    if "json" not in request.headers.get("content-type", ""):
        return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        found = orjson.loads(request.body)
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _letter(name: str, fields: dict[str, str], request: Request, answer: str) -> Letter:
    return Letter(
        id=name,
        to=fields.get("To") or fields.get("to", ""),
        sender=fields.get("From") or fields.get("from", ""),
        text=fields.get("Body") or fields.get("message") or fields.get("text", ""),
        fields=fields,
        key=request.headers.get("idempotency-key", ""),
        answer=answer,
    )


def _scripted(answer: str, twilio: bool) -> Reply:
    if answer in ("cut", "hang-up"):
        return Reply(body=b'{"sid": "half of an answer"}', cut=answer == "cut", hang_up=answer == "hang-up")
    if answer == "html":
        return Reply(body=b"<!doctype html><title>Maintenance</title>", kind="text/html")
    if answer == "empty":
        return Reply(body=b"")
    number = int(answer)
    if number in TWILIO_ERRORS and twilio:
        return _error(number, "A refusal of 46701740001", TWILIO_ERRORS[number])
    return Reply(status=number if number < 600 else 400, body=b"refused", kind="text/plain")


def _error(code: int, words: str, status: int) -> Reply:
    return json_reply({"code": code, "message": words, "status": status}, status)
