"""A new project, a new trigger in it, other names for them, out of sight and back."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from tandem.kit.forms import TandemForm
from tandem.kit.problems import Problem
from tandem.messenger.contacts import service as contacts
from tandem.messenger.projects import service as projects
from tandem.messenger.web.pages import account_id, changes, note, now_clock, number, page, tell
from tandem.messenger.web.projects.snippets import ProjectForm

NORMAL = 1


class TriggerForm(TandemForm):
    """A trigger: what it is called, whom it is for, by which channel."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=200,
        help_text=gettext_lazy("The planner shows it as the name of the template."),
        error_messages={"required": gettext_lazy("Give the trigger a name.")},
    )
    channel = forms.ChoiceField(
        label=gettext_lazy("Channel"),
        choices=[("email", gettext_lazy("Email")), ("sms", gettext_lazy("SMS"))],
    )
    list_id = forms.ChoiceField(
        label=gettext_lazy("List"),
        help_text=gettext_lazy("Its contacts get the messages; the fields of a template are theirs."),
    )
    description = forms.CharField(label=gettext_lazy("Description"), required=False, max_length=2000)
    ignore_opt_out = forms.BooleanField(
        label=gettext_lazy("Reach people who unsubscribed too: receipts, not offers"), required=False
    )

    def __init__(self, data: Any, *, lists: Any) -> None:
        super().__init__(data)
        self.fields["list_id"].choices = [(one.id, one.name) for one in lists]  # type: ignore[attr-defined]


class NameForm(TandemForm):
    """Another name."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=200,
        error_messages={"required": gettext_lazy("Give the trigger a name.")},
    )
    description = forms.CharField(label=gettext_lazy("Description"), required=False, max_length=2000)


@require_http_methods(["GET", "POST"])
@page
@changes("content")
def new_project(request: HttpRequest) -> HttpResponse:
    """A new project; its first trigger is next."""
    form = ProjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = projects.create_project(account_id(request), **form.cleaned_data, clock=now_clock())
        except Problem as problem:
            form.problem(problem)
        else:
            note(request, "project made", made.name)
            messages.success(request, _("The project is made. Make its first trigger: an email or an SMS."))
            return redirect("project", made.id)
    words = _(
        "A project is a folder of emails and SMS that share a sender. The planner offers templates by project."
    )
    return _form(request, form, title=_("New project"), words=words, leave=reverse("projects"))


@require_http_methods(["GET", "POST"])
@page
@changes("content")
def new_trigger(request: HttpRequest, project_id: int) -> HttpResponse:
    """A new trigger; writing its first version is next."""
    account = account_id(request)
    project = projects.get_project(account, project_id)
    lists = [one for one in contacts.list_lists(account) if one.type_id == NORMAL]
    form = TriggerForm(request.POST or None, lists=lists)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data | {"list_id": number(form.cleaned_data["list_id"])}
        try:
            made = projects.create_trigger(account, project_id=project_id, **data, clock=now_clock())
        except Problem as problem:
            form.problem(problem)
        else:
            note(request, "trigger made", made.name)
            messages.success(request, _("The trigger is made. Write its first version, then activate it."))
            return redirect("version-new", made.id)
    words = _(
        "A trigger is one email or SMS. It is written in versions; the active one is what the planner may send."
    )
    return _form(
        request, form, title=_("New trigger"), words=words, leave=reverse("project", args=[project_id]),
        project=project, no_lists=not lists,
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@page
@changes("content")
def change_trigger(request: HttpRequest, trigger_id: int) -> HttpResponse:
    """Another name or description."""
    account = account_id(request)
    found = projects.get_trigger(account, trigger_id)
    initial = {"name": found.name, "description": found.description}
    form = NameForm(request.POST) if request.method == "POST" else NameForm(initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            projects.change_trigger(account, trigger_id, **form.cleaned_data, clock=now_clock())
        except Problem as problem:
            form.problem(problem)
        else:
            note(request, "trigger changed", str(trigger_id))
            messages.success(request, _("Saved. The planner shows it when it reads the templates again."))
            return redirect("trigger", trigger_id)
    words = _("The list and the channel stay: its versions were written for them.")
    return _form(
        request, form, title=found.name, words=words, leave=reverse("trigger", args=[trigger_id]),
        project=projects.get_project(account, found.project_id),
    )  # fmt: skip


@require_POST
@page
@changes("content")
def archive_project(request: HttpRequest, project_id: int) -> HttpResponse:
    """A project out of sight with its triggers, or back without them."""
    account = account_id(request)
    found = projects.get_project(account, project_id)
    if request.POST.get("do") == "restore":
        projects.restore_project(account, project_id, clock=now_clock())
        note(request, "project restored", found.name)
        messages.success(request, _("The project is back. Restore each trigger that is to be used again."))
    elif request.POST.get("do") == "archive":
        projects.archive_project(account, project_id, clock=now_clock())
        note(request, "project archived", found.name)
        messages.success(request, _("Archived with all its triggers. Nothing is lost."))
    return redirect("project", project_id)


@require_POST
@page
@changes("content")
def archive_trigger(request: HttpRequest, trigger_id: int) -> HttpResponse:
    """A trigger out of sight, or back as it was."""
    account = account_id(request)
    found = projects.get_trigger(account, trigger_id)
    try:
        if request.POST.get("do") == "restore":
            projects.restore_trigger(account, trigger_id, clock=now_clock())
            note(request, "trigger restored", found.name)
            messages.success(request, _("The trigger is back, with the version that was active."))
        elif request.POST.get("do") == "archive":
            projects.archive_trigger(account, trigger_id, clock=now_clock())
            note(request, "trigger archived", found.name)
            messages.success(
                request, _("Archived. A campaign planned with it is held; what is in the ledger is sent.")
            )
    except Problem as problem:
        tell(request, problem)
    return redirect("trigger", trigger_id)


def _form(request: HttpRequest, form: Any, **context: Any) -> HttpResponse:
    status = 422 if form.errors else 200
    return render(request, "projects/form.html", {"form": form, **context}, status=status)
