"""Jobs as people look at them: the newest first, and how far the rows of one are."""

from collections import defaultdict

from tandem.messenger.contacts import service as contacts
from tandem.messenger.jobs.domain import JobState, JobView, Progress
from tandem.messenger.jobs.models import Job, JobEntry, JobUpload
from tandem.messenger.jobs.service.declare import view_of


def list_jobs(account_id: int, *, limit: int = 50, offset: int = 0) -> tuple[JobView, ...]:
    """Jobs with all that was said of them."""
    rows = Job.objects.filter(account_id=account_id).order_by("-id")[offset : offset + limit]
    said = defaultdict(list)
    for entry in JobEntry.objects.filter(account_id=account_id, job__in=[row.pk for row in rows]).order_by(
        "id"
    ):
        said[entry.job_id].append(entry)
    return tuple(view_of(row, said[row.pk]) for row in rows)


def progress(account_id: int, job: JobView) -> Progress | None:
    """How many rows of its file are contacts by now; None before the file is here and when the job is over."""
    if job.state is not JobState.UPLOADED:
        return None
    upload = JobUpload.objects.filter(account_id=account_id, job_id=job.id).first()
    if upload is None:
        return None
    batch = contacts.get_batch(account_id, upload.batch_id)
    return Progress(read=batch.processed, rows=batch.total)
