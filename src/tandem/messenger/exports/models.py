"""Exports that were asked for. Their records are read when they are fetched, so nobody's data is kept a second time."""

from django.db import models

from tandem.messenger.accounts.models import Account
from tandem.messenger.exports.domain import ExportType


class Export(models.Model):
    """One export. Its id is a batch id, of the same numbers as imports."""

    id = models.BigIntegerField(primary_key=True)
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    type = models.CharField(max_length=12, choices=[(t.value, t.value) for t in ExportType])
    since = models.DateTimeField(help_text="Business time.")
    until = models.DateTimeField(help_text="Business time.")
    status = models.CharField(max_length=12, default="PENDING")
    total = models.BigIntegerField(default=0)
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=~models.Q(status="FINISHED"), name="export_waiting"),
        ]
