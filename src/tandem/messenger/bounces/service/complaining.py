"""Complaints (RFC 5965): the address gets nothing more in the whole account, the subscription ends, both with proof."""

from contextlib import suppress

from tandem.kit.clock import Clock
from tandem.messenger.accounts import service as accounts
from tandem.messenger.bounces.domain import Kind
from tandem.messenger.bounces.service.facts import Known
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.errors import BadContact, UnknownContact
from tandem.messenger.contacts.proofs import Door, Origin, Proof

#: what is no complaint of the recipient: kept as a fact, nothing follows from it
_RECORDED_ONLY = frozenset({"not-spam", "auth-failure", "dmarc"})


def meaning(feedback_type: str) -> Kind:
    """abuse, fraud, virus, other and what is not known are complaints; opt-out is a wish; the rest is only kept."""
    if feedback_type in _RECORDED_ONLY:
        return Kind.FEEDBACK
    return Kind.UNSUBSCRIBED if feedback_type.startswith("opt-out") else Kind.COMPLAINT


def act(kind: Kind, message: Known, *, clock: Clock) -> None:
    """Suppress and unsubscribe whom the message was for; may be repeated."""
    if kind is Kind.FEEDBACK or message.contact_id is None:
        return
    words = "complaint" if kind is Kind.COMPLAINT else "opt-out by complaint"
    with suppress(BadContact):  # an address of an older release that is no address any more
        contacts.suppress(
            message.account_id,
            address=message.email,
            channel="email",
            reason=words,
            origin=Origin.COMPLAINT,
            clock=clock,
        )
    with suppress(UnknownContact):
        contacts.unsubscribe(
            message.account_id,
            message.contact_id,
            "email",
            source=f"{words} about sending {message.sending_id}",
            proof=Proof(
                door=Door.COMPLAINT,
                sending_id=message.sending_id,
                attempt_id=message.attempt_id,
                detail=words,
            ),
            clock=clock,
        )
    accounts.record(
        message.account_id,
        actor="feedback loop",
        action=words,
        subject=str(message.attempt_id),
        detail={"sending": message.sending_id},
        clock=clock,
    )
