"""What is posted to `/api/inject/v1`, and what its answer says of each message. Pure.

Static content is one message per request, sent as it is. Push-down is a block: the lines that all of its messages share
become the template, the others each recipient's substitutions; what KumoMTA makes of them is the same message, byte by
byte. An answer that does not account for a message leaves it uncertain.
"""

from collections.abc import Sequence
from typing import Any

import orjson

from tandem.messenger.delivery.domain import AttemptState, Message, Outcome
from tandem.messenger.delivery.smtp.envelope import Offer, Unfit, commands, path
from tandem.messenger.delivery.smtp.replies import Reply, said

PATH = "/api/inject/v1"
_OFFER = Offer(smtputf8=True, eightbit=True)
#: what a template would read as its own
_MARKS = ("{{", "{%", "{#")
#: nothing of the request was worked on
_NOT_NOW = frozenset({401, 403, 404, 405, 408, 429, 503})


def check(message: Message) -> None:
    """Raises Unfit for what cannot be an envelope, or a text."""
    commands(message, _OFFER)
    try:
        message.content.decode()
    except UnicodeDecodeError:
        raise Unfit("The message is not UTF-8.") from None


def grouped(messages: Sequence[Message]) -> list[list[Message]]:
    """Blocks that can be one request: one envelope sender, as many lines."""
    found: dict[tuple[int, str, int], list[Message]] = {}
    for message in messages:
        key = message.sending_id, message.sender, message.content.count(b"\r\n")
        found.setdefault(key, []).append(message)
    return list(found.values())


def request(messages: Sequence[Message]) -> bytes:
    """The body for one message as it is, or for a block of `grouped`."""
    if len(messages) == 1:
        only = messages[0]
        recipients: list[dict[str, Any]] = [{"email": _address(only)}]
        body = {"content": only.content.decode(), "recipients": recipients, "template_dialect": "Static"}
    else:
        body = _block(messages)
    sender = messages[0].sender
    return orjson.dumps({"envelope_sender": sender and path(sender, "sender"), **body})


def _block(messages: Sequence[Message]) -> dict[str, Any]:
    every = [message.content.decode().split("\r\n") for message in messages]
    differ = [len(set(line)) > 1 for line in zip(*every, strict=True)]
    template, shared = [], {}
    for number, line in enumerate(every[0]):
        if not differ[number] and not any(mark in line for mark in _MARKS):
            template.append(line)
            continue
        template.append(f"{{{{ l{number}|safe }}}}")
        if not differ[number]:
            shared[f"l{number}"] = line
    recipients = [
        {
            "email": _address(message),
            "substitutions": {f"l{n}": line for n, line in enumerate(lines) if differ[n]},
        }
        for message, lines in zip(messages, every, strict=True)
    ]
    # a template engine drops the last line end: it comes in as a value
    content = "\r\n".join(template) + "{{ nothing|safe }}"
    return {
        "content": content,
        "recipients": recipients,
        "substitutions": {**shared, "nothing": ""},
        "template_dialect": "Jinja",
    }


def _address(message: Message) -> str:
    return path(message.recipient, "recipient")


def outcomes(messages: Sequence[Message], status: int, body: bytes) -> list[Outcome]:
    """One per message, in order."""
    if status != 200:
        return [_not_taken(status)] * len(messages)
    try:
        told = orjson.loads(body)
        taken, failed = int(told["success_count"]), [str(one).lower() for one in told["failed_recipients"]]
        errors = [str(one) for one in told.get("errors") or []]
    except (ValueError, TypeError, KeyError):
        return [_uncertain("an answer that is none of KumoMTA's")] * len(messages)
    if taken + len(failed) != len(messages):
        return [_judged(message, failed, errors, None) for message in messages]
    accepted = Outcome(state=AttemptState.ACCEPTED, detail="injected")
    return [_judged(message, failed, errors, accepted) for message in messages]


def _judged(message: Message, failed: Sequence[str], errors: Sequence[str], else_: Outcome | None) -> Outcome:
    address = _address(message).lower()
    if address not in failed:
        return else_ or _uncertain("the answer does not account for each message")
    paired = len(errors) == len(failed)
    words = errors[failed.index(address)] if paired else " ".join(errors[:1])
    code = 500 if words.lstrip()[:1] == "5" and words.lstrip()[:3].isdigit() else 400
    state = AttemptState.REJECTED if code == 500 else AttemptState.DEFERRED
    detail = said(Reply(code, words.encode())).partition(" ")[2]
    return Outcome(state=state, detail=f"not injected: {detail}"[:200])


def _not_taken(status: int) -> Outcome:
    """A refusal of the whole request. Other errors of a server may come after some of it was queued."""
    if status in _NOT_NOW:
        return Outcome(state=AttemptState.DEFERRED, detail=f"KumoMTA answered {status}")
    if 400 <= status < 500:
        return Outcome(state=AttemptState.REJECTED, detail=f"KumoMTA refused the request with {status}")
    return _uncertain(f"KumoMTA answered {status}")


def is_closed(status: int) -> bool:
    """Whether the answer is about this sender, so that the next request would fare the same."""
    return status in _NOT_NOW


def unanswered(messages: Sequence[Message], words: str) -> list[Outcome]:
    """The outcomes of a block whose answer was lost."""
    return [_uncertain(words)] * len(messages)


def _uncertain(words: str) -> Outcome:
    return Outcome(state=AttemptState.UNCERTAIN, detail=f"No answer: {words}"[:200])
