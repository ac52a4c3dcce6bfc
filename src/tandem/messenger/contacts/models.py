"""Lists, attributes, contacts, consent events, suppressions, imports."""

import builtins

from django.db import models
from django.db.models.functions import Lower

from tandem.messenger.accounts.models import Account


class ContactList(models.Model):
    """A list (database): unsubscribes belong to it, and the same customer in two lists is two contacts."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    type_id = models.SmallIntegerField(default=1, help_text="1 normal, 2 test.")
    created_at = models.DateTimeField()
    modified_at = models.DateTimeField()
    last_import_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="list_name_once"),
            models.UniqueConstraint(fields=["account", "id"], name="list_of_account"),
        ]


class Property(models.Model):
    """A recipient attribute of the account beside the built-in ones."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    data_type = models.CharField(max_length=10, default="STRING")
    created_at = models.DateTimeField()
    modified_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(models.F("account"), Lower("name"), name="property_name_once")]


class Contact(models.Model):
    """One customer in one list. The keys are keyed hashes that suppressions are compared with.

    One key in the database, `contact_of_list`, holds it to its list and the list's account together.
    """

    account = models.ForeignKey(
        Account, models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    list = models.ForeignKey(
        ContactList, models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    original_id = models.TextField()
    email = models.TextField(blank=True, default="")
    mobile = models.TextField(blank=True, default="")
    mobile_valid = models.BooleanField(default=False)
    first_name = models.TextField(blank=True, default="")
    middle_name = models.TextField(blank=True, default="")
    last_name = models.TextField(blank=True, default="")
    title = models.TextField(blank=True, default="")
    date_of_birth = models.TextField(blank=True, default="", help_text="yyyy-MM-dd")
    city = models.TextField(blank=True, default="")
    zip_code = models.TextField(blank=True, default="")
    country = models.TextField(blank=True, default="")
    sex = models.TextField(blank=True, default="")
    properties = models.JSONField(default=dict, help_text="Attribute id as text -> text.")
    email_key = models.CharField(max_length=32, default="", blank=True)
    mobile_key = models.CharField(max_length=32, default="", blank=True)
    customer_key = models.CharField(max_length=32)
    unsubscribed = models.BooleanField(default=False)
    mobile_unsubscribed = models.BooleanField(default=False)
    audio_unsubscribed = models.BooleanField(default=False)
    bounced = models.BooleanField(default=False)
    mobile_bounced = models.BooleanField(default=False)
    opt_out_at = models.DateTimeField(null=True)
    opt_out_mobile_at = models.DateTimeField(null=True)
    opt_out_audio_at = models.DateTimeField(null=True)
    invalidated_at = models.DateTimeField(null=True)
    blocked_until = models.DateTimeField(null=True)
    content_version = models.SmallIntegerField(default=0)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    modified_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "list", "original_id"], name="contact_once"),
        ]
        indexes = [
            models.Index(fields=["account", "list", "id"], name="contact_page"),
            models.Index(fields=["account", "list", "email_key"], name="contact_email"),
            models.Index(fields=["account", "customer_key"], name="contact_customer"),
            models.Index(
                fields=["account", "list", "id"],
                condition=models.Q(unsubscribed=True) | models.Q(mobile_unsubscribed=True),
                name="contact_unsubscribed",
            ),
            models.Index(
                fields=["account", "list", "id"],
                condition=models.Q(bounced=True) | models.Q(mobile_bounced=True),
                name="contact_bounced",
            ),
        ]


class ConsentText(models.Model):
    """The exact words somebody saw when their consent changed. A row never changes; a database rule holds that too."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, help_text="unsubscribe, everything or subscribe")
    language = models.CharField(max_length=12)
    version = models.IntegerField()
    words = models.TextField()
    digest = models.CharField(max_length=64)
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "digest"], name="consent_words_once"),
            models.UniqueConstraint(
                fields=["account", "kind", "language", "version"], name="consent_version_once"
            ),
        ]


class ConsentEvent(models.Model):
    """One change of consent, kept as proof, also after the contact is forgotten (then only its key).

    Append only: a database rule refuses every change but the forgetting, which takes contact, page and remark away.
    """

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    list = models.ForeignKey(ContactList, models.PROTECT, related_name="+")
    contact = models.ForeignKey(Contact, models.SET_NULL, null=True, related_name="+")
    customer_key = models.CharField(max_length=32)
    channel = models.CharField(max_length=5)
    change = models.CharField(max_length=12)
    source = models.CharField(max_length=60)
    at = models.DateTimeField(help_text="Machine time.")
    business_at = models.DateTimeField(null=True)
    scope = models.CharField(max_length=8, default="list", db_default="list", help_text="list or account")
    door = models.CharField(max_length=12, default="", db_default="", blank=True)
    actor = models.CharField(max_length=150, default="", db_default="", blank=True)
    url = models.CharField(max_length=500, default="", db_default="", blank=True)
    language = models.CharField(max_length=12, default="", db_default="", blank=True)
    text = models.ForeignKey(ConsentText, models.PROTECT, null=True, related_name="+")
    sending_id = models.BigIntegerField(null=True)
    attempt_id = models.BigIntegerField(null=True)
    detail = models.CharField(max_length=500, default="", db_default="", blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["account", "contact", "-at"], name="consent_of_contact"),
            models.Index(fields=["account", "customer_key", "id"], name="consent_of_customer"),
        ]


class Suppression(models.Model):
    """An address or a customer that gets nothing, in one list or in the whole account."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    list = models.ForeignKey(ContactList, models.PROTECT, null=True, related_name="+")
    channel = models.CharField(max_length=5, help_text="email, sms or all")
    kind = models.CharField(max_length=8, help_text="address or customer")
    key = models.CharField(max_length=32)
    reason = models.CharField(max_length=60)
    origin = models.CharField(max_length=10, default="operator", db_default="operator")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "key", "channel", "list"], name="suppression_once", nulls_distinct=False
            )
        ]


class ImportBatch(models.Model):
    """One import: declared, uploaded, run, finished. The uploaded file lies on disk until the run ends."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    list = models.ForeignKey(ContactList, models.PROTECT, related_name="+")
    import_id = models.UUIDField()
    kind = models.CharField(max_length=12)
    delimiter = models.CharField(max_length=1)
    encoding = models.CharField(max_length=12)
    identity_column = models.CharField(max_length=100)
    quoted = models.BooleanField(default=False)
    status = models.CharField(max_length=12, default="DECLARED")
    kept = models.BooleanField(default=False, db_default=False, help_text="Its file is needed after it.")
    mapping = models.JSONField(
        null=True, help_text="Per column of the file: an attribute, empty, or +name to make it."
    )
    outcome = models.JSONField(null=True, help_text="What a dry run found.")
    most_inactive = models.IntegerField(null=True, help_text="REPLACE ends if it would make more inactive.")
    file_name = models.CharField(max_length=200, default="", db_default="", blank=True)
    actor = models.CharField(max_length=150, default="", db_default="", blank=True)
    door = models.CharField(max_length=12, default="import", db_default="import")
    total = models.IntegerField(default=0)
    processed = models.IntegerField(default=0)
    affected = models.IntegerField(default=0)
    problems = models.JSONField(default=builtins.list)
    declared_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "import_id"], name="import_once")]
        indexes = [models.Index(fields=["account", "list", "-id"], name="import_of_list")]


class CountingChoice(models.Model):
    """What is not counted of an account's, a list's or a contact's messages; without a row everything is."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    list = models.ForeignKey(ContactList, models.CASCADE, null=True, related_name="+")
    contact = models.ForeignKey(Contact, models.CASCADE, null=True, related_name="+")
    opens = models.BooleanField(default=True)
    clicks = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "list", "contact"], name="counting_choice_once", nulls_distinct=False
            )
        ]
