"""Messages that came in, for people: the list, and what an operator makes of one that is no keyword."""

from datetime import timedelta

from tandem.kit.clock import Clock
from tandem.kit.problems import Refused
from tandem.messenger.accounts import service as accounts
from tandem.messenger.contacts.keys import mobile_key
from tandem.messenger.contacts.service import numbers
from tandem.messenger.sms.domain import Acted, IncomingView, Keyword
from tandem.messenger.sms.errors import UnknownIncoming
from tandem.messenger.sms.models import IncomingSms, SmsAnswer
from tandem.messenger.sms.service import incoming

#: the proof of a STOP is kept with the consent, for longer
KEPT = timedelta(days=400)
_VERBS = {"unsubscribe": Acted.UNSUBSCRIBED, "dismiss": Acted.DISMISSED}


def list_incoming(
    account_id: int, *, limit: int = 50, offset: int = 0, unread_only: bool = False
) -> tuple[IncomingView, ...]:
    """The newest messages; `unread_only`: those that are no keyword and that nobody has acted on."""
    rows = IncomingSms.objects.filter(account_id=account_id)
    if unread_only:
        rows = rows.filter(keyword="", acted="")
    return tuple(_view(row) for row in rows.order_by("-id")[offset : offset + limit])


def unread(account_id: int) -> int:
    """How many messages wait for a person."""
    return IncomingSms.objects.filter(account_id=account_id, keyword="", acted="").count()


def act(account_id: int, incoming_id: int, verb: str, *, actor: str, clock: Clock) -> IncomingView:
    """`unsubscribe` the number from all SMS of the account, or `dismiss` the message.

    Raises UnknownIncoming, Refused.
    """
    row = IncomingSms.objects.filter(account_id=account_id, pk=incoming_id).first()
    if row is None:
        raise UnknownIncoming("There is no such message in this account.", "Look at the list of messages.")
    acted = _VERBS.get(verb)
    if acted is None:
        raise Refused(f"{verb[:20]!r} is nothing to do with a message.", "Use unsubscribe or dismiss.")
    if acted is Acted.UNSUBSCRIBED:
        proof = incoming.proof_of(row, actor)
        incoming.obey(account_id, row.number, Keyword.STOP, proof=proof, clock=clock)
    row.acted, row.acted_by, row.acted_at = acted.value, actor[:200], clock.system()
    row.save(update_fields=["acted", "acted_by", "acted_at"])
    accounts.record(
        account_id,
        actor=actor,
        action=f"incoming SMS {acted}",
        subject=str(row.pk),
        clock=clock,
    )
    return _view(row)


def clear_old(clock: Clock) -> int:
    """Delete messages that were dealt with, and answers, when they are too old to be asked about; how many."""
    before = clock.system() - KEPT
    # all accounts: a chore of the whole installation
    came = IncomingSms.objects.filter(came_at__lt=before).exclude(keyword="", acted="")
    # all accounts: the same
    return came.delete()[0] + SmsAnswer.objects.filter(made_at__lt=before, next_at=None).delete()[0]


def _view(row: IncomingSms) -> IncomingView:
    people = (
        numbers.contacts_with(row.account_id, row.number) if mobile_key(row.account_id, row.number) else ()
    )
    return IncomingView(
        id=row.pk,
        number=row.number,
        to=row.to,
        text=row.text,
        keyword=Keyword(row.keyword),
        came_at=row.came_at,
        customers=tuple(dict.fromkeys(one.original_id for one in people)),
        acted=Acted(row.acted),
        acted_by=row.acted_by,
        acted_at=row.acted_at,
    )
