"""Replies passed on to the address that was chosen: at most once each, with no sender in the envelope, never round."""

from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction

from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.kit.problems import Problem
from tandem.messenger.bounces import answers, spool
from tandem.messenger.bounces.answers import LOOP_HEADER, Forward
from tandem.messenger.bounces.models import Reply
from tandem.messenger.bounces.service import replies
from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery.domain import AttemptState, Channel, Message, Outcome
from tandem.messenger.delivery.errors import OutboundStopped
from tandem.messenger.delivery.providers.choose import provider_for

RETRY = timedelta(minutes=5)
AT_ONCE = 20
SECONDS = 20.0
#: the file provider writes them under this folder of the home, apart from the outbox of sendings
FOLDER = "replies"


def forward_due(*, clock: Clock) -> int:
    """Pass on what waits; how many went."""
    # all accounts: the tick works for every account
    due = Reply.objects.filter(forward=Forward.WAITING, next_at__lte=clock.system())
    found = list(due.order_by("id").values_list("account_id", "pk")[:AT_ONCE])
    return sum(_forward(account_id, pk, clock) for account_id, pk in found)


def _forward(account_id: int, pk: int, clock: Clock) -> bool:
    row = _take(account_id, pk, clock)
    if row is None:
        return False
    letter = _letter(row, clock)
    if letter is None:
        return _set(row, Forward.SHOWN, "There is no address for replies, or nothing left to pass on.")
    failpoint("b4")
    outcome = _hand_over(account_id, letter)
    if outcome.state is AttemptState.ACCEPTED:
        return _set(row, Forward.FORWARDED, "") or True
    if outcome.state is AttemptState.UNCERTAIN:
        return _set(row, Forward.UNHEARD, "Nobody heard whether it was taken; it is not sent again.")
    over = outcome.state is AttemptState.REJECTED or row.tries >= answers.MOST_TRIES
    row.next_at = clock.system() + RETRY
    return _set(row, Forward.FAILED if over else Forward.WAITING, outcome.detail[:300])


@transaction.atomic
def _take(account_id: int, pk: int, clock: Clock) -> Reply | None:
    """The reply, committed as under way before any call: who dies now has it held, not sent twice."""
    rows = Reply.objects.select_for_update(skip_locked=True, of=("self",)).select_related("mail")
    row = rows.filter(account_id=account_id, pk=pk, forward=Forward.WAITING).first()
    if row is None or delivery.is_held(account_id):
        return None
    hour = clock.system() - timedelta(hours=1)
    lately = Reply.objects.filter(account_id=account_id, forward=Forward.FORWARDED, next_at__gt=hour)
    if lately.count() >= answers.MOST_IN_AN_HOUR:
        _set(row, Forward.SHOWN, "Very many replies came within an hour.")
        return None
    row.tries, row.next_at = row.tries + 1, clock.system()
    _set(row, Forward.SENDING, "Being passed on; if this stays so, the process ended meanwhile.")
    return row


def _letter(row: Reply, clock: Clock) -> Message | None:
    to = replies.address_for(row.account_id, row.template_id)
    raw = spool.read(row.mail.digest) if row.mail.kept else None
    if not to or raw is None:
        return None
    answer, sender = answers.read(raw), replies.sender_of(row.account_id, row.template_id)
    whole = len(raw) <= answers.LARGEST_FORWARDED
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = sender, to, f"Fwd: {answer.subject or '(no subject)'}"
    mail["Date"], mail["Message-ID"] = format_datetime(clock.business()), f"<reply-{row.pk}@{_domain()}>"
    if answer.writer:
        mail["Reply-To"] = answer.writer
    mail["Auto-Submitted"], mail[LOOP_HEADER] = "auto-generated", _domain()
    note = "It asks to be left alone.\n" if answer.asks_to_stop else ""
    rest = (
        "The whole mail is attached."
        if whole
        else "It is too large to be passed on whole; see the replies' page."
    )
    mail.set_content(
        f"Customer {row.customer} answered a message of sending {row.sending_id}.\n{note}{rest}\n\n{answer.words}\n"
    )
    if whole:
        mail.add_attachment(raw, maintype="application", subtype="octet-stream", filename="reply.eml")
    return Message(
        attempt_id=row.pk, account_id=row.account_id, sending_id=0, channel=Channel.EMAIL, sender="", recipient=to,
        content=mail.as_bytes(),
    )  # fmt: skip


def _domain() -> str:
    return settings.TANDEM_BOUNCE_DOMAIN or "replies.invalid"


def _hand_over(account_id: int, letter: Message) -> Outcome:
    try:
        provider = provider_for(
            Channel.EMAIL, Path(settings.TANDEM_HOME) / FOLDER, settings.TANDEM_SENDING, seconds=SECONDS,
            account_id=account_id,
        )  # fmt: skip
    except Problem as problem:
        return Outcome(state=AttemptState.DEFERRED, detail=problem.detail)
    try:
        outcome = provider.send(letter, lambda: True)
        provider.settle()
    except OutboundStopped as problem:
        return Outcome(state=AttemptState.DEFERRED, detail=problem.detail)
    finally:
        provider.close()
    return outcome or Outcome(state=AttemptState.DEFERRED, detail="The provider was stopped.")


def _set(row: Reply, forward: Forward, why: str) -> bool:
    row.forward, row.why = forward, why
    row.save(update_fields=["forward", "why", "tries", "next_at"])
    return False
