"""Registrations, what is to be told, and each attempt to tell it."""

from django.db import models

from tandem.planner.accounts.models import Account


class Registration(models.Model):
    """Who is told: one address per account, event type and channel; no channel = all of them."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    event_type = models.IntegerField()
    channel_id = models.BigIntegerField(null=True)
    url = models.TextField()
    secret = models.TextField(help_text="Sealed; signs the calls.")
    secret_made_at = models.DateTimeField(null=True, help_text="When the secret was shown; null = never.")
    old_secret = models.TextField(blank=True, help_text="Sealed; signs the calls too, for a while.")
    old_secret_until = models.DateTimeField(null=True, help_text="System time.")
    quiet_until = models.DateTimeField(
        null=True, help_text="System time; it asked to be left alone till then."
    )
    is_active = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=200, blank=True)
    registered_at = models.DateTimeField()
    failing_since = models.DateTimeField(null=True)
    last_call = models.DateTimeField(null=True)
    last_answer = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "event_type", "channel_id"], nulls_distinct=False, name="registration_once"
            )
        ]


class Event(models.Model):
    """Something that happened and may be told until its deadline, also to those who register later."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    event_type = models.IntegerField()
    occurrence_id = models.BigIntegerField(null=True)
    channel_id = models.BigIntegerField(null=True)
    happened_at = models.DateTimeField(help_text="Business time.")
    deadline = models.DateTimeField(help_text="Business time.")
    cancelled = models.BooleanField(default=False)
    details = models.JSONField(null=True, help_text="What the body of event 11 names.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "event_type", "occurrence_id", "channel_id"],
                condition=models.Q(occurrence_id__isnull=False),
                nulls_distinct=False,
                name="event_once",
            )
        ]
        indexes = [models.Index(fields=["account", "deadline"])]


class EventOutbox(models.Model):
    """One event for one registration: the truth of whether it still has to be told."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    event = models.ForeignKey(Event, models.CASCADE, related_name="+")
    registration = models.ForeignKey(Registration, models.CASCADE, related_name="+")
    message_id = models.CharField(max_length=40, unique=True)
    state = models.CharField(max_length=12, default="waiting")
    cause = models.CharField(max_length=300, blank=True, help_text="Why it will not be told any more.")
    attempts = models.IntegerField(default=0)
    next_at = models.DateTimeField(null=True, help_text="System time of the next attempt.")
    claimed_until = models.DateTimeField(null=True, help_text="System time; a claim by a process at work.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "event", "registration"], name="outbox_once"),
        ]
        indexes = [
            models.Index(fields=["account", "state", "-id"], name="outbox_log"),
            models.Index(fields=["next_at"], condition=models.Q(state="waiting"), name="outbox_due"),
            models.Index(
                fields=["account", "event"],
                condition=models.Q(state__in=["failed", "disabled", "expired"]),
                name="outbox_dead",
            ),
        ]


class EventAttempt(models.Model):
    """One POST and what came of it, append only."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    outbox = models.ForeignKey(EventOutbox, models.CASCADE, related_name="+", null=True)
    registration = models.ForeignKey(Registration, models.CASCADE, related_name="+")
    at = models.DateTimeField()
    status = models.IntegerField(null=True)
    problem = models.CharField(max_length=300, blank=True)
    seconds = models.FloatField()
    request = models.TextField()
    answer = models.CharField(max_length=1000, blank=True)

    class Meta:
        indexes = [models.Index(fields=["account", "outbox", "at"])]
