"""Generation jobs, their one upload, what is said of them."""

from django.db import models

from tandem.messenger.accounts.models import Account
from tandem.messenger.contacts.models import ContactList
from tandem.messenger.jobs.domain import JobKind, JobState, Severity


class Job(models.Model):
    """One message, frozen, to recipients that a file will name."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=[(k.value, k.value) for k in JobKind])
    trigger_id = models.BigIntegerField()
    version_id = models.BigIntegerField()
    channel = models.CharField(max_length=10)
    list = models.ForeignKey(ContactList, models.PROTECT, related_name="+")
    state = models.CharField(max_length=8, choices=[(s.value, s.value) for s in JobState])
    deliver_at = models.DateTimeField(
        null=True, help_text="Business time; empty = when the upload is complete."
    )
    sending_id = models.BigIntegerField(null=True)
    recipients = models.IntegerField(default=0)
    created_at = models.DateTimeField()


class JobUpload(models.Model):
    """The recipients of a job, once. The file lies under its key until the ledger has its rows."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    job = models.ForeignKey(Job, models.CASCADE, related_name="+")
    file_key = models.UUIDField()
    encoding = models.CharField(max_length=12)
    batch_id = models.BigIntegerField(help_text="The import of its rows.")
    due_at = models.DateTimeField(help_text="Business time.")
    uploaded_at = models.DateTimeField()
    cleared = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "job"], name="job_uploaded_once")]
        indexes = [
            models.Index(fields=["id"], condition=models.Q(cleared=False), name="job_upload_open"),
        ]


class JobEntry(models.Model):
    """One thing said of a job, in order."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    job = models.ForeignKey(Job, models.CASCADE, related_name="+")
    said = models.CharField(max_length=500)
    severity = models.CharField(max_length=20, choices=[(s.value, s.value) for s in Severity])
    detail = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["account", "job", "id"], name="job_entry_of_job")]
