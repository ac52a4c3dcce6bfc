"""What is known of a version and shown beside it: preview for a contact, faults in their place, who lacks what."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from tandem.kit.problems import NotFound, Problem
from tandem.messenger.accounts import prices
from tandem.messenger.projects import service as projects
from tandem.messenger.projects.domain import GSM_INSTEAD, Fault, SmsSource, forcing_ucs2
from tandem.messenger.web.pages import account_id, may

AROUND = 60
_FIELDS = {"Subject": "subject", "MJML": "body", "HTML": "body", "Text": "text"}


@dataclass(frozen=True)
class Marked:
    """A fault with the line it is in; `field` is the form's field of its part, or empty."""

    fault: Fault
    field: str
    before: str
    wrong: str
    after: str


@dataclass(frozen=True)
class Forcing:
    """A character that GSM-7 does not have, and what could stand instead."""

    character: str
    instead: str


def describe(request: HttpRequest, trigger: Any, version: Any, contact: str) -> dict[str, Any]:
    """The context of a version's look. contact: originalId, or empty for nobody in particular."""
    account = account_id(request)
    preview, problem = _preview(account, trigger.id, version.id, contact)
    faults = getattr(problem, "problems", ())
    return {
        "trigger": trigger,
        "version": version,
        "contact": contact,
        "preview": preview,
        "cost": _cost(account, preview),
        "forcing": _forcing(preview.sms.text) if preview and preview.sms else (),
        "faults": marked(faults, version.source),
        "preview_problem": None if faults else problem,
        "unknown": isinstance(problem, NotFound) and bool(contact),
        "checked": None if faults else _checked(account, trigger, version),
        "links": projects.links_of(account, version.id),
        "may_change": may(request, "content"),
    }


def marked(faults: Sequence[Fault], source: Any) -> tuple[Marked, ...]:
    """Each fault with its line, the wrong place apart."""
    return tuple(_marked(fault, source) for fault in faults)


def _marked(fault: Fault, source: Any) -> Marked:
    is_sms = isinstance(source, SmsSource)
    texts = {"text": source.text} if is_sms else {
        "subject": source.subject, "body": source.mjml or source.html, "text": source.text
    }  # fmt: skip
    field = _FIELDS.get(fault.part, "")
    lines = texts.get(field, "").splitlines() or [""]
    line = lines[fault.line - 1] if fault.line <= len(lines) and field else ""
    at = fault.column - 1
    found = re.compile(r"\{\{.*?\}\}|!!\w+!!|<[^<>]*>|\S+").match(line, at)
    end = found.end() if found else at
    return Marked(
        fault=fault,
        field=field,
        before=line[max(0, at - AROUND) : at],
        wrong=line[at:end],
        after=line[end : end + AROUND],
    )


def _forcing(text: str) -> tuple[Forcing, ...]:
    return tuple(Forcing(character, GSM_INSTEAD.get(character, "")) for character in forcing_ucs2(text))


def _cost(account: int, preview: Any) -> str:
    """What the SMS costs with its currency; empty for an email, or without a price."""
    price = prices.sms_price(account) if preview and preview.sms else None
    return f"{price.of(preview.sms.parts):f} {price.currency}" if price else ""


def _checked(account: int, trigger: Any, version: Any) -> Any:
    try:
        return projects.check(account, trigger.id, version.source)
    except Problem:
        return None


def _preview(account: int, trigger_id: int, version_id: int, contact: str) -> tuple[Any, Problem | None]:
    try:
        return projects.preview(account, trigger_id, version_id, original_id=contact or None), None
    except Problem as problem:
        return None, problem
