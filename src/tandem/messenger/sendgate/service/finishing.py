"""The end of a hold: by the gate's answer, or by hand. It ends once; what comes later changes nothing."""

from django.db import transaction

from tandem.kit import secrets
from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.messenger.accounts import service as accounts
from tandem.messenger.delivery import holding
from tandem.messenger.sendgate.domain import BadAnswer, HoldState, HoldView, read_answers
from tandem.messenger.sendgate.errors import AnswerRefused, HoldOver, UnknownHold
from tandem.messenger.sendgate.models import Hold
from tandem.messenger.sendgate.service.looking import view_of


@transaction.atomic
def finish(token: str, body: bytes, *, clock: Clock) -> HoldView:
    """Take the gate's answer and let the rest go, all or nothing; asked again, it says what it said.

    Raises UnknownHold, HoldOver, AnswerRefused.
    """
    # all accounts: the unguessable token names the hold
    row = Hold.objects.filter(token_hash=secrets.token_hash(token)).first()
    if row is None:
        raise UnknownHold("There is nothing at this address.", "Use the finishUri of the call.")
    sending = holding.lock_held(row.account_id, row.sending_id)
    row = Hold.objects.select_for_update().get(account_id=row.account_id, pk=row.pk)
    if row.state == HoldState.FINISHED:
        return view_of(row)
    if sending is None or row.ended_at is not None:
        raise HoldOver(
            f"This sending is not held any more: {HoldState(row.state).words}.", "Nothing was changed."
        )
    try:
        answers = list(read_answers(body))
        row.rejected, row.added = holding.take_answers(
            row.account_id, row.sending_id, answers, now=clock.business()
        )
    except holding.UnknownCustomer:
        raise AnswerRefused(
            "A contactId is not of this sending.", "Use those of its contact file. Nothing was changed."
        ) from None
    except BadAnswer as wrong:
        raise AnswerRefused(str(wrong), "Nothing was changed; answer again.") from wrong
    failpoint("gate.answered")
    _end(row, HoldState.FINISHED, "the gate", clock)
    return view_of(row)


@transaction.atomic
def let_go(account_id: int, sending_id: int, *, actor: str, clock: Clock) -> HoldView:
    """Send without the gate's answer, by a person's wish. Raises UnknownHold, HoldOver."""
    sending = holding.lock_held(account_id, sending_id)
    row = Hold.objects.select_for_update().filter(account_id=account_id, sending_id=sending_id).first()
    if row is None:
        raise UnknownHold(f"No Send Gate holds sending {sending_id}.", "Look at the list of sendings.")
    if sending is None or row.ended_at is not None:
        raise HoldOver(f"This sending is not held any more: {HoldState(row.state).words}.")
    _end(row, HoldState.LET_GO, actor, clock)
    accounts.record(
        account_id, actor=actor, action="Send Gate overridden", subject=f"sending {sending_id}", clock=clock
    )
    return view_of(row)


def _end(row: Hold, state: HoldState, by: str, clock: Clock) -> None:
    row.state, row.by, row.ended_at = state, by[:200], clock.system()
    row.save(update_fields=["state", "by", "ended_at", "rejected", "added"])
    holding.release(row.account_id, row.sending_id)
