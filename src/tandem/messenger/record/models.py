"""What finished blocks hold, when a sending was last counted, what is left of rows that are kept no more."""

from django.db import models

from tandem.messenger.accounts.models import Account
from tandem.messenger.record.domain import MONTHS_KEPT


class BlockStates(models.Model):
    """Which states the rows of a finished block are in, as bits; of the claim that finished it.

    So that the few uncertain rows of ten million are found without an index on a column that every hand-over changes.
    """

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    sending_id = models.BigIntegerField()
    first_seq = models.IntegerField()
    fence = models.BigIntegerField()
    states = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "sending_id", "first_seq"], name="block_states_once")
        ]


class Check(models.Model):
    """The last count of a sending's rows."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    sending_id = models.BigIntegerField()
    at = models.DateTimeField(help_text="Machine time.")
    next_at = models.DateTimeField(null=True, help_text="Machine time; none = counted for the last time.")
    breaches = models.JSONField(default=list)
    counted = models.JSONField(default=dict)
    course = models.JSONField(null=True, help_text="How fast an ended sending went; read from its rows once.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "sending_id"], name="check_once")]
        indexes = [
            models.Index(fields=["account", "-at"], condition=~models.Q(breaches=[]), name="check_breached"),
        ]


class Retention(models.Model):
    """For how many months an account keeps single rows; no row means the default."""

    account = models.OneToOneField(Account, models.CASCADE, primary_key=True, related_name="+")
    months = models.PositiveSmallIntegerField(default=MONTHS_KEPT)


class Dropped(models.Model):
    """A sending whose rows are dropped, or were: its sums are kept since `at`."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    sending_id = models.BigIntegerField()
    at = models.DateTimeField(help_text="Machine time.")
    rows = models.IntegerField()
    finished = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "sending_id"], name="dropped_once")]
        indexes = [models.Index(fields=["id"], condition=models.Q(finished=False), name="dropped_unfinished")]


class DaySum(models.Model):
    """Rows of a sending by template, state, reason and day, once the rows themselves are gone."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    sending_id = models.BigIntegerField()
    template_id = models.BigIntegerField()
    state = models.SmallIntegerField()
    reason = models.TextField()
    day = models.DateField(help_text="UTC; of the row's end, else of its due time.")
    rows = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "sending_id", "template_id", "state", "reason", "day"], name="day_sum_once"
            )
        ]
