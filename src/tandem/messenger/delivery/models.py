"""The attempt ledger: sendings, their blocks and rows, and the processes that send."""

from django.db import models

from tandem.messenger.accounts.models import Account
from tandem.messenger.delivery.domain import BLOCK_ROWS, LARGE_ROWS, AttemptState, Channel, SendingState


class DeliverySettings(models.Model):
    """What an account has decided about sending; no row means the defaults."""

    account = models.OneToOneField(Account, models.CASCADE, primary_key=True, related_name="+")
    held = models.BooleanField(default=False, help_text="The kill switch of the account.")
    policy = models.CharField(
        max_length=10, default="hold", db_default="hold", help_text="Of new email sendings: hold or resend."
    )
    policy_by = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="Who chose the policy."
    )


class Sender(models.Model):
    """One sender process; its id is the fence of everything it claims."""

    host = models.CharField(max_length=200)
    pid = models.IntegerField()
    boot_id = models.CharField(max_length=64)
    journal = models.CharField(max_length=500)
    started_at = models.DateTimeField()
    lease_until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    recovered = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["recovered"], condition=models.Q(recovered=False), name="sender_open")
        ]


class Sending(models.Model):
    """One list to one channel: an executed campaign, a job, a trigger message, a real-time event."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    source_key = models.CharField(max_length=100)
    kind = models.CharField(max_length=20, default="campaign")
    name = models.CharField(max_length=200, blank=True)
    channel = models.CharField(max_length=10, choices=[(c.value, c.value) for c in Channel])
    campaign_id = models.BigIntegerField(null=True, help_text="The planner's CampaignID.")
    channel_id = models.BigIntegerField(null=True)
    campaign_key = models.CharField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
        help_text="The campaignID of a real-time event.",
    )
    values = models.JSONField(
        null=True, help_text="What templates may name besides the contact's own values."
    )
    due_at = models.DateTimeField(help_text="Business time, the first template's.")
    cut_off = models.DurationField(help_text="How late a row may still be sent.")
    state = models.CharField(max_length=12, choices=[(s.value, s.value) for s in SendingState])
    policy = models.CharField(max_length=10, default="hold")
    policy_by = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="Who chose the policy."
    )
    rate_per_second = models.FloatField(null=True, help_text="Its own limit of pace; none = no limit.")
    paused_because = models.CharField(
        max_length=300, blank=True, default="", db_default="", help_text="Why it paused by itself."
    )
    retries = models.SmallIntegerField(
        default=0, db_default=0, help_text="How often its failed rows were taken up again after its end."
    )
    untold = models.BooleanField(
        default=False, db_default=False, help_text="Its settled numbers changed after they were told."
    )
    overruled = models.BooleanField(
        default=False, db_default=False, help_text="A person let it go on after a pause."
    )
    brakes = models.JSONField(
        null=True,
        help_text="By rule: the share in percent at which it last paused by itself; the next is higher.",
    )
    gate_id = models.BigIntegerField(null=True, help_text="The Send Gate that is asked before it leaves.")
    gate_held = models.BooleanField(
        default=False, db_default=False, help_text="No sender may claim its rows until the gate is open."
    )
    expected = models.IntegerField()
    list_hash = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    totals = models.JSONField(null=True, help_text="Settled numbers, written when the sending ends.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "source_key"], name="sending_once"),
            models.UniqueConstraint(fields=["account", "id"], name="sending_of_account"),
            models.CheckConstraint(
                condition=models.Q(policy="hold") | models.Q(policy="resend", channel="email"),
                name="sending_policy_of_channel",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-due_at"]),
            models.Index(
                fields=["account"], condition=models.Q(finished_at__isnull=True), name="sending_open"
            ),
            models.Index(fields=["account", "id"], condition=models.Q(gate_held=True), name="sending_held"),
            models.Index(
                fields=["account", "id"], condition=models.Q(expected__gt=LARGE_ROWS), name="sending_large"
            ),
            models.Index(fields=["account", "id"], condition=models.Q(untold=True), name="sending_untold"),
            models.Index(
                fields=["account", "id"],
                condition=models.Q(totals__contains=[{"state": AttemptState.UNCERTAIN.value}]),
                name="sending_uncertain",
            ),
        ]

    @property
    def of_planner(self) -> bool:
        """Whether a planner is told of it."""
        return self.campaign_id is not None or bool(self.campaign_key)


class SendingTemplate(models.Model):
    """A template of a sending with the version frozen when the list was taken."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    sending = models.ForeignKey(Sending, models.CASCADE, related_name="+")
    template_id = models.BigIntegerField()
    version_id = models.BigIntegerField()
    list_id = models.BigIntegerField()
    due_at = models.DateTimeField()
    ignore_opt_out = models.BooleanField(
        default=False, db_default=False, help_text="Sent to unsubscribed contacts too."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "sending", "template_id"], name="sending_template_once"
            )
        ]
        indexes = [
            models.Index(fields=["account", "template_id", "-due_at", "-id"], name="sending_of_template"),
            models.Index(fields=["account", "list_id", "-due_at", "-id"], name="sending_of_list"),
        ]


class VersionCount(models.Model):
    """Messages of a version in ended sendings. what: an AttemptState, or UNSUBSCRIBED."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    version_id = models.BigIntegerField()
    what = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "version_id", "what"], name="version_count_once")
        ]


class Block(models.Model):
    """A range of rows that one sender claims at a time; `fence` grows with every claim."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    sending = models.ForeignKey(Sending, models.CASCADE, related_name="+")
    first_seq = models.IntegerField()
    last_seq = models.IntegerField()
    next_at = models.DateTimeField(help_text="Business time of the earliest open row.")
    sender = models.ForeignKey(Sender, models.PROTECT, null=True, related_name="+")
    fence = models.BigIntegerField(default=0)
    done = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "sending", "first_seq"], name="block_once")]
        indexes = [
            models.Index(fields=["next_at"], condition=models.Q(done=False), name="block_due"),
            models.Index(fields=["sender"], condition=models.Q(done=False), name="block_held"),
            models.Index(
                models.F("first_seq") + models.F("fence") * BLOCK_ROWS,
                "next_at",
                "id",
                condition=models.Q(done=False, sender__isnull=True),
                name="block_in_turn",
            ),
        ]


class BlockNumbers(models.Model):
    """What a block at rest was counted to hold, of the claim that `fence` names; none if a row of it was uncertain."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    sending_id = models.BigIntegerField()
    first_seq = models.IntegerField()
    fence = models.BigIntegerField()
    numbers = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "sending_id", "first_seq"], name="block_numbers_once")
        ]


class Attempt(models.Model):
    """The one record of one customer of one sending, made before anything is sent.

    The database checks one key (account, sending), made in a migration: checked row by row, two cost twice as much.
    """

    account = models.ForeignKey(
        Account, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    sending = models.ForeignKey(
        Sending, models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    contact_id = models.BigIntegerField(null=True)
    template_id = models.BigIntegerField()
    seq = models.IntegerField()
    state = models.SmallIntegerField(choices=[(s.value, s.words) for s in AttemptState])
    tries = models.SmallIntegerField(default=0)
    customer = models.TextField()
    reason = models.TextField(default="", db_default="")
    detail = models.TextField(default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "customer", "sending"], name="attempt_once"),
            models.UniqueConstraint(fields=["account", "sending", "seq"], name="attempt_seq_once"),
        ]


class AddedValues(models.Model):
    """What a Send Gate added for one customer of a sending; templates name it as a message's own values."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    sending = models.ForeignKey(Sending, models.CASCADE, related_name="+", db_index=False)
    customer = models.TextField()
    values = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "sending", "customer"], name="added_values_once")
        ]


class CancelledCustomer(models.Model):
    """A customer whom the planner took off a campaign; known before its list is taken, and after."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    campaign_id = models.BigIntegerField(help_text="The planner's CampaignID.")
    customer = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "campaign_id", "customer"], name="cancelled_customer_once"
            )
        ]
        indexes = [models.Index(fields=["account", "customer"], name="cancelled_customer")]


class DkimKey(models.Model):
    """A key that signs an account's mail; the secret is sealed."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    domain = models.CharField(max_length=253)
    selector = models.CharField(max_length=63)
    algorithm = models.CharField(max_length=10)
    state = models.CharField(max_length=10)
    secret = models.TextField()
    record = models.TextField(help_text="The public half, as it is published in DNS.")
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "domain", "selector"], name="dkim_key_name"),
            models.UniqueConstraint(
                fields=["account", "domain", "algorithm"],
                condition=models.Q(state="active"),
                name="dkim_key_active",
            ),
        ]
