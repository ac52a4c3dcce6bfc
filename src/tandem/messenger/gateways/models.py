"""An account's gateway and rules of SMS, the gateway's names of our messages, what it called back with."""

from django.db import models

from tandem.messenger.accounts.models import Account


class Gateway(models.Model):
    """Where an account's SMS are handed over; without one they leave by file."""

    account = models.OneToOneField(Account, models.CASCADE, primary_key=True, related_name="+")
    profile = models.CharField(max_length=12)
    url = models.CharField(max_length=500, blank=True)
    user = models.CharField(max_length=200, blank=True)
    secret_sealed = models.TextField(blank=True)
    options = models.JSONField(default=dict)
    senders = models.JSONField(default=dict, help_text="Country code -> sender id.")
    default_sender = models.CharField(max_length=16, blank=True)
    active = models.BooleanField(default=True)
    door_hash = models.CharField(max_length=64, db_index=True, help_text="Of the call-backs' token.")
    door_sealed = models.TextField()
    changed_at = models.DateTimeField()
    last_problem = models.CharField(max_length=300, blank=True)


class SmsRules(models.Model):
    """Quiet hours in the recipient's own time, and texts of automatic answers; no row means the defaults."""

    account = models.OneToOneField(Account, models.CASCADE, primary_key=True, related_name="+")
    quiet = models.BooleanField(default=True)
    opens = models.TimeField(default="08:00")
    closes = models.TimeField(default="21:00")
    zone_attribute = models.CharField(max_length=100, blank=True, help_text="Attribute that holds a zone.")
    answers = models.BooleanField(
        default=True, db_default=True, help_text="Whether keywords are answered by themselves."
    )
    stop_text = models.CharField(max_length=480, blank=True)
    start_text = models.CharField(max_length=480, blank=True)
    help_text = models.CharField(max_length=480, blank=True)


class HandedPart(models.Model):
    """A gateway's own name of one part of a message; its receipts say no more."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    gateway_id = models.TextField()
    sending_id = models.BigIntegerField()
    attempt_id = models.BigIntegerField()
    part = models.SmallIntegerField()
    parts = models.SmallIntegerField()
    came = models.CharField(max_length=10, blank=True, default="", db_default="")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "gateway_id"], name="handed_part_once")]
        indexes = [models.Index(fields=["account", "attempt_id"], name="handed_part_of")]


class CallBack(models.Model):
    """What a gateway told us: kept before it is answered, worked on after."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=10)
    key = models.CharField(max_length=64, help_text="The same for the same thing told again.")
    said = models.JSONField(null=True, help_text="Until it is worked on.")
    came_at = models.DateTimeField()
    next_at = models.DateTimeField(null=True, help_text="None = worked on.")
    tries = models.SmallIntegerField(default=0)
    outcome = models.CharField(max_length=60, blank=True, default="", db_default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "kind", "key"], name="call_back_once")]
        indexes = [
            models.Index(fields=["next_at"], condition=models.Q(next_at__isnull=False), name="call_back_due"),
            models.Index(fields=["account", "came_at"], name="call_back_age"),
        ]
