"""Target groups: the current condition, and every earlier one."""

from django.db import models

from tandem.planner.accounts.models import Account


class TargetGroup(models.Model):
    """A named condition; `version` counts its changes, `priority` is its place among all, 1 = highest."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    condition = models.JSONField()
    text = models.TextField()
    version = models.PositiveIntegerField(default=1)
    priority = models.PositiveIntegerField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="targetgroup_name"),
            models.UniqueConstraint(
                fields=["account", "priority"],
                name="targetgroup_priority",
                deferrable=models.Deferrable.DEFERRED,
            ),
        ]


class TargetGroupVersion(models.Model):
    """What a target group was at one version; never changed."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    group = models.ForeignKey(TargetGroup, models.CASCADE, related_name="+")
    version = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    condition = models.JSONField()
    text = models.TextField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "group", "version"], name="targetgroup_version")
        ]


class GroupSize(models.Model):
    """How many customers a target group held on a day, counted in the day's cycle under the version of then."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    group = models.ForeignKey(TargetGroup, models.CASCADE, related_name="+")
    day = models.DateField()
    version = models.PositiveIntegerField()
    members = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "group", "day"], name="targetgroup_size_once")
        ]
