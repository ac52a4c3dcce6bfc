"""What becomes of messages in doubt: chosen per sending, by somebody with a name."""

from dataclasses import dataclass

from django.db import transaction

from tandem.kit.problems import Refused
from tandem.messenger.delivery import service
from tandem.messenger.delivery.domain import Channel, Policy, SendingState, SendingView
from tandem.messenger.delivery.errors import SendingNotFound, SendingOver
from tandem.messenger.delivery.models import DeliverySettings, Sending


class BadPolicy(Refused):
    """A word that is no policy."""

    title = "There is no such policy"


class NotForSms(Refused):
    """SMS are never sent twice."""

    title = "SMS are never sent again in doubt"


@dataclass(frozen=True, kw_only=True)
class Default:
    """The policy of an account's new email sendings, and who chose it; SMS are always held."""

    policy: Policy = Policy.HOLD
    by: str = ""


def default_of(account_id: int) -> Default:
    """What the account's new email sendings begin with."""
    row = DeliverySettings.objects.filter(account_id=account_id).first()
    return Default(policy=Policy(row.policy), by=row.policy_by) if row else Default()


def choose_default(account_id: int, policy: Policy, *, by: str) -> Default:
    """Set it, for sendings opened from now on."""
    DeliverySettings.objects.update_or_create(
        account_id=account_id, defaults={"policy": policy.value, "policy_by": by[:200]}
    )
    return default_of(account_id)


def policy_named(word: object) -> Policy:
    """hold or resend. Raises BadPolicy."""
    if not isinstance(word, str) or word not in set(Policy):
        raise BadPolicy(f"There is no policy {str(word)[:20]!r}.", "Choose hold or resend.")
    return Policy(word)


def of_new(account_id: int, channel: Channel) -> dict[str, str]:
    """The columns of a new sending's policy."""
    found = default_of(account_id) if channel is Channel.EMAIL else Default()
    return {"policy": found.policy.value, "policy_by": found.by}


@transaction.atomic
def choose(account_id: int, sending_id: int, policy: Policy, *, by: str) -> SendingView:
    """Set the policy of a sending that is not over; it counts for doubts from now on.

    Raises SendingNotFound, SendingOver, NotForSms.
    """
    mine = Sending.objects.select_for_update().filter(account_id=account_id, id=sending_id)
    sending = mine.first()
    if sending is None:
        raise SendingNotFound(
            f"There is no sending {sending_id} in this account.", "Look at the list of sendings."
        )
    if SendingState(sending.state).over:
        raise SendingOver(f"Sending {sending_id} is {sending.state}.", "Nothing can be changed any more.")
    if policy is Policy.RESEND and sending.channel == Channel.SMS:
        raise NotForSms("An SMS in doubt may have cost money and arrived.", "Leave it at hold.")
    mine.update(policy=policy.value, policy_by=by[:200])
    return service.get_sending(account_id, sending_id)
