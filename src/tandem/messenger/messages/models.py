"""Keys under which programs asked for messages, so that asking twice sends once."""

from django.db import models

from tandem.messenger.accounts.models import Account


class MessageKey(models.Model):
    """One call with a key, and what it was answered; kept for a day. digest: keyed, of what was asked."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    message_id = models.BigIntegerField()
    words = models.CharField(max_length=500)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "key"], name="message_key_once")]
        indexes = [models.Index(fields=["account", "at"], name="message_key_age")]
