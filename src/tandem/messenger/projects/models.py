"""Projects, their triggers, the triggers' versions."""

from django.db import models
from django.db.models.functions import Lower

from tandem.messenger.accounts.models import Account
from tandem.messenger.contacts.models import ContactList


class Project(models.Model):
    """A folder of sendouts and the sender they share."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    from_name = models.CharField(max_length=200, blank=True)
    from_address = models.CharField(max_length=254)
    reply_to = models.CharField(max_length=254, blank=True)
    sms_sender = models.CharField(max_length=16, blank=True)
    archived_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    modified_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="project_name_once")]


class Trigger(models.Model):
    """What the planner calls a template: one message in one project, for contacts of one list."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    project = models.ForeignKey(Project, models.PROTECT, related_name="+")
    list = models.ForeignKey(ContactList, models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    channel = models.CharField(max_length=5)
    ignore_opt_out = models.BooleanField(default=False)
    active_version = models.ForeignKey("TriggerVersion", models.PROTECT, null=True, related_name="+")
    archived_at = models.DateTimeField(null=True, help_text="Nothing new is sent by it while it is set.")
    created_at = models.DateTimeField()
    modified_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "project", "name"], name="trigger_name_once")
        ]


class TriggerVersion(models.Model):
    """One version of a trigger's content. Once activated it never changes; a database rule holds that too."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    trigger = models.ForeignKey(Trigger, models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    state = models.CharField(max_length=8, default="draft", help_text="draft, active, retired")
    source = models.JSONField()
    compiled = models.JSONField(null=True)
    warnings = models.JSONField(default=list)
    lacking = models.JSONField(
        null=True, help_text="At activation: contacts, and attribute -> contacts without it."
    )
    created_at = models.DateTimeField()
    modified_at = models.DateTimeField()
    activated_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "trigger", "name"], name="version_name_once")
        ]
        indexes = [models.Index(fields=["account", "trigger", "-id"], name="version_of_trigger")]


class VersionLink(models.Model):
    """A link of a version, written when it is activated for the first time."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    version = models.ForeignKey(TriggerVersion, models.PROTECT, related_name="+")
    number = models.IntegerField()
    name = models.CharField(max_length=200)
    target = models.TextField()
    tags = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "version", "number"], name="version_link_once")
        ]


class Snippet(models.Model):
    """A text of the account that templates put in by name; an activated version keeps what it was then."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    text = models.TextField()
    created_at = models.DateTimeField()
    modified_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(models.F("account"), Lower("name"), name="snippet_name_once")]
