"""The stage limits of an account, and how it cuts its customers into segments."""

from django.db import models

from tandem.planner.accounts.models import Account


class StageLimits(models.Model):
    """Limits measured from the return curve, or set by hand; measured again monthly."""

    account = models.OneToOneField(Account, models.PROTECT, related_name="+")
    new_days = models.IntegerField()
    at_risk_days = models.IntegerField()
    churn_days = models.IntegerField()
    note = models.TextField(blank=True)
    measured_on = models.DateField()
    by_hand = models.BooleanField(default=False)


class SegmentCuts(models.Model):
    """The values segments are cut at, frozen for a month; `shares` are those the value segments were cut for.

    basis: what the value segments are cut by, and why if it is not future value; methods: stage -> how it was to be
    cut, where that is not by quantiles.
    """

    account = models.OneToOneField(Account, models.PROTECT, related_name="+")
    cut_on = models.DateField()
    layers = models.JSONField()
    values = models.JSONField()
    shares = models.JSONField()
    returns = models.JSONField()
    basis = models.CharField(max_length=20, default="no_model")
    methods = models.JSONField(default=dict)


class MicroSegment(models.Model):
    """A micro-segment under its id; one that a later cut has no place for is kept, not current."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    number = models.IntegerField()
    stage = models.CharField(max_length=20)
    name = models.CharField(max_length=200)
    cells = models.JSONField()
    is_current = models.BooleanField(default=True)
    members = models.BigIntegerField(default=0)
    future_value = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    churn_rate = models.FloatField(default=0)
    value_low = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    value_high = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    churn_low = models.FloatField(null=True)
    churn_high = models.FloatField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "number"], name="microsegment_once")]


class ValueSegmentWorth(models.Model):
    """What a value segment is worth on the newest day; low and high: see `segments.worth.Worth`."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    place = models.IntegerField()
    members = models.BigIntegerField()
    future_value = models.DecimalField(max_digits=18, decimal_places=2)
    churn_rate = models.FloatField()
    value_low = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    value_high = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    churn_low = models.FloatField(null=True)
    churn_high = models.FloatField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "place"], name="valuesegmentworth_once")]


class ValueShares(models.Model):
    """Which share of the spending customers each value segment is to hold, best first, percent."""

    account = models.OneToOneField(Account, models.PROTECT, related_name="+")
    shares = models.JSONField()


class LayerMethods(models.Model):
    """Stage -> how it is to be cut into micro-segments, where that is not by quantiles."""

    account = models.OneToOneField(Account, models.PROTECT, related_name="+")
    methods = models.JSONField()


class ModelRun(models.Model):
    """One of the five models as it was for one snapshot: what data and code made it, and how right it was.

    evidence: plain, see `learning.domain.Evidence`, with this model alone; rung: the methods in use, with commas.
    """

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    model = models.CharField(max_length=20)
    day = models.DateField()
    trained_on = models.DateField()
    rung = models.CharField(max_length=100, blank=True)
    seed = models.BigIntegerField()
    code = models.CharField(max_length=100)
    data_hash = models.CharField(max_length=64)
    parameters = models.JSONField()
    evidence = models.JSONField()
    in_force = models.BooleanField()
    snapshot_id = models.BigIntegerField()
    drift = models.FloatField(null=True)
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "model", "snapshot_id"], name="modelrun_once")
        ]
        indexes = [models.Index(fields=["account", "model", "-day", "-id"], name="modelrun_newest")]


class TrainingWish(models.Model):
    """Somebody wants everything learnt again when the next snapshot is built."""

    account = models.OneToOneField(Account, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
