"""Limits as people set them and as providers ask for them, their buckets, warming senders, mail domains."""

from django.db import models

from tandem.messenger.accounts.models import Account


class Limit(models.Model):
    """What a sender may send, to everybody (provider 0) or to one mailbox provider."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    sender = models.CharField(max_length=253, blank=True, default="", help_text="Empty = every sender.")
    provider = models.SmallIntegerField(default=0)
    per_second = models.FloatField(null=True)
    per_day = models.IntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "sender", "provider"], name="limit_once"),
            models.CheckConstraint(
                condition=models.Q(per_second__gt=0) | models.Q(per_day__gt=0), name="limit_limits"
            ),
        ]


class WarmUp(models.Model):
    """A sender nobody knows yet, sent with in growing numbers from a day on."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    sender = models.CharField(max_length=253)
    schedule = models.CharField(max_length=12)
    started = models.DateField(help_text="In the account's zone.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "sender"], name="warm_up_once")]


class Bucket(models.Model):
    """Tokens of one limit; drawn in the transaction that commits the intents, whichever process that is."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    scope = models.CharField(max_length=260, help_text="A sender, or a sending as `sending:<id>`.")
    provider = models.SmallIntegerField(default=0)
    tokens = models.FloatField()
    at = models.DateTimeField()
    day = models.DateField()
    used = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "scope", "provider"], name="bucket_once")]


class Slowed(models.Model):
    """A provider has said that too much comes from a sender: until then it gets no more than this."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    sender = models.CharField(max_length=253)
    provider = models.SmallIntegerField()
    per_second = models.FloatField()
    heard_at = models.DateTimeField(help_text="Machine time.")
    until = models.DateTimeField(help_text="Machine time.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "sender", "provider"], name="slowed_once")]


class PauseRule(models.Model):
    """When sendings of an account pause by themselves; no row = the defaults."""

    account = models.OneToOneField(Account, models.CASCADE, primary_key=True, related_name="+")
    bounces = models.FloatField()
    complaints = models.FloatField()
    errors = models.FloatField()
    least = models.IntegerField()


class MailDomain(models.Model):
    """Whose mailboxes a domain's are; a fact of the world, the same for all accounts."""

    domain = models.CharField(max_length=253, primary_key=True)
    provider = models.SmallIntegerField()
    looked_up_at = models.DateTimeField(null=True, help_text="Empty = known without a question.")
