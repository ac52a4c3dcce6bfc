"""The planner's alarms, what is to be told of them, whom, and when the watch last looked."""

from django.db import models

from tandem.kit.alarms.models import AlarmBase, LookBase, TellingBase, WayBase
from tandem.planner.accounts.models import Account


class Alarm(AlarmBase):
    """Something that is or was wrong."""

    account = models.ForeignKey(
        Account, models.CASCADE, null=True, related_name="+", help_text="Null = the whole installation."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "kind", "subject"],
                condition=models.Q(ended_at__isnull=True),
                nulls_distinct=False,
                name="planner_alarm_open_once",
            )
        ]
        indexes = [models.Index(fields=["account", "-since"], name="planner_alarm_newest")]


class Telling(TellingBase):
    """One thing to tell by one path."""

    account = models.ForeignKey(
        Account,
        models.CASCADE,
        null=True,
        related_name="+",
        help_text="Whose path; null = the installation's.",
    )
    alarm = models.ForeignKey(Alarm, models.CASCADE, related_name="tellings")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "alarm", "path", "what", "made_at"],
                nulls_distinct=False,
                name="planner_alarm_told_once",
            )
        ]
        indexes = [
            models.Index(
                fields=["account", "path", "next_at"],
                condition=models.Q(next_at__isnull=False),
                name="planner_alarm_due",
            )
        ]


class Way(WayBase):
    """An account's own second path."""

    account = models.OneToOneField(Account, models.CASCADE, primary_key=True, related_name="+")


class Look(LookBase):
    """When the watch last looked."""
