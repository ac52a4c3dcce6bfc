"""Events after hand-over, what is derived from them, and the short table that tells machines from people."""

from django.db import models

from tandem.messenger.accounts.models import Account
from tandem.messenger.delivery.models import Attempt, Sending


class Event(models.Model):
    """One thing that happened to a message. Only added to; of a row no more than `actor` ever changes, within a day.

    Rows of one sending lie side by side along the unique key, so old ones are deleted in ranges.
    """

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    attempt = models.ForeignKey(
        Attempt, models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    sending = models.ForeignKey(
        Sending, models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    template_id = models.BigIntegerField()
    at = models.DateTimeField(help_text="Business time.")
    link = models.IntegerField(default=0)
    kind = models.SmallIntegerField()
    actor = models.SmallIntegerField(default=0)
    source = models.CharField(max_length=100)
    detail = models.CharField(max_length=500, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "attempt", "kind", "source"], name="event_once")
        ]
        indexes = [models.Index(fields=["account", "sending", "kind"], name="event_of_sending")]


class FirstReaction(models.Model):
    """When a person first opened and first clicked one message."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    attempt = models.ForeignKey(
        Attempt, models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    sending = models.ForeignKey(
        Sending, models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    template_id = models.BigIntegerField()
    opened_at = models.DateTimeField(help_text="Business time; a click is an opening too.")
    clicked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "attempt"], name="first_reaction_once")]
        indexes = [
            models.Index(
                fields=["account", "sending"],
                include=["template_id", "opened_at", "clicked_at"],
                name="first_reactions",
            )
        ]


class HourCount(models.Model):
    """Events of an hour, by template, kind, actor and link."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    sending = models.ForeignKey(
        Sending, models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    template_id = models.BigIntegerField()
    kind = models.SmallIntegerField()
    actor = models.SmallIntegerField()
    link = models.IntegerField()
    hour = models.DateTimeField()
    number = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "sending", "template_id", "kind", "actor", "link", "hour"],
                name="hour_count_once",
            )
        ]


class Responding(models.Model):
    """A template of a sending of which something came back; since when, and when it was last looked at."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    sending = models.ForeignKey(
        Sending, models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    template_id = models.BigIntegerField()
    changed_at = models.DateTimeField(help_text="Machine time.")
    looked_at = models.DateTimeField(null=True, help_text="Machine time.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "sending", "template_id"], name="responding_once")
        ]
        indexes = [
            models.Index(
                fields=["changed_at"],
                condition=models.Q(looked_at=None) | models.Q(looked_at__lt=models.F("changed_at")),
                name="responding_due",
            )
        ]


class CountedResponse(models.Model):
    """What a large sending's events came to when they were last counted, so that its page need not."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    sending = models.ForeignKey(
        Sending, models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    at = models.DateTimeField(help_text="Machine time.")
    next_at = models.DateTimeField(help_text="Machine time; not again before.")
    tallies = models.JSONField(help_text="[template, opened, clicked] each.")
    recipients = models.JSONField(help_text="[template, link, recipients who clicked it] each.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "sending"], name="counted_response_once")]


class Seen(models.Model):
    """Address and browser of an opening or a click. Nothing is kept here for a day; nowhere else at all."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    attempt = models.ForeignKey(
        Attempt, models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    kind = models.SmallIntegerField()
    source = models.CharField(max_length=100)
    link = models.IntegerField()
    at = models.DateTimeField(help_text="Business time.")
    kept_since = models.DateTimeField(help_text="Machine time.")
    ip = models.CharField(max_length=45)
    agent = models.CharField(max_length=300)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "attempt", "kind", "source"], name="seen_once")
        ]
        indexes = [models.Index(fields=["kept_since"], name="seen_age")]
