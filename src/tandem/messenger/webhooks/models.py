"""Who is told what, the events, and what became of each for each subscription."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tandem.messenger.accounts.models import Account
from tandem.messenger.webhooks.domain import Auth, CallState, Way


class Subscription(models.Model):
    """An address that is told events of an account, or of one of its projects."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    project_id = models.BigIntegerField(null=True, help_text="Empty = the whole account.")
    url = models.CharField(max_length=1000)
    events = ArrayField(models.CharField(max_length=20))
    way = models.CharField(max_length=6, choices=[(w.value, w.value) for w in Way])
    auth = models.CharField(max_length=6, choices=[(a.value, a.value) for a in Auth], default=Auth.NONE)
    auth_name = models.CharField(max_length=200, blank=True, help_text="User, or name of the header.")
    auth_sealed = models.TextField(blank=True)
    secret_sealed = models.TextField(blank=True)
    old_secret_sealed = models.TextField(blank=True)
    rotated_until = models.DateTimeField(null=True, help_text="Until then the old secret signs too.")
    seconds = models.FloatField(help_text="Within which the receiver must answer.")
    enabled = models.BooleanField(default=True)
    problem = models.CharField(max_length=500, blank=True, help_text="Why it was switched off.")
    failures = models.IntegerField(default=0, help_text="In a row.")
    failing_since = models.DateTimeField(null=True)
    open_until = models.DateTimeField(null=True, help_text="The circuit: no call before.")
    wait_until = models.DateTimeField(null=True, help_text="No call before, as the receiver asked.")
    last_at = models.DateTimeField(null=True)
    last_status = models.IntegerField(null=True)
    last_words = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "id"], name="webhook_of_account")]


class Event(models.Model):
    """One thing that happened, kept once however many are told; its id is the body's eventId."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+", db_index=False)
    event_type = models.CharField(max_length=20)
    at = models.DateTimeField(help_text="Business time.")
    list_id = models.BigIntegerField(null=True)
    list_name = models.TextField(null=True)
    contact = models.TextField(null=True)
    contact_id = models.BigIntegerField(null=True)
    version_id = models.BigIntegerField(null=True)
    campaign = models.TextField(null=True)
    project_id = models.BigIntegerField(null=True)
    project = models.TextField(null=True)
    sent_at = models.DateTimeField(null=True)
    module = models.CharField(max_length=20)
    channel = models.CharField(max_length=10, null=True)
    more = models.JSONField()
    made_at = models.DateTimeField(help_text="Machine time.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "id"], name="webhook_event_of_account")]
        indexes = [
            models.Index(fields=["account", "contact"], name="webhook_event_of_contact"),
            models.Index(fields=["made_at"], name="webhook_event_age"),
        ]


class Call(models.Model):
    """One event for one subscription."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+", db_index=False)
    subscription = models.ForeignKey(Subscription, models.CASCADE, related_name="+", db_index=False)
    event = models.ForeignKey(Event, models.CASCADE, related_name="+")
    state = models.SmallIntegerField(choices=[(s.value, s.words) for s in CallState], default=0)
    tries = models.SmallIntegerField(default=0)
    next_at = models.DateTimeField(help_text="Machine time.")
    called_at = models.DateTimeField(null=True)
    status = models.IntegerField(null=True)
    words = models.CharField(max_length=300, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "subscription", "event"], name="webhook_call_once")
        ]
        indexes = [
            models.Index(
                fields=["account", "subscription", "event"],
                condition=models.Q(state__in=[0, 1]),
                name="webhook_call_open",
            ),
            models.Index(
                fields=["account", "subscription", "-event"],
                condition=models.Q(state__gte=11),
                name="webhook_call_failed",
            ),
        ]


class Gate(models.Model):
    """Whom to ask before a sending leaves."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    project_id = models.BigIntegerField(null=True, help_text="Empty = every project without its own.")
    url = models.CharField(max_length=1000)
    auth = models.CharField(max_length=6, choices=[(a.value, a.value) for a in Auth], default=Auth.NONE)
    auth_name = models.CharField(max_length=200, blank=True)
    auth_sealed = models.TextField(blank=True)
    minutes = models.PositiveIntegerField(default=0, help_text="Send without an answer after; 0 = hold.")
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "project_id"], name="send_gate_once", nulls_distinct=False
            )
        ]
