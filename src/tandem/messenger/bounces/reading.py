"""A mail that came back, read: delivery reports, complaints, automatic replies; never raises, never reads for long."""

import logging
import re
from collections.abc import Iterable, Sequence

from tandem.messenger.bounces import mime
from tandem.messenger.bounces.domain import Failure, Feedback, Mail, What
from tandem.messenger.bounces.heuristics import failures_without_report
from tandem.messenger.bounces.mime import Part, headers, leaves, split

log = logging.getLogger("tandem.bounces")
MOST_RECIPIENTS = 50
_MESSAGE_ID = re.compile(
    rb"^[ \t>]{0,8}Message-ID:[ \t\r\n]{0,8}<([^<>\s]{3,200})>", re.IGNORECASE | re.MULTILINE
)
_BLANK = re.compile(rb"\r?\n[ \t]*\r?\n")
_REPORTS = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RETURNED = frozenset(
    {"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "text/rfc822"}
)
_AUTOMATIC_HEADERS = ("x-autoreply", "x-autorespond", "x-auto-response-suppress-reply", "x-autoreply-from")
_AUTOMATIC_SUBJECT = re.compile(
    r"^\W{0,4}(?:auto(?:matic|matisk[at]?|matische|mated)?[ -]?(?:reply|re:|svar|antwort|response|répons|antwoord)|"
    r"out of (?:the )?office|ooo\b|on (?:vacation|holiday|leave)|vacation|away from|frånvaro|fråvær|fravær|"
    r"abwesen|nicht im büro|absence|réponse automatique|respuesta automática|risposta automatica|poissa|"
    r"autosvar|autoreply|auto:)",
    re.IGNORECASE,
)
_MACHINE = re.compile(
    r"mailer-?daemon|post-?master|mail delivery|delivery (?:subsystem|system)|mdaemon|mailadm", re.IGNORECASE
)


def read(raw: bytes, *, null_sender: bool = False) -> Mail:
    """What the mail says. null_sender: it came from `<>`, as reports do (RFC 3464 2)."""
    try:
        return _read(raw[: mime.MOST_BYTES], null_sender)
    except Exception as error:  # noqa: BLE001 - whatever strangers send, the next mail is read
        log.warning("bounces.mail.unreadable %s", type(error).__name__)
        return Mail(what=What.UNREADABLE, why=f"It could not be read ({type(error).__name__}).")


def _read(raw: bytes, null_sender: bool) -> Mail:
    head = headers(split(raw)[0])
    parts = list(leaves(raw))
    ids = _message_ids(raw, parts)
    for part in parts:
        if part.type == "message/feedback-report":
            return Mail(what=What.FEEDBACK, feedback=_feedback(part), message_ids=ids)
    for part in parts:
        if part.type in _REPORTS:
            mta, failures = _report(part)
            if failures:
                return Mail(what=What.REPORT, failures=failures, mta=mta, message_ids=ids)
    return _without_report(raw, head, ids, null_sender)


def _without_report(raw: bytes, head: dict[str, str], ids: tuple[str, ...], null_sender: bool) -> Mail:
    if _AUTOMATIC_SUBJECT.search(_subject(head)) or any(name in head for name in _AUTOMATIC_HEADERS):
        return Mail(what=What.AUTOMATIC, message_ids=ids)
    automatic = head.get("auto-submitted", "no").lower().startswith("auto")
    machine = null_sender or automatic or _is_machine(head)
    failures = failures_without_report(raw) if machine else ()
    if failures:
        return Mail(what=What.REPORT, failures=failures, message_ids=ids)
    if automatic or head.get("precedence", "").lower() in {"auto_reply", "auto-reply"}:
        return Mail(what=What.AUTOMATIC, message_ids=ids)
    if machine:
        return Mail(
            what=What.UNREADABLE,
            message_ids=ids,
            why="A mail server wrote it, but not in a form that says what became of the message.",
        )
    return (
        Mail(what=What.REPLY, message_ids=ids) if head else Mail(what=What.UNREADABLE, why="It is no mail.")
    )


def _is_machine(head: dict[str, str]) -> bool:
    writer = f"{head.get('from', '')} {head.get('sender', '')}"[:400]
    return "x-failed-recipients" in head or bool(_MACHINE.search(writer))


def _subject(head: dict[str, str]) -> str:
    subject = head.get("subject", "")[:300]
    if "=?" not in subject:
        return subject
    from email.errors import MessageError  # few need them
    from email.header import decode_header, make_header

    try:
        return str(make_header(decode_header(subject)))
    except (ValueError, LookupError, UnicodeError, MessageError):
        return subject


def _message_ids(raw: bytes, parts: Iterable[Part]) -> tuple[str, ...]:
    """Of what is returned: a part of its own, else wherever a line of it stands below the mail's own head."""
    found = [
        headers(split(part.decoded())[0]).get("message-id", "").strip("<> ")
        for part in parts
        if part.type in _RETURNED
    ]
    body = split(raw)[1][: 2**18]
    found += [one.decode("latin-1") for one in _MESSAGE_ID.findall(body)[:5]]
    return tuple(dict.fromkeys(one for one in found if one))[:5]


def _report(part: Part) -> tuple[str, tuple[Failure, ...]]:
    """The reporting server, and a failure for each recipient of a message/delivery-status (RFC 3464)."""
    blocks = [
        headers(block.strip(b"\r\n"))
        for block in _BLANK.split(part.decoded(), MOST_RECIPIENTS)[:MOST_RECIPIENTS]
    ]
    mta = next((block["reporting-mta"] for block in blocks if "reporting-mta" in block), "")
    told = [block for block in blocks if "action" in block or "status" in block or "final-recipient" in block]
    return _value(mta), tuple(_failure(block) for block in told)


def _failure(block: dict[str, str]) -> Failure:
    action = block.get("action", "").split(";")[0].strip().lower()[:20]
    return Failure(
        action=action if action in {"failed", "delayed", "delivered", "relayed", "expanded"} else "",
        status=block.get("status", "").split("(")[0].strip()[:12],
        diagnosis=_value(block.get("diagnostic-code", "")),
        recipient=_value(block.get("original-recipient") or block.get("final-recipient", ""))[:254],
        remote_mta=_value(block.get("remote-mta", ""))[:200],
    )


def _value(typed: str) -> str:
    """`dns; mx.example` without its type."""
    before, semicolon, after = typed.partition(";")
    return (after if semicolon and before.strip().replace("-", "").isalnum() else typed).strip()


def _feedback(part: Part) -> Feedback:
    """A message/feedback-report (RFC 5965); recipients may stand in it many times."""
    content = part.decoded()
    block = headers(content.replace(b"\r\n\r\n", b"\r\n"))
    return Feedback(
        kind=block.get("feedback-type", "").strip().lower()[:30] or "other",
        recipients=tuple(_recipients(content.split(b"\n", 2 * MOST_RECIPIENTS + 50))),
        feedback_id=block.get("feedback-id", "")[:200],
        domain=block.get("reported-domain", "")[:200],
    )


def _recipients(lines: Sequence[bytes]) -> list[str]:
    named = [
        line.partition(b":")[2].strip().strip(b"<>").decode("latin-1")[:254]
        for line in lines
        if line[:17].lower() == b"original-rcpt-to:"
    ]
    return list(dict.fromkeys(one for one in named if one))[:MOST_RECIPIENTS]
