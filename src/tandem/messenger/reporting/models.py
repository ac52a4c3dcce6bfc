"""Totals told to the planner, each once."""

from django.db import models

from tandem.messenger.accounts.models import Account
from tandem.messenger.delivery.models import Sending


class MetricReport(models.Model):
    """One settled total: (channel, campaign, template, metric). `posting` is committed before the call."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    sending = models.ForeignKey(Sending, models.CASCADE, related_name="+")
    template_id = models.BigIntegerField()
    metric_id = models.SmallIntegerField()
    value = models.BigIntegerField()
    state = models.CharField(max_length=10, default="waiting")
    tries = models.IntegerField(default=0)
    next_at = models.DateTimeField()
    posted_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=500, blank=True)
    batch = models.CharField(
        max_length=32,
        blank=True,
        default="",
        db_default="",
        help_text="Totals of real-time messages told together.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "sending", "template_id", "metric_id"], name="metric_report_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["next_at"],
                condition=models.Q(state__in=["waiting", "posting"]),
                name="metric_report_due",
            ),
            models.Index(
                fields=["batch"],
                condition=models.Q(batch__gt="") & ~models.Q(state="posted"),
                name="metric_report_batch",
            ),
        ]
