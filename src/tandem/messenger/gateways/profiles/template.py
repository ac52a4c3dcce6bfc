"""Any other gateway over HTTP, described by the account: method, address, headers, body with slots, how to read it.

Options, all text unless said otherwise:
  method, url, headers (object), body, content_type
  accept, refuse, defer: statuses, comma-separated, `4xx` for a hundred; what is in none of them is uncertain
  id_path: where the message's name is in a JSON answer, as `messages.0.id`
  refuse_path, refuse_values: a field of an accepted answer that says otherwise, and the values that refuse
  receipt_id, receipt_status, delivered, failed: fields and values of a call-back
  incoming_from, incoming_to, incoming_text, incoming_id: the same of an incoming message
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote

import orjson

from tandem.messenger.gateways.domain import (
    Answer,
    Came,
    HttpCall,
    Incoming,
    Receipt,
    Setup,
    Sms,
    Verdict,
)
from tandem.messenger.gateways.encoding import parts_of
from tandem.messenger.gateways.profiles.answers import PAUSE, accepted, refused, retry_after

SLOTS = ("to", "to_digits", "sender", "text", "reference", "receipt_url", "user", "secret", "parts")
METHODS = ("POST", "PUT", "GET")
_SLOT = re.compile(r"\{\{\s*([A-Za-z_]*)\s*\}\}")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~\-]+")
_DEFAULTS = {"accept": "2xx", "refuse": "400,404,422", "defer": "401,402,403,429"}
_TEXTS = frozenset(
    (
        *("method", "url", "body", "content_type", "accept", "refuse", "defer", "id_path", "refuse_path"),
        *("refuse_values", "receipt_id", "receipt_status", "delivered", "failed"),
        *("incoming_from", "incoming_to", "incoming_text", "incoming_id"),
    )
)


def check(options: Mapping[str, Any]) -> None:
    """ValueError, in words, for options that could not be used."""
    unknown = sorted(set(options) - _TEXTS - {"headers"})
    if unknown:
        raise ValueError(f"There is no option {unknown[0]!r}.")
    headers = options.get("headers", {})
    if not isinstance(headers, dict) or not all(isinstance(options.get(name, ""), str) for name in _TEXTS):
        raise ValueError("Every option is text, and headers are an object of texts.")
    if options.get("method", "POST") not in METHODS:
        raise ValueError(f"The method is one of {', '.join(METHODS)}.")
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or not isinstance(value, str) or not value.isprintable():
            raise ValueError(f"{str(name)[:40]!r} is no header that can be sent.")
    _check_slots([options.get("url", ""), options.get("body", ""), *headers.values()])
    for name in ("accept", "refuse", "defer"):
        _statuses(str(options.get(name, "")))
    if "to" not in "".join(_SLOT.findall(options.get("url", "") + options.get("body", ""))):
        raise ValueError("Neither address nor body has the slot {{to}}.")


def _check_slots(texts: Iterable[str]) -> None:
    for text in texts:
        for slot in _SLOT.findall(text):
            if slot not in SLOTS:
                raise ValueError(f"There is no slot {slot!r}. Slots are {', '.join(SLOTS)}.")


def build(setup: Setup, sms: Sms) -> HttpCall:
    """The request; a value stays a value, wherever its slot stands."""
    values = {
        "to": sms.to, "to_digits": sms.to.lstrip("+"), "sender": sms.sender, "text": sms.text,
        "reference": sms.reference, "receipt_url": sms.receipt_url, "user": setup.user, "secret": setup.secret,
        "parts": str(len(parts_of(sms.text).octets)),
    }  # fmt: skip
    options = setup.options
    kind = str(options.get("content_type") or "application/json")
    headers = {name: _filled(text, values, _one_line) for name, text in options.get("headers", {}).items()}
    body = _filled(str(options.get("body", "")), values, _in_body(kind))
    if body:
        headers.setdefault("Content-Type", kind)
    return HttpCall(
        method=str(options.get("method") or "POST"),
        url=_filled(str(options.get("url") or setup.url), values, _in_url),
        headers=headers,
        body=body.encode("utf-8", "replace"),
    )


def _filled(text: str, values: Mapping[str, str], as_told: Callable[[str], str]) -> str:
    return _SLOT.sub(lambda slot: as_told(values[slot[1]]), text)


def _in_url(value: str) -> str:
    return quote(value, safe="", errors="replace")


def _one_line(value: str) -> str:
    return "".join(one for one in value if one.isprintable())


def _in_body(kind: str) -> Callable[[str], str]:
    if "json" in kind:
        return _in_json
    if "form" in kind:
        return _in_url
    if "xml" in kind:
        return _in_xml
    return str


def _in_json(value: str) -> str:
    return orjson.dumps(value.encode("utf-8", "replace").decode()).decode()[1:-1]


def _in_xml(value: str) -> str:
    escaped = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return "".join(one for one in escaped.replace("'", "&apos;") if one.isprintable() or one == "\n")


def read_answer(setup: Setup, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """By the statuses that the account named."""
    options = {**_DEFAULTS, **{name: text for name, text in setup.options.items() if text}}
    detail = str(status)
    if _among(status, options["defer"]):
        return Answer(verdict=Verdict.DEFERRED, detail=detail, pause=max(retry_after(headers), PAUSE))
    if _among(status, options["refuse"]):
        return refused(detail)
    if not _among(status, options["accept"]):
        return Answer(verdict=Verdict.UNCERTAIN, detail=detail)
    document = _document(body)
    says = at_path(document, str(options.get("refuse_path", "")))
    if says and says in _listed(str(options.get("refuse_values", ""))):
        return refused(f"{status} {says}")
    return accepted(at_path(document, str(options.get("id_path", ""))), status)


def read_receipt(setup: Setup, fields: Mapping[str, str]) -> Receipt | None:
    """By the names that the account gave."""
    gateway_id = fields.get(str(setup.options.get("receipt_id", "")), "")
    status = fields.get(str(setup.options.get("receipt_status", "")), "")
    if not status:
        return None
    came = Came.ON_THE_WAY
    if status in _listed(str(setup.options.get("delivered", ""))):
        came = Came.DELIVERED
    elif status in _listed(str(setup.options.get("failed", ""))):
        came = Came.FAILED
    return Receipt(gateway_id=gateway_id, came=came, detail=status[:200])


def read_incoming(setup: Setup, fields: Mapping[str, str]) -> Incoming | None:
    """By the names that the account gave."""
    sender = fields.get(str(setup.options.get("incoming_from", "")), "")
    text = fields.get(str(setup.options.get("incoming_text", "")))
    if not sender or text is None:
        return None
    return Incoming(
        sender=sender,
        to=fields.get(str(setup.options.get("incoming_to", "")), ""),
        text=text,
        gateway_id=fields.get(str(setup.options.get("incoming_id", "")), ""),
    )


def signed(setup: Setup, url: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> bool:
    """There is no signature to check."""
    return True


def at_path(document: object, path: str) -> str:
    """The plain value at `messages.0.id`; '' if there is none."""
    found: Any = document
    for step in path.split(".") if path else ():
        if isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        elif isinstance(found, dict):
            found = found.get(step)
        else:
            return ""
    return str(found)[:200] if isinstance(found, str | int | float) and path else ""


def _document(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except ValueError:
        return None


def _listed(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(",") if one.strip())


def _statuses(text: str) -> tuple[str, ...]:
    found = _listed(text)
    for one in found:
        if not re.fullmatch(r"[1-5]([0-9]{2}|xx)", one):
            raise ValueError(f"{one[:20]!r} is no HTTP status; write 202 or 4xx.")
    return found


def _among(status: int, text: str) -> bool:
    return any(str(status) == one or one == f"{status // 100}xx" for one in _listed(text))
