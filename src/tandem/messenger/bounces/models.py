"""Mail that was taken in, what came back of messages, how far the ledger was looked through for refusals."""

from django.db import models

from tandem.messenger.accounts.models import Account
from tandem.messenger.bounces.answers import Forward
from tandem.messenger.bounces.domain import Kind, MailState


class InboundMail(models.Model):
    """A mail that was taken. It comes before anyone knows whose it is, so its digest is unique over all accounts."""

    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    digest = models.CharField(max_length=64, unique=True, help_text="Of recipient and content.")
    recipient = models.CharField(max_length=320, help_text="One of our own addresses.")
    null_sender = models.BooleanField(default=False)
    source = models.CharField(max_length=10, help_text="smtp, lmtp or maildir")
    size = models.IntegerField()
    arrived_at = models.DateTimeField(help_text="Machine time.")
    state = models.CharField(
        max_length=12, default=MailState.WAITING, choices=[(s.value, s.value) for s in MailState]
    )
    tries = models.SmallIntegerField(default=0)
    why = models.CharField(max_length=300, blank=True, default="")
    kept = models.BooleanField(default=True, help_text="Its content lies in the spool.")
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"], condition=models.Q(state=MailState.WAITING.value), name="inbound_waiting"
            ),
            models.Index(fields=["arrived_at"], name="inbound_age"),
            models.Index(
                fields=["account", "-id"],
                condition=models.Q(state=MailState.QUARANTINED.value),
                name="inbound_quarantined",
            ),
        ]


class Bounce(models.Model):
    """What came back of one message, of each kind the first. No address is kept, only the recipient's domain."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    sending_id = models.BigIntegerField()
    attempt_id = models.BigIntegerField()
    template_id = models.BigIntegerField()
    contact_id = models.BigIntegerField(null=True)
    customer = models.TextField()
    kind = models.CharField(max_length=16, choices=[(k.value, k.value) for k in Kind])
    category = models.CharField(max_length=20, blank=True, default="")
    status = models.CharField(max_length=12, blank=True, default="")
    diagnosis = models.CharField(max_length=300, blank=True, default="")
    mta = models.CharField(max_length=200, blank=True, default="")
    remote_mta = models.CharField(max_length=200, blank=True, default="")
    domain = models.CharField(max_length=255, blank=True, default="")
    source = models.CharField(max_length=10, help_text="report, text, complaint, mail or refusal")
    at = models.DateTimeField(help_text="Business time.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "attempt_id", "kind"], name="bounce_once")]
        indexes = [
            models.Index(fields=["account", "contact_id", "-attempt_id"], name="bounce_of_contact"),
            models.Index(fields=["account", "sending_id", "kind"], name="bounce_of_sending"),
            models.Index(fields=["account", "at"], name="bounce_at"),
            models.Index(fields=["account", "customer"], name="bounce_of_customer"),
        ]


class RefusalMark(models.Model):
    """A finished block of a sending whose refusals were taken up, and the claim that had finished it."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    sending_id = models.BigIntegerField()
    first_seq = models.IntegerField()
    fence = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "sending_id", "first_seq"], name="refusal_mark_once")
        ]


class Reply(models.Model):
    """A mail by a person, to the address of a message of ours. What it says lies in the spool, as long as its mail."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    mail = models.ForeignKey(InboundMail, models.CASCADE, related_name="+")
    sending_id = models.BigIntegerField()
    attempt_id = models.BigIntegerField()
    template_id = models.BigIntegerField()
    customer = models.TextField()
    asks_to_stop = models.BooleanField(default=False)
    forward = models.CharField(max_length=10, choices=[(f.value, f.value) for f in Forward])
    why = models.CharField(max_length=300, blank=True, default="")
    tries = models.SmallIntegerField(default=0)
    next_at = models.DateTimeField(help_text="Machine time: of the next try, or of the last.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "mail"], name="reply_once")]
        indexes = [
            models.Index(fields=["account", "attempt_id"], name="reply_of_message"),
            models.Index(fields=["account", "customer"], name="reply_of_customer"),
            models.Index(
                fields=["next_at"], condition=models.Q(forward=Forward.WAITING.value), name="reply_due"
            ),
        ]


class ReplyTo(models.Model):
    """To whom replies are passed on: those to messages of one From address, or '' to all others."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    sender = models.CharField(max_length=254, blank=True, default="")
    address = models.CharField(max_length=254)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "sender"], name="reply_to_once")]
