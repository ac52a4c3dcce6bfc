"""The stage limits of an account."""

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
