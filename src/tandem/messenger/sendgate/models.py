"""Sendings that stand before a gate."""

from django.db import models

from tandem.messenger.accounts.models import Account
from tandem.messenger.delivery.models import Sending
from tandem.messenger.sendgate.domain import HoldState


class Hold(models.Model):
    """What a gate was asked about one sending and what came of it. That it is held at all stands on the sending."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+", db_index=False)
    sending = models.ForeignKey(Sending, models.CASCADE, related_name="+")
    gate_id = models.BigIntegerField()
    token_hash = models.CharField(max_length=64, unique=True, help_text="Finds the hold of a finishUri.")
    token_sealed = models.TextField(help_text="The same address again when the gate is asked again.")
    state = models.CharField(max_length=10, choices=[(s.value, s.value) for s in HoldState])
    since = models.DateTimeField(help_text="Machine time.")
    until = models.DateTimeField(null=True, help_text="Let go without an answer then; empty = hold.")
    asked_at = models.DateTimeField(null=True, help_text="When the gate acknowledged.")
    tries = models.IntegerField(default=0)
    next_at = models.DateTimeField(help_text="Not asked again before.")
    last_words = models.CharField(max_length=300, blank=True)
    rejected = models.IntegerField(default=0)
    added = models.IntegerField(default=0)
    ended_at = models.DateTimeField(null=True)
    by = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "sending"], name="hold_once")]
        indexes = [
            models.Index(
                fields=["account", "sending"], condition=models.Q(ended_at__isnull=True), name="hold_open"
            )
        ]
