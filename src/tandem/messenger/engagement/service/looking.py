"""Which sendings' openings and clicks grew since somebody last looked, to tell of them."""

from datetime import datetime

from django.db.models import F, Q

from tandem.kit.clock import Clock
from tandem.messenger.engagement.domain import SETTLED_AFTER, Grown
from tandem.messenger.engagement.models import Responding


def grown(most: int = 100) -> list[Grown]:
    """Templates of sendings with something new, the longest waiting first."""
    # all accounts: the tick works for every account
    rows = Responding.objects.filter(Q(looked_at=None) | Q(looked_at__lt=F("changed_at")))
    found = rows.order_by("changed_at").values_list("account_id", "sending_id", "template_id")[:most]
    return [Grown(account_id=a, sending_id=s, template_id=t) for a, s, t in found]


def settled_until(clock: Clock) -> datetime:
    """Business time up to which machines have been told from people."""
    return clock.business() - SETTLED_AFTER


def looked(one: Grown, *, clock: Clock) -> None:
    """Everything that was settled by now has been looked at."""
    Responding.objects.filter(
        account_id=one.account_id, sending_id=one.sending_id, template_id=one.template_id
    ).update(looked_at=clock.system() - SETTLED_AFTER)
