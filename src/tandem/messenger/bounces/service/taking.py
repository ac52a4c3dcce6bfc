"""A mail comes in: kept durably before its sender is told so, once however often it comes."""

from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.messenger.bounces import addresses, spool
from tandem.messenger.bounces.domain import LARGEST_MAIL
from tandem.messenger.bounces.errors import NotOurs
from tandem.messenger.bounces.models import InboundMail


def check_recipient(recipient: str) -> None:
    """Raises NotOurs unless a mail to it is taken."""
    addresses.understood(recipient)


def take(recipient: str, content: bytes, *, null_sender: bool, source: str, clock: Clock) -> bool:
    """Keep a mail; on disk and in the database on return. False if it was here before. Raises NotOurs."""
    addresses.understood(recipient)
    if len(content) > LARGEST_MAIL:
        raise NotOurs(f"A mail here is at most {LARGEST_MAIL // 2**20} MiB.")
    digest = spool.digest_of(recipient, content)
    if InboundMail.objects.filter(digest=digest).exists():  # all accounts: it is not known yet whose it is
        return False
    spool.write(digest, content)
    failpoint("b1")
    # all accounts: it is not known yet whose it is
    _, created = InboundMail.objects.get_or_create(
        digest=digest,
        defaults={
            "recipient": recipient.strip().strip("<>")[:320],
            "null_sender": null_sender,
            "source": source,
            "size": len(content),
            "arrived_at": clock.system(),
        },
    )
    failpoint("b2")
    return created
