"""How far each account's daily cycle has come."""

from django.db import models

from tandem.planner.accounts.models import Account


class DataDay(models.Model):
    """The last day whose data was told to be in (event 3)."""

    account = models.OneToOneField(Account, models.PROTECT, related_name="+")
    day = models.DateField()
