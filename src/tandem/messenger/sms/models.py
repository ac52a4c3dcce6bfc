"""Messages that came in, and automatic answers."""

from django.db import models

from tandem.messenger.accounts.models import Account
from tandem.messenger.sms.domain import AnswerState


class IncomingSms(models.Model):
    """A message that a person sent us."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    call_back = models.BigIntegerField(help_text="The call-back it came by.")
    number = models.CharField(max_length=40)
    number_key = models.CharField(max_length=32)
    to = models.CharField(max_length=40, blank=True)
    text = models.TextField()
    keyword = models.CharField(max_length=8, blank=True)
    came_at = models.DateTimeField()
    acted = models.CharField(max_length=16, blank=True)
    acted_by = models.CharField(max_length=200, blank=True)
    acted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "call_back"], name="incoming_sms_once")]
        indexes = [
            models.Index(fields=["account", "-id"], name="incoming_sms_newest"),
            models.Index(fields=["account", "number_key"], name="incoming_sms_of"),
            models.Index(
                fields=["account", "-id"],
                condition=models.Q(keyword="", acted=""),
                name="incoming_sms_unread",
            ),
        ]


class SmsAnswer(models.Model):
    """The one answer of a kind to a number on a day; its own small ledger: made, intended, settled."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    number_key = models.CharField(max_length=32)
    keyword = models.CharField(max_length=8)
    day = models.DateField(help_text="In the account's zone.")
    number = models.CharField(max_length=40)
    sender = models.CharField(max_length=40, blank=True)
    text = models.TextField()
    state = models.CharField(max_length=12, default=AnswerState.WAITING.value)
    detail = models.CharField(max_length=200, blank=True)
    tries = models.SmallIntegerField(default=0)
    made_at = models.DateTimeField()
    next_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "number_key", "keyword", "day"], name="sms_answer_once"
            )
        ]
        indexes = [
            models.Index(fields=["next_at"], condition=models.Q(next_at__isnull=False), name="sms_answer_due")
        ]
