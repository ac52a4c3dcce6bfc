"""From an uploaded file to the ledger: the rows become contacts, then one message each, in one transaction."""

import logging
import tempfile
from collections.abc import Iterator
from typing import IO

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.kit.problems import Problem
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.domain import BatchView
from tandem.messenger.contacts.errors import BadImport
from tandem.messenger.contacts.files import Shape, opened
from tandem.messenger.contacts.storage import import_path
from tandem.messenger.delivery import ledger
from tandem.messenger.delivery.domain import Channel, PlannedTemplate, SendingKind
from tandem.messenger.delivery.staging import StagedList
from tandem.messenger.engagement import service as engagement
from tandem.messenger.jobs import listed
from tandem.messenger.jobs.domain import DONE, FAILED, GENERATION_STARTED, JobState, Severity
from tandem.messenger.jobs.models import Job, JobUpload
from tandem.messenger.jobs.service.declare import say
from tandem.messenger.projects import service as projects

log = logging.getLogger("tandem.jobs")


def run_waiting(*, clock: Clock) -> int:
    """Go on with every job whose file is here; how many."""
    # all accounts: a worker goes on with every account's jobs
    waiting = list(JobUpload.objects.filter(cleared=False).order_by("id").values_list("account_id", "job_id"))
    for account_id, job_id in waiting:
        try:
            run_job(account_id, job_id, clock=clock)
        except Exception:
            log.exception("jobs.stopped job=%s", job_id)  # the others go on; this one is tried again
    return len(waiting)


def run_job(account_id: int, job_id: int, *, clock: Clock) -> None:
    """Import the rows, write the ledger, delete the file. May be stopped anywhere and run again, by several at once."""
    upload = JobUpload.objects.filter(account_id=account_id, job_id=job_id, cleared=False).first()
    if upload is None:
        return
    batch = contacts.run_batch(account_id, upload.batch_id, clock=clock)
    if batch.status not in ("FINISHED", "ERROR"):
        return  # somebody else runs it, and goes on
    failpoint("jobs.imported")
    with transaction.atomic():
        jobs = Job.objects.select_for_update(skip_locked=True)
        job = jobs.filter(account_id=account_id, pk=job_id).first()
        if job is None:
            return
        if job.state == JobState.UPLOADED:
            _finish(job, upload, batch, clock)
            failpoint("jobs.generated")
    failpoint("jobs.committed")
    import_path(account_id, str(upload.file_key)).unlink(missing_ok=True)
    JobUpload.objects.filter(account_id=account_id, pk=upload.pk).update(cleared=True)


def _finish(job: Job, upload: JobUpload, batch: BatchView, clock: Clock) -> None:
    """The job's end, in the caller's transaction: its messages, or why there are none."""
    said = [(GENERATION_STARTED, Severity.INFO, "")]
    try:
        if batch.status == "ERROR":
            raise BadImport(" ".join(batch.problems) or "The file cannot be read.", "Make a new job.")
        said += [(words, Severity.WARNING, "") for words in batch.problems]
        with transaction.atomic():
            said += _generate(job, upload, batch, clock)
        job.state = JobState.DONE
        said.append((DONE, Severity.INFO, ""))
    except (Problem, OSError) as wrong:
        log.warning("jobs.failed job=%s %s", job.pk, type(wrong).__name__)
        words = (
            f"{wrong} Nobody is sent anything." if isinstance(wrong, Problem) else "The file cannot be read."
        )
        job.state, job.sending_id, job.recipients = JobState.ERROR, None, 0
        said.append((FAILED, Severity.ERROR, words))
    job.save(update_fields=["state", "sending_id", "recipients"])
    say(job, said, clock)


def _generate(job: Job, upload: JobUpload, batch: BatchView, clock: Clock) -> list[tuple[str, Severity, str]]:
    """Write the sending; the warnings."""
    path = import_path(job.account_id, str(upload.file_key))
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n") as spool:
        with opened(job.account_id, path, Shape(encoding=upload.encoding)) as (reader, lines):
            found = listed.spool(job.account_id, reader.ids(lines), spool)
        if not found.recipients:
            raise BadImport("The file names no customer that can be sent to.", "Make a new job.")
        failpoint("jobs.read")
        with StagedList() as staged:
            staged.add(_rows(spool, job.trigger_id))
            engagement.engaged_first(job.account_id, staged, [job.trigger_id], clock=clock)
            job.sending_id = _open(job, upload, staged, clock)
    job.recipients = found.recipients
    made = listed.made_by(job.account_id, job.list_id, job.sending_id, batch)
    return [(words, Severity.WARNING, "") for words in found.warnings(made)]


def _open(job: Job, upload: JobUpload, staged: StagedList, clock: Clock) -> int:
    return ledger.open_sending(
        job.account_id,
        source_key=f"job:{job.pk}",
        channel=Channel(job.channel),
        templates=[
            PlannedTemplate(
                template_id=job.trigger_id,
                version_id=job.version_id,
                list_id=job.list_id,
                due_at=upload.due_at,
                ignore_opt_out=projects.get_trigger(job.account_id, job.trigger_id).ignore_opt_out,
            )
        ],
        rows=staged,
        clock=clock,
        kind=SendingKind.JOB.value,
        name=f"Job {job.pk}",
    )


def _rows(spool: IO[str], trigger_id: int) -> Iterator[tuple[str, int]]:
    spool.seek(0)
    for line in spool:
        yield line.rstrip("\n"), trigger_id
