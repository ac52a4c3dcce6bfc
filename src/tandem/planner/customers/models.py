"""People, the files they came in, snapshots, the copy of consent, and who asked to be forgotten."""

from django.db import models

from tandem.planner.accounts.models import Account


class Customer(models.Model):
    """The map from the customer's id to the surrogate that files use, with all that names the person."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    customer_id = models.CharField(max_length=200)
    identity = models.JSONField(default=dict)
    forgotten = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "customer_id"], name="customer_once")]


class FileImport(models.Model):
    """A finished import; `data_file` is its Parquet in the account's storage."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    what = models.CharField(max_length=10)
    file_name = models.CharField(max_length=300)
    sha256 = models.CharField(max_length=64)
    mapping = models.TextField()
    data_file = models.CharField(max_length=200)
    error_file = models.CharField(max_length=200, blank=True)
    report = models.JSONField(default=dict)
    finished_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "what", "sha256"], name="import_once")]


class ProfileAttribute(models.Model):
    """An attribute that came with a file, or was added by a program; its kind stays as first seen.

    declared: the type it was added with, empty for a file's; default: what customers without a value have;
    purpose: what it may be used for (`purposes.Purpose`).
    """

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    name = models.CharField(max_length=60)
    label = models.CharField(max_length=200)
    kind = models.CharField(max_length=10)
    declared = models.CharField(max_length=30, blank=True, default="")
    default = models.TextField(null=True)
    purpose = models.CharField(max_length=10, default="models")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="profile_attribute_once")]


class OrderPurpose(models.Model):
    """What a column of the orders may be used for, where somebody said so; else it serves models."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    name = models.CharField(max_length=60)
    purpose = models.CharField(max_length=10)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="order_purpose_once")]


class AttributeValue(models.Model):
    """A value that a program wrote, until a later file gives another; value None takes an earlier one away."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+")
    attribute = models.ForeignKey(ProfileAttribute, models.CASCADE, related_name="+")
    value = models.TextField(null=True)
    written_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "customer", "attribute"], name="attribute_value_once")
        ]


class CallBack(models.Model):
    """What came of a request, still to be posted to a sealed address."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    url = models.TextField()
    body = models.JSONField()
    attempts = models.IntegerField(default=0)
    next_at = models.DateTimeField(db_index=True, help_text="System time of the next attempt.")


class Snapshot(models.Model):
    """A published snapshot; this row is what makes it visible."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    as_of = models.DateField()
    published_at = models.DateTimeField()
    parquet = models.CharField(max_length=200)
    cache = models.CharField(max_length=200)
    customers = models.BigIntegerField()
    catalogue = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["account", "-as_of", "-id"])]


class Consent(models.Model):
    """A dated copy of one contact's addresses and consent; the messenger owns the truth."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    channel_account_id = models.BigIntegerField()
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+")
    has_email = models.BooleanField()
    email_consent = models.BooleanField()
    has_mobile = models.BooleanField()
    sms_consent = models.BooleanField()
    read_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "channel_account_id", "customer"], name="consent_once")
        ]


class ChannelPreference(models.Model):
    """What a program said of a customer and a channel: a layer over the copy of consent, the stricter of both counts.

    It stays when the copy is read again.
    """

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    channel_account_id = models.BigIntegerField()
    kind = models.CharField(max_length=10)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+")
    app_id = models.CharField(max_length=100, blank=True)
    mode = models.IntegerField(help_text="As it was sent.")
    blocked = models.BooleanField()
    at = models.DateTimeField(help_text="Business time.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "channel_account_id", "kind", "customer", "app_id"],
                name="channel_preference_once",
            )
        ]


class ProfilingObjection(models.Model):
    """That a person objected to being profiled; the row stays when the person later wishes otherwise."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+")
    at = models.DateTimeField()
    by = models.CharField(max_length=200, help_text="Who wrote it down.")
    how = models.CharField(max_length=200, help_text="How the person said it.")
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.CharField(max_length=200, blank=True, default="")
    lifted_how = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "customer"],
                condition=models.Q(lifted_at=None),
                name="profiling_objection_once",
            )
        ]


class ConsentRead(models.Model):
    """When a channel account's contacts were last read."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    channel_account_id = models.BigIntegerField()
    read_at = models.DateTimeField()
    full_at = models.DateTimeField(null=True)
    contacts = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "channel_account_id"], name="consent_read_once")
        ]


class Forgotten(models.Model):
    """The keyed hash of an id that must not come back with a later file."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    keyed_hash = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "keyed_hash"], name="forgotten_once")]


class ForgetKey(models.Model):
    """The account's key of those hashes, sealed."""

    account = models.OneToOneField(Account, models.PROTECT, related_name="+")
    sealed = models.TextField()
