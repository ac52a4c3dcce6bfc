"""Campaigns, the templates they use, and their occurrences: what is due is a row here."""

from django.db import models
from django.db.models.functions import Lower

from tandem.planner.accounts.models import Account
from tandem.planner.channels.models import ChannelAccount
from tandem.planner.targeting.models import TargetGroup


class Action(models.Model):
    """What test customers get, under the number that stands on the wire; 1, the control group's, is never stored."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    number = models.BigIntegerField(help_text="The ActionID of the wire, from 2, dense per account.")
    name = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "number"], name="action_number_once"),
            models.UniqueConstraint("account", Lower("name"), name="action_name_once"),
            models.CheckConstraint(condition=models.Q(number__gte=2), name="action_number_from_2"),
        ]


class Promotion(models.Model):
    """A promo code that campaigns may offer."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    code = models.CharField(max_length=100)
    name = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "code"], name="promotion_once")]


class Campaign(models.Model):
    """A plan; the wall time and the zone are what the marketer chose, instants are on the occurrence."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    group = models.ForeignKey(TargetGroup, models.PROTECT, related_name="+")
    channel_account = models.ForeignKey(ChannelAccount, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10)
    project_id = models.BigIntegerField()
    time = models.TimeField()
    zone = models.CharField(max_length=64)
    control_percent = models.DecimalField(max_digits=5, decimal_places=2)
    lead_seconds = models.IntegerField()
    late_minutes = models.IntegerField()
    action = models.ForeignKey(Action, models.PROTECT, related_name="+")
    duration_days = models.IntegerField(default=14)
    notes = models.TextField(blank=True)
    tags = models.JSONField(default=list)
    promo_codes = models.JSONField(default=list, help_text="As chosen; a promotion deleted later stays here.")
    clearance_seconds = models.IntegerField(
        null=True, help_text="Before the send time; null = not conditional."
    )
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["account", "-id"])]


class CampaignTemplate(models.Model):
    """A template of the plan; composite foreign keys hold it to the campaign's one project."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="+")
    channel_account = models.ForeignKey(ChannelAccount, models.PROTECT, related_name="+")
    project_id = models.BigIntegerField()
    template_id = models.BigIntegerField()
    share = models.IntegerField()
    place = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "campaign", "template_id"], name="campaign_template_once"
            ),
            models.CheckConstraint(
                condition=models.Q(share__gte=1, share__lte=100), name="campaign_template_share"
            ),
        ]


class Occurrence(models.Model):
    """A campaign on one date. Its id is the CampaignID of the wire."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="+")
    day = models.DateField()
    channel_id = models.BigIntegerField()
    state = models.CharField(max_length=24)
    cause = models.TextField(blank=True)
    lock_at = models.DateTimeField()
    clearance_at = models.DateTimeField(null=True, help_text="Until then a third party clears customers.")
    send_at = models.DateTimeField()
    late_at = models.DateTimeField(help_text="After this instant nothing may be sent any more.")
    draw_key = models.CharField(max_length=32, help_text="Key of the draw of control group and templates.")
    started_at = models.DateTimeField(null=True)
    fetched_at = models.DateTimeField(null=True)
    rows_fetched = models.BigIntegerField(default=0)
    sending_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "campaign", "day"], name="occurrence_once"),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=[
                        "draft",
                        "scheduled",
                        "making list",
                        "waiting for clearance",
                        "waiting for messenger",
                        "sending",
                        "sent",
                        "sent with failures",
                        "not run",
                        "being cancelled",
                        "cancelled",
                    ]
                ),
                name="occurrence_state",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "channel_id", "day"]),
            models.Index(fields=["account", "day"]),
            models.Index(
                fields=["lock_at"],
                name="occurrence_open",
                condition=models.Q(
                    state__in=[
                        "scheduled",
                        "making list",
                        "waiting for clearance",
                        "waiting for messenger",
                        "sending",
                        "being cancelled",
                    ]
                ),
            ),
        ]
