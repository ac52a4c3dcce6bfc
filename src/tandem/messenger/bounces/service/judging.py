"""What a mail that was read does: bounces are judged, complaints suppress, mail to an unsubscribe address ends it.

Only a message that the mail proves (a signed address, a signed Message-ID) is acted upon. Whoever got a message from
us knows its signed address, and could write anyone else's name into a report.
"""

from tandem.kit.clock import Clock
from tandem.messenger.bounces.addresses import Ours
from tandem.messenger.bounces.classify import judged, numbered, text_of, without_addresses
from tandem.messenger.bounces.domain import Failure, Feedback, Kind, Mail, What
from tandem.messenger.bounces.service import complaining, leaving
from tandem.messenger.bounces.service.applying import Found, keep
from tandem.messenger.bounces.service.facts import Known
from tandem.messenger.delivery import resolving

PROVED = "taken over: proved by a report that came back"


def apply(ours: Ours, mail: Mail, message: Known | None, *, clock: Clock) -> str:
    """Do what the mail asks; why it is put aside instead, else ''."""
    assert message is not None  # noqa: S101 - the caller put the others aside
    if mail.what is What.FEEDBACK and mail.feedback is not None:
        return _feedback(mail.feedback, message, clock)
    if mail.what is What.REPORT:
        return _report(mail, message, clock)
    if ours.kind == "u":
        leaving.leave(message, clock=clock)
        return ""
    if ours.kind == "common":
        return "Somebody wrote to the abuse address; read it."
    kind = Kind.AUTOMATIC if mail.what is What.AUTOMATIC else Kind.REPLY
    keep(message.account_id, [_found(message, kind, clock)], clock=clock)
    return ""


def _report(mail: Mail, message: Known, clock: Clock) -> str:
    failure = _of_recipient(mail.failures, message.email)
    verdict = judged(failure.status, failure.diagnosis, action=failure.action or "failed")
    resolving.prove_accepted(message.account_id, [message.attempt_id], why=PROVED)
    found = Found(
        attempt_id=message.attempt_id,
        sending_id=message.sending_id,
        template_id=message.template_id,
        contact_id=message.contact_id,
        customer=message.customer,
        kind=verdict.kind,
        at=clock.business(),
        source="report" if failure.status else "text",
        category=verdict.category.value,
        status=text_of(numbered(failure.status, failure.diagnosis)),
        diagnosis=without_addresses(failure.diagnosis),
        mta=without_addresses(mail.mta),
        remote_mta=without_addresses(failure.remote_mta),
        domain=message.domain,
        invalidates=_is_same_address(failure, message, clock),
    )
    keep(message.account_id, [found], clock=clock)
    return ""


def _of_recipient(failures: tuple[Failure, ...], email: str) -> Failure:
    """The recipient's own line; a report may name others that a server passed the message on to."""
    own = [one for one in failures if one.recipient.lower() == email.lower() and email]
    failed = [one for one in failures if one.action in ("failed", "")]
    return (own or failed or list(failures))[0]


def _is_same_address(failure: Failure, message: Known, clock: Clock) -> bool:
    """Not so where the contact was changed since and the report names another address: it speaks of the old one."""
    if not failure.recipient or failure.recipient.lower() == message.email.lower():
        return True
    if message.modified_at is None or message.handed_over_at is None:
        return True
    ahead = clock.business() - clock.system()
    return message.modified_at + ahead <= message.handed_over_at


def _feedback(feedback: Feedback, message: Known, clock: Clock) -> str:
    kind = complaining.meaning(feedback.kind)
    words = without_addresses(f"{feedback.kind} {feedback.feedback_id}")
    keep(message.account_id, [_found(message, kind, clock, diagnosis=words)], clock=clock)
    complaining.act(kind, message, clock=clock)
    others = {one.lower() for one in feedback.recipients} - {message.email.lower()}
    if others and kind is not Kind.FEEDBACK:
        return f"The complaint about this message was taken; it names {len(others)} more without proof."
    return ""


def _found(message: Known, kind: Kind, clock: Clock, *, diagnosis: str = "") -> Found:
    return Found(
        attempt_id=message.attempt_id,
        sending_id=message.sending_id,
        template_id=message.template_id,
        contact_id=message.contact_id,
        customer=message.customer,
        kind=kind,
        at=clock.business(),
        source="complaint" if kind in (Kind.COMPLAINT, Kind.FEEDBACK, Kind.UNSUBSCRIBED) else "mail",
        diagnosis=diagnosis,
        domain=message.domain,
    )
