"""The planner's alarms, what is to be told of them, whom, and when the watch last looked."""

from django.db import models

from tandem.kit.alarms import models as kit
from tandem.planner.accounts.models import Account


class Alarm(kit.AlarmBase):
    """Something that is or was wrong."""

    account = kit.alarm_account(Account)

    class Meta:
        constraints = [kit.open_once("planner")]
        indexes = [kit.newest("planner")]


class Telling(kit.TellingBase):
    """One thing to tell by one path."""

    account = kit.telling_account(Account)
    alarm = models.ForeignKey(Alarm, models.CASCADE, related_name="tellings")

    class Meta:
        constraints = [kit.told_once("planner")]
        indexes = [kit.due("planner")]


class Way(kit.WayBase):
    """An account's own second path."""

    account = models.OneToOneField(Account, models.CASCADE, primary_key=True, related_name="+")


class Look(kit.LookBase):
    """When the watch last looked."""
