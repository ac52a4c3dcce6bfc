"""Addresses that tests may go to, and the record of what was sent to them. No row of a ledger, no number."""

from django.db import models

from tandem.messenger.accounts.models import Account


class AllowedAddress(models.Model):
    """An address or number of the account's own people; tests go to it once its code was given back."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    channel = models.CharField(max_length=5)
    address = models.CharField(max_length=254)
    key = models.CharField(max_length=32, help_text="Keyed hash of the address.")
    code_hash = models.CharField(max_length=64, blank=True)
    code_at = models.DateTimeField(null=True)
    tries = models.SmallIntegerField(default=0)
    verified_at = models.DateTimeField(null=True)
    added_by = models.CharField(max_length=200)
    added_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "channel", "key"], name="allowed_address_once")
        ]


class SentTest(models.Model):
    """One test message or code: who, when, to whom as a keyed hash, what the provider said.

    The database refuses a test whose address is not verified; the row is committed before anything leaves.
    """

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    run = models.CharField(max_length=100, help_text="The key it was asked for under.")
    kind = models.CharField(max_length=4, help_text="test or code")
    channel = models.CharField(max_length=5)
    key = models.CharField(max_length=32, help_text="Keyed hash of the address.")
    customer_key = models.CharField(max_length=32, blank=True)
    trigger_id = models.BigIntegerField(null=True)
    version_id = models.BigIntegerField(null=True)
    digest = models.CharField(max_length=64, blank=True)
    fate = models.CharField(max_length=16)
    answer = models.CharField(max_length=300, blank=True)
    note = models.CharField(max_length=80, blank=True)
    actor = models.CharField(max_length=200)
    at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "run", "key"], name="sent_test_once")]
        indexes = [
            models.Index(fields=["account", "-at"], name="sent_test_age"),
            models.Index(fields=["account", "customer_key"], name="sent_test_customer"),
        ]
