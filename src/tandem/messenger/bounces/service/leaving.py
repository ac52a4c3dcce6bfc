"""Mail to the address in List-Unsubscribe ends the subscription as the link does."""

from django.conf import settings

from tandem.kit.clock import Clock
from tandem.messenger.bounces.service.facts import Known
from tandem.messenger.contacts.proofs import Door, Proof
from tandem.messenger.delivery import tokens
from tandem.messenger.reporting import unsubscribes

_BY_MAIL = Proof(door=Door.LINK, detail="a mail to the message's unsubscribe address")


def is_own(address: str) -> bool:
    """Whether mail to it comes back to this door."""
    domain = address.rpartition("@")[2].lower()
    return bool(settings.TANDEM_BOUNCE_DOMAIN) and domain == settings.TANDEM_BOUNCE_DOMAIN


def leave_as_asked(message: Known, *, actor: str, clock: Clock) -> None:
    """End the subscription because a person asked for it in their own words, and somebody read them."""
    token = tokens.make(settings.SECRET_KEY, tokens.UNSUBSCRIBE, message.sending_id, message.attempt_id)
    proof = Proof(door=Door.OPERATOR, actor=actor, detail="asked for in a reply to a message")
    unsubscribes.unsubscribe_by_token(token, clock=clock, proof=proof)


def leave(message: Known, *, clock: Clock) -> None:
    """End the subscription that the message belongs to; may be repeated."""
    token = tokens.make(settings.SECRET_KEY, tokens.UNSUBSCRIBE, message.sending_id, message.attempt_id)
    unsubscribes.unsubscribe_by_token(token, clock=clock, proof=_BY_MAIL)
