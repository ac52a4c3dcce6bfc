"""The way to the planner, the addresses it may call, and what it called with."""

from django.db import models

from tandem.messenger.accounts.models import Account
from tandem.messenger.delivery.domain import Channel
from tandem.messenger.listener.domain import Hears


class PlannerConnection(models.Model):
    """Where an account's planner is and how to sign in there."""

    account = models.OneToOneField(Account, models.CASCADE, primary_key=True, related_name="+")
    planner_url = models.URLField(max_length=500)
    user = models.CharField(max_length=200, blank=True)
    password_sealed = models.TextField(blank=True)
    api_key_sealed = models.TextField(blank=True)
    zone = models.CharField(max_length=64, help_text="IANA name; the planner's wire times are in it.")
    overlap_seconds = models.PositiveIntegerField(default=86400)
    hears = models.CharField(max_length=10, default="events", choices=[(h.value, h.value) for h in Hears])
    profile = models.TextField(blank=True, help_text="TOML; how this planner differs from the contract.")
    poll_seconds = models.PositiveIntegerField(default=60)
    next_poll_at = models.DateTimeField(null=True)
    last_poll_at = models.DateTimeField(null=True)
    last_problem = models.CharField(max_length=500, blank=True)
    data_of = models.DateField(null=True, help_text="The day of the planner's newest data, as it told.")


class ChannelBinding(models.Model):
    """A channel id of the planner that this account sends for."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    channel_id = models.BigIntegerField()
    kind = models.CharField(max_length=10, choices=[(c.value, c.value) for c in Channel])
    registered_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "channel_id"], name="channel_binding_once")]


class ListenerUrl(models.Model):
    """A secret address of an account. The hash finds it; the sealed copy lets the page show it."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    secret_hash = models.CharField(max_length=64, unique=True)
    secret_sealed = models.TextField()
    created_at = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, help_text="Empty = the address in use.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=models.Q(valid_until__isnull=True),
                name="listener_url_in_use_once",
            )
        ]


class ListenerCall(models.Model):
    """A call at an account's listener and what it was answered."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    at = models.DateTimeField()
    event_type = models.IntegerField(null=True)
    campaign_id = models.BigIntegerField(null=True)
    channel_id = models.BigIntegerField(null=True)
    answer = models.SmallIntegerField()
    words = models.CharField(max_length=300)

    class Meta:
        indexes = [models.Index(fields=["account", "-id"])]


class TriggeredInbox(models.Model):
    """A real-time event that came in, heard once; what became of it stands on its sending."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    key = models.CharField(max_length=100, help_text="The event's own id, else made from what it says.")
    campaign_key = models.CharField(max_length=100)
    channel_id = models.BigIntegerField()
    template_id = models.BigIntegerField()
    state = models.CharField(max_length=10)
    problem = models.CharField(max_length=500, blank=True)
    received_at = models.DateTimeField()
    times_received = models.IntegerField(default=1)
    sending_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "key"], name="triggered_inbox_once")]
        indexes = [models.Index(fields=["account", "-id"]), models.Index(fields=["received_at"])]


class Inbox(models.Model):
    """A campaign that was executed for one of our channels, heard of once, worked on until settled."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    campaign_id = models.BigIntegerField()
    channel_id = models.BigIntegerField()
    source = models.CharField(max_length=10)
    state = models.CharField(max_length=10, default="waiting")
    received_at = models.DateTimeField()
    times_received = models.IntegerField(default=1)
    tries = models.IntegerField(default=0)
    next_try_at = models.DateTimeField()
    problem = models.CharField(max_length=500, blank=True)
    sending_id = models.BigIntegerField(null=True)
    fetched_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "campaign_id", "channel_id"], name="inbox_once"),
        ]
        indexes = [
            models.Index(fields=["next_try_at"], condition=models.Q(state="waiting"), name="inbox_due")
        ]


class Cancellation(models.Model):
    """A campaign that its planner may have cancelled, heard of once or more, asked about until settled."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    campaign_id = models.BigIntegerField()
    source = models.CharField(max_length=10)
    state = models.CharField(max_length=10, default="waiting")
    received_at = models.DateTimeField()
    times_received = models.IntegerField(default=1)
    tries = models.IntegerField(default=0)
    next_try_at = models.DateTimeField()
    looked_at = models.DateTimeField(null=True)
    whole = models.BooleanField(default=False, help_text="The planner says that nobody gets anything.")
    customers = models.IntegerField(default=0, help_text="How many the planner named.")
    rows_cancelled = models.IntegerField(default=0)
    left = models.IntegerField(
        default=0, help_text="Messages that were gone, or in hand, when it was obeyed."
    )
    problem = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "campaign_id"], name="cancellation_once")]
        indexes = [
            models.Index(fields=["next_try_at"], condition=models.Q(state="waiting"), name="cancellation_due")
        ]
