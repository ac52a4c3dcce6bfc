"""What tells a machine from a person is dropped before it is a day old."""

from tandem.kit.clock import Clock
from tandem.messenger.engagement.domain import RAW_KEPT
from tandem.messenger.engagement.models import Seen


def drop_raw(*, clock: Clock) -> int:
    """Delete addresses and browsers that were kept long enough; how many."""
    # all accounts: the tick works for every account
    return Seen.objects.filter(kept_since__lt=clock.system() - RAW_KEPT).delete()[0]
