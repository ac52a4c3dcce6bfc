"""Who and what is behind the link of a message."""

from dataclasses import dataclass

from django.conf import settings

from tandem.messenger.delivery import tokens
from tandem.messenger.delivery.errors import BadToken
from tandem.messenger.delivery.models import Attempt, SendingTemplate


@dataclass(frozen=True, kw_only=True)
class Behind:
    """A message as its link knows it. contact_id None: the person was forgotten, or was in no list."""

    account_id: int
    contact_id: int | None
    channel: str
    template_id: int
    list_id: int
    sending_id: int
    attempt_id: int


def behind_token(token: str) -> Behind:
    """What an unsubscribe link leads to. Raises BadToken."""
    attempt = attempt_of(token)
    list_id = SendingTemplate.objects.values_list("list_id", flat=True).get(
        account_id=attempt.account_id, sending_id=attempt.sending_id, template_id=attempt.template_id
    )
    return Behind(
        account_id=attempt.account_id,
        contact_id=attempt.contact_id,
        channel=attempt.sending.channel,
        template_id=attempt.template_id,
        list_id=list_id,
        sending_id=attempt.sending_id,
        attempt_id=attempt.pk,
    )


def attempt_of(token: str) -> Attempt:
    """The row of the ledger that an unsubscribe link names. Raises BadToken."""
    sending_id, attempt_id = tokens.read(settings.SECRET_KEY, tokens.UNSUBSCRIBE, token)
    # all accounts: the signed token names the attempt
    found = Attempt.objects.select_related("sending").filter(id=attempt_id, sending_id=sending_id).first()
    if found is None:
        raise BadToken("The message of this link is not known any more.", "Write to the sender instead.")
    return found
