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
    tried_at = models.DateTimeField(null=True, help_text="Machine time of the last try.")
    words = models.CharField(max_length=300)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "part"], name="cycle_failure_once")]


class CycleRun(models.Model):
    """One run of an account's daily cycle for one day; a killed or failed one is gone on with under its row."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    day = models.DateField(help_text="All data to the end of this day.")
    trigger = models.CharField(max_length=10, help_text="schedule or hand.")
    actor = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, help_text="running, done or failed.")
    started_at = models.DateTimeField(help_text="Machine time.")
    beat_at = models.DateTimeField(help_text="Machine time of the last sign of life.")
    finished_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=1)
    words = models.CharField(max_length=300, blank=True)
    again = models.BooleanField(default=False, help_text="Built though the day has a snapshot.")
    whole = models.BooleanField(default=False, help_text="Everything is read anew.")
    snapshot_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "day"], condition=~models.Q(state="done"), name="cycle_run_open_once"
            )
        ]
        indexes = [models.Index(fields=["account", "-day", "-id"], name="cycle_run_newest")]


class CycleStep(models.Model):
    """A step of a run; share 0..1 of it is done."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    run = models.ForeignKey(CycleRun, models.CASCADE, related_name="+")
    place = models.SmallIntegerField()
    step = models.CharField(max_length=20)
    state = models.CharField(max_length=10, help_text="waiting, running, done, failed or skipped.")
    share = models.FloatField(default=0)
    words = models.CharField(max_length=300, blank=True)
    rows = models.BigIntegerField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cpu_seconds = models.FloatField(default=0, help_text="Of the process and its threads.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "run", "step"], name="cycle_step_once")]
