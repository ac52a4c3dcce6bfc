"""Generation jobs: the list, one job with what was said of it and its numbers."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from tandem.kit.web import is_fragment
from tandem.messenger.contacts import service as contacts
from tandem.messenger.delivery import service as delivery
from tandem.messenger.jobs import service
from tandem.messenger.jobs.domain import (
    CONTENT_UPLOADED,
    DONE,
    FAILED,
    GENERATION_STARTED,
    WAITING_FOR_CONTENT,
    Entry,
    JobState,
    JobView,
)
from tandem.messenger.projects import service as projects
from tandem.messenger.web.pages import PAGE, account_id, number, page, slice_of

#: state of a job -> what it means
MEANINGS = {
    JobState.WAITING: _("It waits for its recipients. Nothing is sent."),
    JobState.UPLOADED: _("Its recipients are being read. Their messages are made when all of them are."),
    JobState.DONE: _("Its messages are in the ledger and leave at their time."),
    JobState.ERROR: _("Nobody is sent anything. Make a new job."),
}
#: word of the wire -> the same for a person
WORDS = {
    WAITING_FOR_CONTENT: _("The job was made and waits for its recipients."),
    CONTENT_UPLOADED: _("The file of recipients has arrived."),
    GENERATION_STARTED: _("The messages are made."),
    DONE: _("Done."),
    FAILED: _("It failed."),
}
COUNTED = ("WARNING", "ERROR")


@require_GET
@page
def jobs(request: HttpRequest) -> HttpResponse:
    """All jobs, newest first."""
    account = account_id(request)
    offset = number(request.GET.get("from"))
    names = {one.id: one for one in projects.list_triggers(account)}
    found = service.list_jobs(account, limit=PAGE + 1, offset=offset)
    rows = [(one, names.get(one.trigger_id), _warnings(one)) for one in found]
    return render(request, "jobs/list.html", {"page": slice_of(rows, offset)})


@require_GET
@page
def job(request: HttpRequest, job_id: int) -> HttpResponse:
    """One job: how far it is, what was said of it, whom it was for; its sending once there is one."""
    account = account_id(request)
    found = service.get_job(account, job_id)
    context = {
        "job": found,
        "trigger": projects.get_trigger(account, found.trigger_id),
        "list": contacts.get_list(account, found.list_id),
        "meaning": MEANINGS[found.state],
        "progress": service.progress(account, found),
        "entries": [(one, _said(one)) for one in found.entries],
        "sending": delivery.get_sending(account, found.sending_id) if found.sending_id else None,
        "moves": found.state in (JobState.WAITING, JobState.UPLOADED),
    }
    return render(request, "jobs/_live.html" if is_fragment(request) else "jobs/one.html", context)


def _said(entry: Entry) -> Any:
    return WORDS.get(entry.said, entry.said)


def _warnings(job: JobView) -> int:
    return sum(one.severity.value.endswith(COUNTED) for one in job.entries)
