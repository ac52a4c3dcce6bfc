"""What becomes of messages in doubt: chosen per sending, by somebody with a name."""

from django.db import transaction

from tandem.kit.problems import Refused
from tandem.messenger.delivery import service
from tandem.messenger.delivery.domain import Channel, Policy, SendingState, SendingView
from tandem.messenger.delivery.errors import SendingNotFound, SendingOver
from tandem.messenger.delivery.models import Sending


class NotForSms(Refused):
    """SMS are never sent twice."""

    title = "SMS are never sent again in doubt"


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
