"""What people and other rooms do with sendings: look, pause, cancel, stop all, unsubscribe, read the outbox."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.db.models import Count

from tandem.kit.clock import Clock
from tandem.messenger.accounts.models import Account
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.errors import UnknownContact
from tandem.messenger.contacts.proofs import BY_LINK, Proof
from tandem.messenger.delivery import cancelling, counting, events, numbers, paced_rows
from tandem.messenger.delivery.behind import attempt_of
from tandem.messenger.delivery.behind import behind_token as behind_token
from tandem.messenger.delivery.cancelling import Cancelled as Cancelled
from tandem.messenger.delivery.cancelling import cancel_campaign as cancel_campaign
from tandem.messenger.delivery.cancelling import cancel_customers as cancel_customers
from tandem.messenger.delivery.cancelling import waiting_campaigns as waiting_campaigns
from tandem.messenger.delivery.course import Course as Course
from tandem.messenger.delivery.course import course as course
from tandem.messenger.delivery.course import course_so_far as course_so_far
from tandem.messenger.delivery.domain import (
    LARGE_ROWS,
    SINGLE_KINDS,
    AttemptState,
    AttemptView,
    Channel,
    Policy,
    SendingState,
    SendingView,
    Unsubscribed,
)
from tandem.messenger.delivery.errors import BadRate, SendingNotFound, SendingOver
from tandem.messenger.delivery.models import Attempt, DeliverySettings, Sending
from tandem.messenger.delivery.outbox import outbox as outbox
from tandem.messenger.delivery.outbox import outbox_count as outbox_count
from tandem.messenger.delivery.outbox import outbox_message as outbox_message
from tandem.messenger.delivery.outbox import outbox_sizes as outbox_sizes
from tandem.messenger.delivery.retrying import retry_failed as retry_failed
from tandem.messenger.pacing.domain import MOST_PER_SECOND


def list_sendings(
    account_id: int, limit: int = 50, offset: int = 0, *, real_time: bool = False
) -> list[SendingView]:
    """The newest sendings first; those of one message each (real-time, triggers) are a list of their own."""
    kinds = Sending.objects.filter(account_id=account_id)
    chosen = kinds.filter(kind__in=SINGLE_KINDS) if real_time else kinds.exclude(kind__in=SINGLE_KINDS)
    return _views(account_id, list(chosen.order_by("-due_at", "-id")[offset : offset + limit]))


def get_sending(account_id: int, sending_id: int) -> SendingView:
    """One sending. Raises SendingNotFound."""
    return _views(account_id, [_sending(account_id, sending_id)])[0]


def find_sending(account_id: int, campaign_id: int, channel_id: int | None = None) -> SendingView:
    """The sending of a planner's campaign. Raises SendingNotFound."""
    found = Sending.objects.filter(account_id=account_id, campaign_id=campaign_id)
    if channel_id is not None:
        found = found.filter(channel_id=channel_id)
    sending = found.order_by("id").first()
    if sending is None:
        raise SendingNotFound(f"Campaign {campaign_id} has no sending here.", "Has its list been fetched?")
    return _views(account_id, [sending])[0]


def ledger(
    account_id: int, sending_id: int, *, state: str | None = None, after: int = 0, limit: int = 100
) -> list[AttemptView]:
    """Rows of the ledger in list order, from the row after `after`; of one state if it is named.

    Raises SendingNotFound.
    """
    _sending(account_id, sending_id)
    rows = Attempt.objects.filter(account_id=account_id, sending_id=sending_id, seq__gt=after)
    if state:
        rows = rows.filter(state=_state_named(state))
    return [
        AttemptView(
            seq=row.seq,
            customer=row.customer,
            template_id=row.template_id,
            state=AttemptState(row.state).words,
            reason=row.reason,
            detail=row.detail,
            tries=row.tries,
            done_at=row.done_at,
        )
        for row in rows.order_by("seq")[:limit]
    ]


def reasons(account_id: int, sending_id: int) -> dict[str, int]:
    """Rows per reason of those that were not sent."""
    counted: dict[str, int] = {}
    for line in numbers.totals(account_id, sending_id):
        if line["reason"]:
            counted[line["reason"]] = counted.get(line["reason"], 0) + line["rows"]
    return counted


@transaction.atomic
def pause(account_id: int, sending_id: int, *, because: str = "") -> SendingView:
    """Let nothing more leave; the rows wait. Their late cut-off still runs. because: if it is not a person's doing."""
    _move(account_id, sending_id, SendingState.PAUSED)
    if because:
        Sending.objects.filter(account_id=account_id, id=sending_id).update(paused_because=because[:300])
    return get_sending(account_id, sending_id)


@transaction.atomic
def resume(account_id: int, sending_id: int) -> SendingView:
    """Go on after a pause. One that paused by itself does so again at twice as much."""
    sending = _sending(account_id, sending_id, lock=True)
    state = SendingState.SENDING if sending.started_at else SendingState.SCHEDULED
    if sending.state == SendingState.PAUSED.value:
        _move(account_id, sending_id, state)
    if sending.paused_because:
        Sending.objects.filter(account_id=account_id, id=sending_id).update(paused_because="", overruled=True)
    return get_sending(account_id, sending_id)


def set_rate(account_id: int, sending_id: int, per_second: float | None) -> SendingView:
    """The sending's own limit of pace; None = none. It counts for what is not in hand yet. Raises SendingNotFound."""
    if per_second is not None and not 0.01 <= per_second <= MOST_PER_SECOND:
        raise BadRate(f"{per_second:g} messages a second cannot be.", "Write a number from 0.01 on.")
    _sending(account_id, sending_id)
    Sending.objects.filter(account_id=account_id, id=sending_id).update(rate_per_second=per_second)
    return get_sending(account_id, sending_id)


@transaction.atomic
def cancel(account_id: int, sending_id: int, *, clock: Clock) -> SendingView:
    """End the sending: rows that wait become cancelled; at most the message in hand still leaves."""
    cancelling.lock_blocks(account_id, sending_id)  # blocks before the sending, in the order of senders
    _move(account_id, sending_id, SendingState.CANCELLED)
    cancelling.end_rows(account_id, sending_id, clock.business())
    return get_sending(account_id, sending_id)


def paced(account_id: int, sending_id: int) -> tuple[int, datetime | None]:
    """How many rows of a sending wait for a limit of pace, and when the first of them is looked at again."""
    return paced_rows.waiting(account_id, sending_id)


def hold_all(account_id: int) -> None:
    """The account's kill switch: nothing leaves from now on."""
    DeliverySettings.objects.update_or_create(account_id=account_id, defaults={"held": True})


def release_all(account_id: int) -> None:
    """Let the account send again."""
    DeliverySettings.objects.update_or_create(account_id=account_id, defaults={"held": False})


def is_held(account_id: int) -> bool:
    """Whether the account's kill switch is on."""
    return DeliverySettings.objects.filter(account_id=account_id, held=True).exists()


def hold_everything() -> int:
    """The kill switch of all accounts; how many accounts."""
    ids = list(Account.objects.values_list("id", flat=True))
    for account_id in ids:
        hold_all(account_id)
    return len(ids)


@transaction.atomic
def unsubscribe_by_token(token: str, *, clock: Clock, proof: Proof = BY_LINK) -> Unsubscribed | None:
    """End the subscription behind a message's link; durable on return. None when it had ended. Raises BadToken."""
    attempt = attempt_of(token)
    sending = Sending.objects.get(account_id=attempt.account_id, id=attempt.sending_id)
    source = f"link in a message of sending {sending.pk}"
    ended = False
    if attempt.contact_id is not None:
        with suppress(UnknownContact):  # forgotten since: gets nothing any more
            ended = contacts.unsubscribe(
                attempt.account_id, attempt.contact_id, sending.channel, source=source, clock=clock, tell=False,
                proof=replace(proof, sending_id=sending.pk, attempt_id=attempt.pk),
            )  # fmt: skip
    if not ended:
        return None
    fact = events.Fact(attempt_id=attempt.pk, at=clock.business())
    events.publish(attempt.account_id, events.EventType.OPT_OUT, [fact], clock=clock)
    counting.add_unsubscribed(attempt.account_id, sending.pk, attempt.template_id)
    return Unsubscribed(
        account_id=attempt.account_id,
        sending_id=sending.pk,
        attempt_id=attempt.pk,
        template_id=attempt.template_id,
        campaign_id=sending.campaign_id,
    )


def check_token(token: str) -> None:
    """Raises BadToken unless the link is one of ours."""
    attempt_of(token)


def _sending(account_id: int, sending_id: int, *, lock: bool = False) -> Sending:
    found = Sending.objects.filter(account_id=account_id, id=sending_id)
    sending = (found.select_for_update() if lock else found).first()
    if sending is None:
        raise SendingNotFound(
            f"There is no sending {sending_id} in this account.", "Look at the list of sendings."
        )
    return sending


def _move(account_id: int, sending_id: int, state: SendingState) -> None:
    sending = _sending(account_id, sending_id, lock=True)
    if SendingState(sending.state).over:
        raise SendingOver(f"Sending {sending_id} is {sending.state}.", "Nothing can be changed any more.")
    sending.state = state.value
    sending.save(update_fields=["state"])


def _state_named(name: str) -> int:
    try:
        return int(AttemptState[name.upper()])
    except KeyError:
        raise SendingNotFound(f"No state is named {name}.", "Use a state as the ledger shows it.") from None


def _views(account_id: int, sendings: Sequence[Sending]) -> list[SendingView]:
    counts = _counts(account_id, sendings)
    return [_view(sending, counts.get(sending.id, {})) for sending in sendings]


def _counts(account_id: int, sendings: Sequence[Sending]) -> dict[int, dict[str, int]]:
    """Rows per state: settled numbers of ended sendings, counted ones of the others."""
    counts: dict[int, dict[str, int]] = {sending.id: {} for sending in sendings}
    for sending in sendings:
        for line in sending.totals or []:
            _add(counts[sending.id], line["state"], line["rows"])
    live = [sending.id for sending in sendings if sending.totals is None]
    large = [sending.id for sending in sendings if sending.totals is None and sending.expected > LARGE_ROWS]
    for sending_id in large:
        for state, number in numbers.states(account_id, sending_id).items():
            _add(counts[sending_id], state, number)
    live = [sending_id for sending_id in live if sending_id not in large]
    rows = (
        Attempt.objects.filter(account_id=account_id, sending_id__in=live)
        .values_list("sending_id", "state")
        .annotate(rows=Count("id"))
    )
    for sending_id, state, number in rows if live else []:
        _add(counts[sending_id], state, number)
    return counts


def _add(counts: dict[str, int], state: int, rows: int) -> None:
    words = AttemptState(state).words
    counts[words] = counts.get(words, 0) + rows


def _view(sending: Sending, counts: dict[str, int]) -> SendingView:
    return SendingView(
        id=sending.id,
        source_key=sending.source_key,
        kind=sending.kind,
        name=sending.name,
        channel=Channel(sending.channel),
        campaign_id=sending.campaign_id,
        channel_id=sending.channel_id,
        campaign_key=sending.campaign_key,
        due_at=sending.due_at,
        state=SendingState(sending.state),
        expected=sending.expected,
        counts=counts,
        uncertain=counts.get("uncertain", 0),
        created_at=sending.created_at,
        started_at=sending.started_at,
        finished_at=sending.finished_at,
        paused_because=sending.paused_because,
        rate_per_second=sending.rate_per_second,
        policy=Policy(sending.policy),
        policy_by=sending.policy_by,
    )
