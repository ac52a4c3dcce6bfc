"""The frozen customer list of an occurrence."""

from django.db import models

from tandem.planner.accounts.models import Account
from tandem.planner.campaigns.models import Occurrence


class CustomerList(models.Model):
    """The list's head, written in the transaction that froze it."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    occurrence = models.ForeignKey(Occurrence, models.PROTECT, related_name="+")
    snapshot_id = models.BigIntegerField()
    as_of = models.DateField()
    group_version = models.IntegerField()
    condition = models.JSONField()
    listed = models.BigIntegerField()
    targeted = models.BigIntegerField()
    control = models.BigIntegerField()
    skipped = models.JSONField(default=dict)
    templates = models.JSONField(default=list, help_text="Template ids that at least one customer gets.")
    sha256 = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True, help_text="When those not cleared were taken off.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "occurrence"], name="customer_list_once")]


class ListRow(models.Model):
    """One considered customer. action 1 = control, 2 = test, null = left out with the reason.

    seq is dense: test customers from 1, the control group after them. cleared: what a third party said, null = nothing.
    No database-checked foreign keys: a million rows are written at once, from the tables they would point to.
    """

    pk = models.CompositePrimaryKey("account_id", "occurrence_id", "customer")
    account = models.ForeignKey(
        Account, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    occurrence = models.ForeignKey(
        Occurrence, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    customer = models.BigIntegerField(help_text="Surrogate of the customer.")
    seq = models.BigIntegerField(null=True)
    action = models.SmallIntegerField(null=True)
    template_id = models.BigIntegerField(null=True)
    reason = models.CharField(max_length=40, blank=True)
    cleared = models.BooleanField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "occurrence", "seq"],
                name="list_seq_once",
                condition=models.Q(seq__isnull=False),
            )
        ]


class ReportedTotal(models.Model):
    """A metric's total over the occurrence's templates, as last reported."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    occurrence = models.ForeignKey(Occurrence, models.CASCADE, related_name="+")
    metric_id = models.IntegerField()
    total = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "occurrence", "metric_id"], name="reported_total_once")
        ]


class ProcessedDay(models.Model):
    """How many occurrences of a day were processed when its event was written."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    day = models.DateField()
    processed = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "day"], name="processed_day_once")]
