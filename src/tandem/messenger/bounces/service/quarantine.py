"""Mails that nobody could act upon: shown, read by people, and in doubt believed by them."""

from django.db.models import Q, QuerySet

from tandem.kit.clock import Clock
from tandem.messenger.accounts import service as accounts
from tandem.messenger.bounces import spool
from tandem.messenger.bounces.domain import MailState, MailView, What
from tandem.messenger.bounces.errors import NothingProven, UnknownMail
from tandem.messenger.bounces.mime import MOST_BYTES
from tandem.messenger.bounces.models import InboundMail
from tandem.messenger.bounces.reading import read
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.errors import BadContact
from tandem.messenger.contacts.proofs import Origin

SHOWN_BYTES = 2**17


def quarantined(account_id: int, *, before: int = 0, limit: int = 50) -> list[MailView]:
    """Mails that were put aside, the newest first."""
    rows = _of(account_id)
    if before:
        rows = rows.filter(pk__lt=before)
    return [_view(row) for row in rows.order_by("-id")[:limit]]


def quarantine_size(account_id: int) -> int:
    """How many lie there."""
    return _of(account_id).count()


def read_quarantined(account_id: int, mail_id: int) -> MailView:
    """One with its content as text, at most 128 KiB of it. Raises UnknownMail."""
    row = _one(account_id, mail_id)
    raw = spool.read(row.digest, SHOWN_BYTES) if row.kept else None
    return _view(
        row, "" if raw is None else raw.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    )


def dismiss(account_id: int, mail_id: int, *, actor: str, clock: Clock) -> None:
    """Read, nothing to be done: its content is deleted. Raises UnknownMail."""
    row = _one(account_id, mail_id)
    row.state, row.kept = MailState.DONE.value, False
    row.save(update_fields=["state", "kept"])
    spool.remove(row.digest)
    accounts.record(
        account_id, actor=actor, action="returned mail dismissed", subject=str(mail_id), clock=clock
    )


def believe(account_id: int, mail_id: int, *, actor: str, clock: Clock) -> int:
    """Suppress all whom a complaint names without proof, because a person knows its sender; how many.

    Raises UnknownMail, NothingProven.
    """
    row = _one(account_id, mail_id)
    mail = read(spool.read(row.digest, MOST_BYTES) or b"", null_sender=row.null_sender)
    if mail.what is not What.FEEDBACK or mail.feedback is None or not mail.feedback.recipients:
        raise NothingProven("This mail is no complaint that names somebody.", "Dismiss it instead.")
    done = 0
    for address in mail.feedback.recipients:
        try:
            contacts.suppress(
                account_id,
                address=address,
                channel="email",
                reason="complaint",
                origin=Origin.COMPLAINT,
                clock=clock,
            )
        except BadContact:
            continue
        done += 1
    accounts.record(account_id, actor=actor, action="complaint believed", subject=str(mail_id),
                    detail={"suppressed": done}, clock=clock)  # fmt: skip
    row.state, row.kept = MailState.DONE.value, False
    row.save(update_fields=["state", "kept"])
    spool.remove(row.digest)
    return done


def _of(account_id: int) -> QuerySet[InboundMail]:
    """The account's; those that name no account belong to the only one there is, else to no account at all."""
    of_account = Q(account_id=account_id)
    if len(accounts.list_accounts()) == 1:
        of_account |= Q(account_id=None)
    return InboundMail.objects.filter(of_account, state=MailState.QUARANTINED.value)


def _one(account_id: int, mail_id: int) -> InboundMail:
    row = _of(account_id).filter(pk=mail_id).first()
    if row is None:
        raise UnknownMail("There is no such mail in quarantine.", "List them to see their numbers.")
    return row


def _view(row: InboundMail, raw: str = "") -> MailView:
    return MailView(
        id=row.pk,
        arrived_at=row.arrived_at,
        size=row.size,
        why=row.why,
        source=row.source,
        kept=row.kept,
        raw=raw,
    )
