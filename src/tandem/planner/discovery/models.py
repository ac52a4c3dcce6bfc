"""Searches for groups, what they found, and what is not interesting."""

from django.db import models

from tandem.planner.accounts.models import Account
from tandem.planner.targeting.models import TargetGroup


class DiscoveryRun(models.Model):
    """One search: what was asked for, how far it is, and how it was done."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    goal = models.CharField(max_length=20)
    days = models.IntegerField(help_text="The outcome is of so many days.")
    occurrence_id = models.BigIntegerField(null=True, help_text="The campaign's, of goals about a campaign.")
    subject = models.CharField(max_length=200, blank=True, help_text="The campaign's name.")
    weekly = models.BooleanField(default=False)
    asked_by = models.CharField(max_length=200)
    asked_at = models.DateTimeField(help_text="Business time.")
    state = models.CharField(max_length=10, default="waiting", help_text="waiting, running, done or failed.")
    phase = models.CharField(max_length=100, blank=True)
    part = models.FloatField(default=0, help_text="How far it is, 0 to 1.")
    touched_at = models.DateTimeField(help_text="Machine time of the last sign of life.")
    problem = models.CharField(max_length=500, blank=True)
    as_of = models.DateField(null=True, help_text="Outcomes to the end of this day.")
    looked_from = models.DateField(null=True, help_text="Customers as they stood at the end of this day.")
    seed = models.BigIntegerField(default=0)
    how = models.JSONField(default=dict, help_text="Counts, halves, method, columns left out.")
    simple = models.JSONField(default=list)
    judged_at = models.DateTimeField(null=True, help_text="When its groups were looked at later.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"], name="discovery_one_at_a_time",
                condition=models.Q(state__in=("waiting", "running")),
            )
        ]  # fmt: skip


class Dismissed(models.Model):
    """A group that is not interesting: it and groups much like it are not shown for this goal."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    goal = models.CharField(max_length=20)
    direction = models.SmallIntegerField()
    condition = models.JSONField()
    title = models.CharField(max_length=300)
    text = models.TextField()
    at = models.DateTimeField()
    by = models.CharField(max_length=200)


class Discovery(models.Model):
    """A group that was confirmed. hidden_by: why it is not shown; later: what became of it afterwards."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    run = models.ForeignKey(DiscoveryRun, models.CASCADE, related_name="+")
    place = models.IntegerField()
    direction = models.SmallIntegerField()
    rule = models.JSONField()
    condition = models.JSONField(help_text="As a target group has it.")
    title = models.CharField(max_length=300)
    sentence = models.TextField()
    text = models.TextField(help_text="The condition in words.")
    parent = models.TextField(blank=True)
    traits = models.JSONField(default=list)
    members = models.BigIntegerField(help_text="On the day of the search.")
    spent = models.DecimalField(max_digits=18, decimal_places=2, help_text="By a member in 365 days.")
    spent_all = models.DecimalField(max_digits=18, decimal_places=2, help_text="By any customer.")
    alike = models.JSONField(default=dict, help_text="The saved group most like it: id, name, share.")
    hidden_by = models.ForeignKey(Dismissed, models.SET_NULL, null=True, related_name="+")
    group = models.ForeignKey(TargetGroup, models.SET_NULL, null=True, related_name="+")
    later = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "run", "place"], name="discovery_place")]
