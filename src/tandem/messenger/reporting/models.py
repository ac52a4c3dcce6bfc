"""Totals and unsubscribes told to the planner, each once."""

from django.db import models

from tandem.messenger.accounts.models import Account
from tandem.messenger.delivery.models import Attempt, Sending
from tandem.messenger.reporting.domain import OPEN_REPORTS, Part, ReportState


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
    round = models.SmallIntegerField(
        default=0, db_default=0, help_text="0 = the sending's end; then what changed since, time by time."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "sending", "template_id", "metric_id", "round"], name="metric_report_once"
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


class Unsubscribe(models.Model):
    """A subscription that the link in a message of a planner's campaign ended; kept with the suppression itself.

    Whose it is stands in the ledger alone. batch: the reports that tell it, empty until there are some.
    """

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    sending = models.ForeignKey(Sending, models.CASCADE, related_name="+")
    attempt = models.ForeignKey(Attempt, models.CASCADE, related_name="+")
    template_id = models.BigIntegerField()
    at = models.DateTimeField(help_text="Business time.")
    batch = models.CharField(max_length=32, blank=True, default="")
    forgotten = models.BooleanField(default=False, help_text="Told as a number only.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "attempt"], name="unsubscribe_once")]
        indexes = [
            models.Index(fields=["sending"], condition=models.Q(batch=""), name="unsubscribe_untold"),
            models.Index(fields=["batch"], condition=models.Q(batch__gt=""), name="unsubscribe_batch"),
        ]


class UnsubscribeReport(models.Model):
    """One call that tells what came back of a template: unsubscribes of a day, or how many more opened or clicked.

    `posting` is committed before the call.
    """

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    sending = models.ForeignKey(Sending, models.CASCADE, related_name="+")
    template_id = models.BigIntegerField()
    day = models.DateField(help_text="In the planner's zone.")
    batch = models.CharField(max_length=32)
    metric = models.SmallIntegerField(default=4, db_default=4, help_text="The planner's MetricID.")
    part = models.CharField(max_length=12, choices=[(p.value, p.value) for p in Part])
    value = models.IntegerField()
    state = models.CharField(
        max_length=10, default=ReportState.WAITING, choices=[(s.value, s.value) for s in ReportState]
    )
    tries = models.IntegerField(default=0)
    created_at = models.DateTimeField()
    next_at = models.DateTimeField()
    posted_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "batch", "part"], name="unsubscribe_report_once")
        ]
        indexes = [
            models.Index(
                fields=["next_at"],
                condition=models.Q(state__in=[s.value for s in OPEN_REPORTS]),
                name="unsubscribe_report_due",
            )
        ]
