"""An event comes in: kept once, compared with the campaigns that wait for it, told to the listener."""

import hashlib
import uuid
from datetime import timedelta

import orjson
from django.db import transaction

from tandem.contract.events import TriggeredEvent
from tandem.kit.clock import Clock
from tandem.planner.channels import service as channels
from tandem.planner.customers import service as customers
from tandem.planner.customers.errors import NoSnapshot, UnknownCustomer
from tandem.planner.customers.models import Consent, Customer
from tandem.planner.listeners import service as listeners
from tandem.planner.realtime.conditions import meets
from tandem.planner.realtime.domain import (
    COUNTED,
    MOST_BYTES,
    Incoming,
    Outcome,
    Taken,
    Triggered,
    check_event,
    is_control,
)
from tandem.planner.realtime.errors import EventDiffers, EventRefused
from tandem.planner.realtime.models import IncomingEvent, RealTimeCampaign, TriggeredCustomer
from tandem.planner.realtime.service.look import comparisons
from tandem.planner.targeting.errors import ConditionRefused
from tandem.planner.targeting.service.single import is_member


def take_event(account_id: int, event: Incoming, *, clock: Clock) -> Taken:
    """Keep an event and trigger what waits for it; the same event again changes nothing.

    Raises EventRefused, EventDiffers (the id was used for another event), UnknownCustomer.
    """
    now = clock.business()
    check_event(event, now)
    fingerprint = _fingerprint(event)
    with transaction.atomic():
        customer = _customer(account_id, event.customer_id)
        kept, is_new = IncomingEvent.objects.get_or_create(
            account_id=account_id,
            event_id=event.event_id,
            defaults={
                "name": event.name.strip(),
                "customer": customer,
                "at": event.at or now,
                "received_at": clock.system(),
                "properties": dict(event.properties),
                "fingerprint": fingerprint,
            },
        )
        if not is_new and kept.fingerprint != fingerprint:
            raise EventDiffers(
                f"The event {event.event_id} came before with other content.", "Give each event its own id.",
                field="event_id",
            )  # fmt: skip
        if is_new:
            for campaign in _waiting(account_id, kept.name):
                _trigger(campaign, kept, customer, clock)
    return Taken(event_id=event.event_id, repeated=not is_new, triggered=_triggered(account_id, kept))


def _fingerprint(event: Incoming) -> str:
    named = [event.name.strip(), event.customer_id, event.at, dict(event.properties)]
    try:
        text = orjson.dumps(named, option=orjson.OPT_SORT_KEYS)
    except (TypeError, ValueError) as error:
        raise EventRefused("The properties cannot be kept as JSON.", field="properties") from error
    if len(text) > MOST_BYTES:
        raise EventRefused("The event is larger than 64 KiB.", "Send less of it.", field="properties")
    return hashlib.sha256(text).hexdigest()


def _customer(account_id: int, customer_id: str) -> Customer:
    """Locked, so that a customer's events are decided one after the other and a cap holds."""
    found = (
        Customer.objects.select_for_update(no_key=True)
        .filter(account_id=account_id, customer_id=customer_id, forgotten=False)
        .first()
    )
    if found is None:
        raise UnknownCustomer(f"There is no customer {customer_id}.", "Ids are compared letter by letter.")
    return found


def _waiting(account_id: int, name: str) -> list[RealTimeCampaign]:
    rows = RealTimeCampaign.objects.filter(account_id=account_id, active=True, event_name__iexact=name)
    return list(rows.select_related("group").order_by("pk"))


def _trigger(campaign: RealTimeCampaign, event: IncomingEvent, customer: Customer, clock: Clock) -> None:
    if not meets(event.properties, comparisons(campaign.conditions)) or not _in_group(campaign, customer):
        return
    outcome = _decided(campaign, event, customer, clock)
    key, told = uuid.uuid4(), None
    if outcome is Outcome.TOLD:
        told, listened = _tell(campaign, event, customer, key, clock)
        outcome = outcome if listened else Outcome.NO_LISTENER
    TriggeredCustomer.objects.create(
        account_id=campaign.account_id,
        campaign=campaign,
        event=event,
        customer=customer,
        key=key,
        at=clock.business(),
        outcome=outcome,
        told_event=told,
    )


def _in_group(campaign: RealTimeCampaign, customer: Customer) -> bool:
    if campaign.group is None:
        return True
    try:
        return is_member(campaign.account_id, campaign.group.condition, customer.pk)
    except (NoSnapshot, ConditionRefused):
        return False


def _decided(campaign: RealTimeCampaign, event: IncomingEvent, customer: Customer, clock: Clock) -> Outcome:
    now = clock.business()
    if event.at + timedelta(minutes=campaign.late_minutes) <= now:
        return Outcome.LATE
    consent = _consent(campaign, customer)
    if consent is not None:
        return consent
    if campaign.cap_hours and _recently(campaign, customer, clock):
        return Outcome.CAPPED
    if is_control(str(campaign.key), customer.pk, campaign.control_percent):
        return Outcome.CONTROL
    return Outcome.TOLD


def _consent(campaign: RealTimeCampaign, customer: Customer) -> Outcome | None:
    """What the copy of consent and programs say; the messenger asks its own once more before it sends."""
    copy = Consent.objects.filter(
        account_id=campaign.account_id, channel_account_id=campaign.channel_account_id, customer=customer
    ).first()
    email = campaign.kind == "email"
    if copy is None or not (copy.has_email if email else copy.has_mobile):
        return Outcome.NO_CONTACT
    if not (copy.email_consent if email else copy.sms_consent):
        return Outcome.NO_CONSENT
    blocked = customers.is_blocked(
        campaign.account_id, campaign.channel_account_id, campaign.kind, customer.pk
    )
    return Outcome.NO_CONSENT if blocked else None


def _recently(campaign: RealTimeCampaign, customer: Customer, clock: Clock) -> bool:
    since = clock.business() - timedelta(hours=campaign.cap_hours)
    return TriggeredCustomer.objects.filter(
        account_id=campaign.account_id,
        campaign=campaign,
        customer=customer,
        at__gt=since,
        outcome__in=COUNTED,
    ).exists()


def _tell(
    campaign: RealTimeCampaign, event: IncomingEvent, customer: Customer, key: uuid.UUID, clock: Clock
) -> tuple[int, int]:
    where = channels.get_account(campaign.account_id, campaign.channel_account_id)
    details = TriggeredEvent(
        campaign_id=str(campaign.key),
        channel_id=where.channel_id(campaign.kind),
        template_id=campaign.template_id,
        customer_id=customer.customer_id,
        promo_codes=(campaign.promo_code,) if campaign.promo_code else (),
        event_id=str(key),
    )
    deadline = event.at + timedelta(minutes=campaign.late_minutes)
    return listeners.enqueue_triggered(campaign.account_id, details, clock=clock, deadline=deadline)


def _triggered(account_id: int, event: IncomingEvent) -> tuple[Triggered, ...]:
    rows = TriggeredCustomer.objects.filter(account_id=account_id, event=event).select_related("campaign")
    return tuple(
        Triggered(campaign_id=row.campaign_id, campaign=row.campaign.name, outcome=Outcome(row.outcome))
        for row in rows.order_by("campaign_id")
    )
