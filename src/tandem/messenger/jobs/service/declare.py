"""A job is declared: what will be sent, to whose list, when."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.messenger.contacts import service as contacts
from tandem.messenger.delivery.domain import LATE_CUT_OFF
from tandem.messenger.jobs.domain import (
    FARTHEST,
    WAITING_FOR_CONTENT,
    Entry,
    JobKind,
    JobState,
    JobView,
    Severity,
)
from tandem.messenger.jobs.errors import BadJob, UnknownJob
from tandem.messenger.jobs.models import Job, JobEntry
from tandem.messenger.projects import service as projects
from tandem.messenger.projects.domain import SendTarget, VersionState

NORMAL = 1


def create_job(
    account_id: int,
    kind: JobKind,
    named_id: int,
    *,
    list_id: int | None = None,
    deliver_at: datetime | None = None,
    clock: Clock,
) -> JobView:
    """A job that waits for its recipients; the version that will be sent is frozen now.

    named_id: a trigger, or a version that was activated, which needs a list. Raises UnknownTrigger, UnknownList,
    NotActive, BadJob.
    """
    target = (
        projects.send_target(account_id, named_id)
        if kind is JobKind.TRIGGER
        else _version(account_id, named_id, list_id)
    )
    if contacts.list_type(account_id, target.list_id) != NORMAL:
        raise BadJob(f"List {target.list_id} is a test list.", "A job needs a list of type 1, Normal.")
    if deliver_at is not None:
        _check_time(deliver_at, clock)
    with transaction.atomic():
        row = Job.objects.create(
            account_id=account_id,
            kind=kind,
            trigger_id=target.trigger_id,
            version_id=target.version_id,
            channel=target.channel,
            list_id=target.list_id,
            state=JobState.WAITING,
            deliver_at=deliver_at,
            created_at=clock.system(),
        )
        say(row, [(WAITING_FOR_CONTENT, Severity.INFO, "")], clock)
    return get_job(account_id, row.pk)


def get_job(account_id: int, job_id: int) -> JobView:
    """One job with all that was said of it. Raises UnknownJob."""
    row = job_row(account_id, job_id)
    return view_of(row, JobEntry.objects.filter(account_id=account_id, job=row).order_by("id"))


def job_row(account_id: int, job_id: int) -> Job:
    """The row, for verbs of this room."""
    row = Job.objects.filter(account_id=account_id, pk=job_id).first()
    if row is None:
        raise UnknownJob(f"There is no job {job_id}.", "Check its id.")
    return row


def say(job: Job, said: Iterable[tuple[str, Severity, str]], clock: Clock) -> None:
    """Append what is said: words, severity, detail."""
    JobEntry.objects.bulk_create(
        JobEntry(
            account_id=job.account_id,
            job=job,
            said=words[:500],
            severity=severity,
            detail=detail[:500],
            at=clock.system(),
        )
        for words, severity, detail in said
    )


def view_of(job: Job, entries: Iterable[JobEntry]) -> JobView:
    """What others see of the row. entries: all of it, in order."""
    return JobView(
        id=job.pk,
        kind=JobKind(job.kind),
        trigger_id=job.trigger_id,
        version_id=job.version_id,
        list_id=job.list_id,
        state=JobState(job.state),
        deliver_at=job.deliver_at,
        sending_id=job.sending_id,
        recipients=job.recipients,
        created_at=job.created_at,
        entries=tuple(
            Entry(said=row.said, severity=Severity(row.severity), at=row.at, detail=row.detail)
            for row in entries
        ),
    )


def _version(account_id: int, version_id: int, list_id: int | None) -> SendTarget:
    if list_id is None:
        raise BadJob("The job names no list.", "Give its listId.")
    version = projects.get_version(account_id, version_id)
    if version.state is VersionState.DRAFT:
        raise BadJob(f"Campaign {version_id} is a draft.", "Activate it first.")
    trigger = projects.get_trigger(account_id, version.trigger_id)
    return SendTarget(
        trigger_id=trigger.id,
        version_id=version_id,
        list_id=list_id,
        channel=trigger.channel,
        ignore_opt_out=trigger.ignore_opt_out,
    )


def _check_time(deliver_at: datetime, clock: Clock) -> None:
    now = clock.business()
    if deliver_at < now - LATE_CUT_OFF:
        raise BadJob("The deliveryTime has passed.", "Leave it out to send at once.")
    if deliver_at > now + FARTHEST:
        raise BadJob("The deliveryTime is more than a year away.", "Make the job nearer to its time.")
