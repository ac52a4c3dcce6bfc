"""How far each account's daily cycle has come."""

from django.db import models

from tandem.planner.accounts.models import Account


class DataDay(models.Model):
    """The last day whose data was told to be in (event 3)."""

    account = models.OneToOneField(Account, models.PROTECT, related_name="+")
    day = models.DateField()


class CycleFailure(models.Model):
    """A part of an account's daily cycle whose last run failed; gone once it works again."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    part = models.CharField(max_length=60, help_text="As `snapshot`.")
    since = models.DateTimeField(help_text="Machine time.")
    times = models.IntegerField(default=1)
    words = models.CharField(max_length=300)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "part"], name="cycle_failure_once")]
