"""Unsubscribes by the links of planners' campaigns: kept with the suppression, shown, forgotten, exported."""

from contextlib import suppress
from dataclasses import replace

from django.db import transaction
from django.db.models import Max, Sum

from tandem.contract.planner_api import MetricId
from tandem.kit.clock import Clock
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.errors import UnknownContact
from tandem.messenger.contacts.proofs import BY_LINK, Proof
from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery.domain import Unsubscribed
from tandem.messenger.delivery.models import Sending
from tandem.messenger.reporting import realtime
from tandem.messenger.reporting.domain import OPEN_REPORTS, Part, ReportState, ToldView, UnsubscribesView
from tandem.messenger.reporting.models import Unsubscribe, UnsubscribeReport


@transaction.atomic
def unsubscribe_by_token(token: str, *, clock: Clock, proof: Proof = BY_LINK) -> None:
    """End the subscription behind a link and keep that it was this message, both or neither. Raises BadToken."""
    ended = delivery.unsubscribe_by_token(token, clock=clock, proof=proof)
    if ended is None:
        return
    if ended.campaign_id is None:
        _of_one_message(ended, clock)
        return
    Unsubscribe.objects.bulk_create(
        [
            Unsubscribe(
                account_id=ended.account_id,
                sending_id=ended.sending_id,
                attempt_id=ended.attempt_id,
                template_id=ended.template_id,
                at=clock.business(),
            )
        ],
        ignore_conflicts=True,
    )


@transaction.atomic
def end_everything_by_token(token: str, *, clock: Clock, proof: Proof) -> None:
    """Nothing more from the account of a message by its channel; the message ended its list. Raises BadToken."""
    unsubscribe_by_token(token, clock=clock, proof=proof)
    behind = delivery.behind_token(token)
    whole = replace(proof, sending_id=behind.sending_id, attempt_id=behind.attempt_id)
    if behind.contact_id is not None:
        with suppress(UnknownContact):  # forgotten since: gets nothing any more
            contacts.end_everything(
                behind.account_id, behind.contact_id, behind.channel, proof=whole, clock=clock
            )


def unsubscribes_of(account_id: int, sending_id: int) -> UnsubscribesView:
    """How many the links of a sending unsubscribed, and what the planner knows of it."""
    number = Unsubscribe.objects.filter(account_id=account_id, sending_id=sending_id).count()
    parts = tuple(_told(account_id, sending_id, part) for part in Part) if number else ()
    return UnsubscribesView(number=number, parts=parts)


def forget(account_id: int, customer: str, *, dry_run: bool = False) -> dict[str, int]:
    """Tell no planner any more that it was this person; the numbers stay. Before the ledger forgets. Place -> count."""
    rows = Unsubscribe.objects.filter(account_id=account_id, attempt__customer=customer)
    found = rows.count()
    if not dry_run:
        rows.update(forgotten=True)
    return {"unsubscribes by a link": found}


def export(account_id: int, customer: str) -> list[dict[str, object]]:
    """The person's unsubscribes by a link."""
    rows = Unsubscribe.objects.filter(account_id=account_id, attempt__customer=customer)
    return [
        {"campaign_id": row.sending.campaign_id, "template_id": row.template_id, "at": row.at}
        for row in rows.select_related("sending").order_by("id")
    ]


def _of_one_message(ended: Unsubscribed, clock: Clock) -> None:
    """A real-time campaign's planner is told the number; by customer the contract has no place for its key."""
    sending = Sending.objects.get(account_id=ended.account_id, id=ended.sending_id)
    if sending.of_planner:
        realtime.add(sending, {(ended.template_id, MetricId.UNSUBSCRIBED): 1}, clock=clock)


def _told(account_id: int, sending_id: int, part: Part) -> ToldView:
    rows = UnsubscribeReport.objects.filter(
        account_id=account_id, sending_id=sending_id, part=part, metric=MetricId.UNSUBSCRIBED
    )
    posted = rows.filter(state=ReportState.POSTED).aggregate(told=Sum("value"), at=Max("posted_at"))
    last = rows.exclude(problem="").order_by("-id").first()
    return ToldView(
        part=part,
        told=posted["told"] or 0,
        posted_at=posted["at"],
        problem=last.problem if last else "",
        again_at=last.next_at if last and last.state in OPEN_REPORTS else None,
    )
