"""The recipients of a job arrive: a file, once."""

import uuid
from collections.abc import Iterable
from contextlib import suppress

from django.db import IntegrityError, transaction

from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.files import Shape, encoding_named, opened
from tandem.messenger.contacts.storage import LARGEST_FILE, import_path, store
from tandem.messenger.jobs.domain import CONTENT_UPLOADED, JobState, JobView, Severity
from tandem.messenger.jobs.errors import UploadedBefore
from tandem.messenger.jobs.models import Job, JobUpload
from tandem.messenger.jobs.service.declare import get_job, job_row, say


def upload(
    account_id: int,
    job_id: int,
    body: Iterable[bytes],
    *,
    encoding: str = "UTF8",
    defer: bool = True,
    clock: Clock,
) -> JobView:
    """Take the tab-separated file of the job's recipients and queue the work.

    A file whose first line cannot be read is refused, and the job waits for another. One that was taken is the only
    one: raises UploadedBefore for every other, also for one that is being read at the same time.
    """
    job = job_row(account_id, job_id)
    if job.state != JobState.WAITING:
        raise _uploaded_before(job_id)
    shape = Shape(encoding=encoding_named(encoding))
    key = uuid.uuid4()
    path = import_path(account_id, str(key))
    taken = False
    try:
        store(path, body, most=LARGEST_FILE)
        with opened(account_id, path, shape):
            failpoint("jobs.stored")
        with suppress(IntegrityError), transaction.atomic():
            _take(job, key, shape.encoding, defer, clock)
            taken = True
    finally:
        if not taken:
            path.unlink(missing_ok=True)
    if not taken:
        raise _uploaded_before(job_id)
    failpoint("jobs.uploaded")
    return get_job(account_id, job_id)


def _take(job: Job, key: uuid.UUID, encoding: str, defer: bool, clock: Clock) -> None:
    """The upload, the import of its rows and the wake-up call, all or none."""
    account_id = job.account_id
    batch_id = contacts.queue_kept(account_id, job.list_id, key, encoding=encoding, clock=clock)
    JobUpload.objects.create(
        account_id=account_id,
        job=job,
        file_key=key,
        encoding=encoding,
        batch_id=batch_id,
        due_at=job.deliver_at or clock.business(),
        uploaded_at=clock.system(),
    )
    Job.objects.filter(account_id=account_id, pk=job.pk).update(state=JobState.UPLOADED)
    say(job, [(CONTENT_UPLOADED, Severity.INFO, "")], clock)
    if defer:
        from tandem.messenger.jobs.tasks import run

        run.defer(account_id=account_id, job_id=job.pk)


def _uploaded_before(job_id: int) -> UploadedBefore:
    return UploadedBefore(
        f"Job {job_id} has its recipients; nothing of this upload was taken.",
        "Make a new job for other recipients.",
    )
