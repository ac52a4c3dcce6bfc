"""Replies by people: kept and shown for a month, marked where they ask to be left alone; to whom they are passed on."""

from django.db import transaction
from django.db.models import QuerySet

from tandem.kit.clock import Clock
from tandem.messenger.accounts import service as accounts
from tandem.messenger.bounces import answers, spool
from tandem.messenger.bounces.answers import Forward, ReplyAddress, ReplyView
from tandem.messenger.bounces.domain import MailState
from tandem.messenger.bounces.errors import BadReplyAddress, UnknownMail
from tandem.messenger.bounces.mime import MOST_BYTES
from tandem.messenger.bounces.models import InboundMail, Reply, ReplyTo
from tandem.messenger.bounces.service import leaving
from tandem.messenger.bounces.service.facts import Known, known
from tandem.messenger.projects import service as projects


def keep(mail: InboundMail, message: Known, content: bytes, *, clock: Clock) -> None:
    """Keep a reply beside its mail, in the caller's transaction; it is passed on later, or only shown."""
    answer = answers.read(content)
    to = address_for(message.account_id, message.template_id)
    why = answer.loops or ("" if to else "There is no address for replies.")
    if not why and Reply.objects.filter(
        account_id=message.account_id, attempt_id=message.attempt_id
    ).count() >= answers.MOST_OF_MESSAGE:  # fmt: skip
        why = "There are many replies to this message already."
    Reply.objects.create(
        account_id=message.account_id, mail=mail, sending_id=message.sending_id, attempt_id=message.attempt_id,
        template_id=message.template_id, customer=message.customer, asks_to_stop=answer.asks_to_stop,
        forward=Forward.SHOWN if why else Forward.WAITING, why=why, next_at=clock.system(),
    )  # fmt: skip


def address_for(account_id: int, template_id: int) -> str:
    """Where replies to messages of a template go; '' = nowhere."""
    rows = dict(ReplyTo.objects.filter(account_id=account_id).values_list("sender", "address"))
    return rows.get(sender_of(account_id, template_id).lower()) or rows.get("", "") if rows else ""


def sender_of(account_id: int, template_id: int) -> str:
    """The From address of a template's messages."""
    trigger = projects.get_trigger(account_id, template_id)
    return projects.get_project(account_id, trigger.project_id).from_address


def addresses(account_id: int) -> list[ReplyAddress]:
    """To whom replies go, that of every sender first."""
    rows = ReplyTo.objects.filter(account_id=account_id).order_by("sender")
    return [ReplyAddress(sender=row.sender, address=row.address) for row in rows]


@transaction.atomic
def set_address(account_id: int, address: str, *, sender: str = "", actor: str, clock: Clock) -> None:
    """Pass replies on to an address; '' = only show them. sender: those of one From address. Raises BadReplyAddress."""
    address, sender = address.strip(), sender.strip().lower()
    for said, field in ((address, "address"), (sender, "sender")):
        if said and not answers.is_mailbox(said):
            raise BadReplyAddress(
                f"{said!r} is no mail address.", "Write it as name@example.com.", field=field
            )
    if address and leaving.is_own(address):
        raise BadReplyAddress(
            "This is an address of the domain that bounces come back to; replies would go round.",
            "Choose a person's mailbox.",
            field="address",
        )
    mine = ReplyTo.objects.filter(account_id=account_id, sender=sender)
    if address:
        ReplyTo.objects.update_or_create(account_id=account_id, sender=sender, defaults={"address": address})
    else:
        mine.delete()
    accounts.record(
        account_id, actor=actor, action="replies passed on" if address else "replies only shown",
        subject=sender or "every sender", clock=clock,
    )  # fmt: skip


def replies(account_id: int, *, before: int = 0, limit: int = 50) -> list[ReplyView]:
    """The newest first; those that are done with are gone."""
    rows = _of(account_id)
    if before:
        rows = rows.filter(pk__lt=before)
    return [view(row) for row in rows.order_by("-id")[:limit]]


def replies_number(account_id: int) -> int:
    """How many wait for a look."""
    return _of(account_id).count()


def read_reply(account_id: int, reply_id: int) -> ReplyView:
    """One with what it says. Raises UnknownMail."""
    row = _one(account_id, reply_id)
    raw = spool.read(row.mail.digest, MOST_BYTES) if row.mail.kept else None
    return view(row, answers.read(raw) if raw is not None else None)


@transaction.atomic
def finish_reply(
    account_id: int, reply_id: int, *, unsubscribe: bool = False, actor: str, clock: Clock
) -> None:
    """Done with; its content is deleted. unsubscribe: the person is, from the message's list. Raises UnknownMail."""
    row = _one(account_id, reply_id)
    message = known([(row.sending_id, row.attempt_id)]) if unsubscribe else None
    if message is not None:
        leaving.leave_as_asked(message, actor=actor, clock=clock)
    digest = row.mail.digest
    InboundMail.objects.filter(pk=row.mail_id, account_id=account_id).update(
        state=MailState.DONE.value, kept=False
    )
    row.delete()
    accounts.record(
        account_id, actor=actor, action="reply done with", subject=str(reply_id),
        detail={"unsubscribed": message is not None}, clock=clock,
    )  # fmt: skip
    transaction.on_commit(lambda: spool.remove(digest))


def view(row: Reply, answer: answers.Answer | None = None) -> ReplyView:
    """A row as pages see it."""
    return ReplyView(
        id=row.pk, customer=row.customer, sending_id=row.sending_id, template_id=row.template_id,
        asks_to_stop=row.asks_to_stop, forward=Forward(row.forward), why=row.why, arrived_at=row.mail.arrived_at,
        size=row.mail.size, writer=answer.writer if answer else "", subject=answer.subject if answer else "",
        words=answer.words if answer else "",
    )  # fmt: skip


def _of(account_id: int) -> QuerySet[Reply]:
    return Reply.objects.filter(account_id=account_id).select_related("mail")


def _one(account_id: int, reply_id: int) -> Reply:
    row = _of(account_id).filter(pk=reply_id).first()
    if row is None:
        raise UnknownMail("There is no such reply.", "List them to see their numbers.")
    return row
