"""KumoMTA's HTTP injection as a simulator: the published request and answer, templates expanded, everything kept."""

import base64
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import minijinja
import orjson

from tandem.simulators.server import Reply, Request, json_reply

PATH = "/api/inject/v1"
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "envelope_sender": str, "content": (str, dict), "recipients": list, "substitutions": dict,
    "deferred_spool": bool, "deferred_generation": bool, "trace_headers": dict, "template_dialect": str,
}  # fmt: skip
_DIALECTS = ("Jinja", "Static", "Handlebars")


class KumoMta:
    """The injection endpoint. refuse: address -> the error it fails with; user: Basic authentication if given."""

    def __init__(
        self,
        *,
        log: Path | None = None,
        user: str = "",
        password: str = "",
        refuse: Mapping[str, str] | None = None,
    ) -> None:
        self._log, self._lock = log, threading.Lock()
        self._password = base64.b64encode(f"{user}:{password}".encode()).decode() if user else ""
        self.refuse = dict(refuse or {})
        self.messages: list[dict[str, Any]] = []
        self.requests = 0

    def answer(self, request: Request) -> Reply:
        """One request."""
        if request.path != PATH or request.method != "POST":
            return Reply(status=404, body=b"not found", kind="text/plain")
        if self._password and request.headers.get("authorization") != f"Basic {self._password}":
            return Reply(status=401, body=b"unauthorized", kind="text/plain")
        try:
            told = _checked(request.json())
        except ValueError as error:
            return Reply(status=422, body=str(error).encode(), kind="text/plain")
        with self._lock:
            self.requests += 1
        return json_reply(self._inject(told))

    def control(self, verb: str, fields: dict[str, Any]) -> Any:
        """`messages`: what was injected; `refuse`: address -> error from now on."""
        if verb == "refuse":
            self.refuse.update(fields)
        elif verb != "messages":
            raise KeyError(verb)
        return [{key: fact[key] for key in ("to", "from", "campaign", "id")} for fact in self.messages]

    def _inject(self, told: dict[str, Any]) -> dict[str, Any]:
        failed, errors = [], []
        for recipient in told["recipients"]:
            to = recipient["email"]
            try:
                if to in self.refuse:
                    raise ValueError(self.refuse[to])
                self._keep(told["envelope_sender"], to, _content(told, recipient))
            except (ValueError, minijinja.TemplateError) as error:
                failed.append(to)
                errors.append(f"{error}")
        taken = len(told["recipients"]) - len(failed)
        return {
            "success_count": taken,
            "fail_count": len(failed),
            "failed_recipients": failed,
            "errors": errors,
        }

    def _keep(self, sender: str, to: str, content: bytes) -> None:
        head = content.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head.split("\r\n"))
        }
        fact = {
            "at": time.time(), "from": sender, "to": to, "content": content,
            "campaign": headers.get("x-tandem-campaign"), "id": headers.get("message-id"),
        }  # fmt: skip
        with self._lock:
            self.messages.append(fact)
            if self._log is not None:
                with self._log.open("ab") as log:
                    log.write(orjson.dumps({k: v for k, v in fact.items() if k != "content"}) + b"\n")


def _content(told: dict[str, Any], recipient: dict[str, Any]) -> bytes:
    content: str = told["content"]
    if told.get("template_dialect", "Jinja") == "Static":
        return content.encode()
    values = {
        **told.get("substitutions", {}), **recipient.get("substitutions", {}),
        "email": recipient["email"], "name": recipient.get("name", ""),
    }  # fmt: skip
    return minijinja.Environment(undefined_behavior="strict").render_str(content, **values).encode()


def _checked(told: Any) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise ValueError("an object is expected")
    for name, value in told.items():
        if name not in _FIELDS or not isinstance(value, _FIELDS[name]):
            raise ValueError(f"unknown or wrong field {name}")
    if missing := {"envelope_sender", "content", "recipients"} - told.keys():
        raise ValueError(f"missing field {min(missing)}")
    if told.get("template_dialect", "Jinja") not in _DIALECTS or not isinstance(told["content"], str):
        raise ValueError("this simulator knows text as content, Jinja and Static")
    for recipient in told["recipients"]:
        if not isinstance(recipient, dict) or not isinstance(recipient.get("email"), str):
            raise ValueError("a recipient has an email")
        if not recipient.keys() <= {"email", "name", "substitutions"}:
            raise ValueError("a recipient has email, name and substitutions")
    return told
