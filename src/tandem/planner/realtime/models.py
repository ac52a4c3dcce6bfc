"""Real-time campaigns, the events that came in, whom they triggered, and what the messenger reported."""

import uuid

from django.db import models
from django.db.models.functions import Lower

from tandem.planner.accounts.models import Account
from tandem.planner.channels.models import ChannelAccount
from tandem.planner.customers.models import Customer
from tandem.planner.targeting.models import TargetGroup


class RealTimeCampaign(models.Model):
    """What happens on an event; `key` is the campaignID of event 11."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    key = models.UUIDField(default=uuid.uuid4, unique=True)
    name = models.CharField(max_length=200)
    event_name = models.CharField(max_length=100)
    conditions = models.JSONField(default=list)
    group = models.ForeignKey(TargetGroup, models.PROTECT, null=True, related_name="+")
    channel_account = models.ForeignKey(ChannelAccount, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10)
    project_id = models.BigIntegerField()
    template_id = models.BigIntegerField()
    promo_code = models.CharField(max_length=100, blank=True)
    cap_hours = models.IntegerField()
    control_percent = models.DecimalField(max_digits=5, decimal_places=2)
    late_minutes = models.IntegerField()
    active = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint("account", Lower("name"), name="real_time_name_once")]
        indexes = [
            models.Index(
                "account", Lower("event_name"), condition=models.Q(active=True), name="real_time_waiting_for"
            )
        ]


class IncomingEvent(models.Model):
    """An event as it came in; the same id of the sender is one event."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    event_id = models.CharField(max_length=100)
    name = models.CharField(max_length=100)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    at = models.DateTimeField(help_text="Business time.")
    received_at = models.DateTimeField(help_text="System time.")
    properties = models.JSONField(default=dict)
    fingerprint = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "event_id"], name="incoming_event_once")]
        indexes = [models.Index(fields=["account", "received_at"])]


class TriggeredCustomer(models.Model):
    """One customer whom one event brought into one campaign, and what came of it."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    campaign = models.ForeignKey(RealTimeCampaign, models.PROTECT, related_name="+")
    event = models.ForeignKey(IncomingEvent, models.CASCADE, related_name="+")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    key = models.UUIDField(default=uuid.uuid4, unique=True, help_text="The eventID of event 11.")
    at = models.DateTimeField(help_text="Business time.")
    outcome = models.CharField(max_length=20)
    told_event = models.BigIntegerField(null=True, help_text="The listeners' event.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "campaign", "event"], name="triggered_customer_once")
        ]
        indexes = [models.Index(fields=["account", "campaign", "customer", "-at"], name="triggered_before")]


class RealTimeTotal(models.Model):
    """The sum of what the messenger reported of a campaign, by metric."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    campaign = models.ForeignKey(RealTimeCampaign, models.CASCADE, related_name="+")
    metric_id = models.IntegerField()
    total = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "campaign", "metric_id"], name="real_time_total_once")
        ]
