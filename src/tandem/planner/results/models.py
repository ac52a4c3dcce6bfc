"""What came of campaigns, as the messenger reports it."""

from django.db import models

from tandem.planner.accounts.models import Account


class WriteOnce(models.Model):
    """A write that was made under a caller's key; the same key again changes nothing."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    key = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "key"], name="write_once")]


class CampaignMetric(models.Model):
    """The sum of what was reported for one metric of one template of an occurrence on a channel."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    occurrence_id = models.BigIntegerField()
    channel_id = models.BigIntegerField()
    template_id = models.BigIntegerField()
    metric_id = models.IntegerField()
    total = models.BigIntegerField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "occurrence_id", "channel_id", "template_id", "metric_id"],
                name="metric_once",
            ),
            models.CheckConstraint(condition=models.Q(total__gte=0), name="metric_not_negative"),
        ]


class Interaction(models.Model):
    """How often a customer did something with a template of an occurrence on a day, as a messenger reported it.

    No database-checked foreign keys: thousands are written at once from the tables they would point to.
    """

    account = models.ForeignKey(
        Account, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    occurrence_id = models.BigIntegerField()
    channel_id = models.BigIntegerField()
    template_id = models.BigIntegerField()
    event_id = models.IntegerField(help_text="As the metrics' ids: 2 = opened, 3 = clicked.")
    customer = models.BigIntegerField(help_text="Surrogate of the customer.")
    day = models.DateField()
    recipient_group = models.IntegerField()
    app_id = models.CharField(max_length=100, blank=True)
    times = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "account",
                    "occurrence_id",
                    "channel_id",
                    "template_id",
                    "event_id",
                    "customer",
                    "day",
                ],
                name="interaction_once",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "customer", "day"], name="interaction_of_customer"),
            models.Index(fields=["account", "day", "channel_id", "event_id"], name="interaction_of_day"),
        ]
