"""What templates share: the snippets of the account, and the sender of a project."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from tandem.kit.forms import TandemForm
from tandem.kit.problems import Problem
from tandem.messenger.projects import service as projects
from tandem.messenger.web.pages import account_id, changes, may, note, now_clock, page


class SnippetForm(TandemForm):
    """A snippet."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        error_messages={"required": gettext_lazy("Give the snippet a name.")},
    )
    text = forms.CharField(
        label=gettext_lazy("Text"),
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "class": "source", "spellcheck": "false"}),
        error_messages={"required": gettext_lazy("Write the text of the snippet.")},
    )


class ProjectForm(TandemForm):
    """A project: its sender is the sender of every message written in it."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=200,
        error_messages={"required": gettext_lazy("Give the project a name.")},
    )
    description = forms.CharField(label=gettext_lazy("Description"), required=False, max_length=2000)
    from_name = forms.CharField(label=gettext_lazy("Sender's name"), required=False, max_length=200)
    from_address = forms.CharField(
        label=gettext_lazy("Sender's address"),
        max_length=254,
        help_text=gettext_lazy("An email address of your own domain, such as hello@shop.example."),
        error_messages={"required": gettext_lazy("Give the email address that messages are sent from.")},
    )
    reply_to = forms.CharField(label=gettext_lazy("Answers go to"), required=False, max_length=254)
    sms_sender = forms.CharField(
        label=gettext_lazy("SMS sender"),
        required=False,
        max_length=16,
        help_text=gettext_lazy("A number, or at most 11 letters and digits."),
    )


@require_http_methods(["GET", "POST"])
@page
@changes("content")
def snippets(request: HttpRequest) -> HttpResponse:
    """Every snippet, and a form for a new one."""
    form = SnippetForm(request.POST) if request.method == "POST" else SnippetForm()
    if request.method == "POST" and form.is_valid() and _save(request, form):
        return redirect("snippets")
    context = {
        "form": form,
        "snippets": projects.list_snippets(account_id(request)),
        "may_change": may(request, "content"),
    }
    return render(request, "projects/snippets.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@page
@changes("content")
def snippet(request: HttpRequest, snippet_id: int) -> HttpResponse:
    """One snippet: change or delete it."""
    account = account_id(request)
    found = projects.get_snippet(account, snippet_id)
    if request.method == "POST" and request.POST.get("do") == "delete":
        projects.delete_snippet(account, snippet_id)
        note(request, "snippet deleted", found.name)
        messages.success(request, _("Deleted. Active versions keep the text they were activated with."))
        return redirect("snippets")
    data = {**request.POST.dict(), "name": found.name}
    form = SnippetForm(data) if request.method == "POST" else SnippetForm(initial={"text": found.text})
    form.fields["name"].widget = forms.HiddenInput()
    form.initial["name"] = found.name
    if request.method == "POST" and form.is_valid() and _save(request, form):
        return redirect("snippets")
    context = {"form": form, "snippet": found, "may_change": may(request, "content")}
    return render(request, "projects/snippet.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@page
@changes("content")
def change_project(request: HttpRequest, project_id: int) -> HttpResponse:
    """The defaults of a project."""
    account = account_id(request)
    found = projects.get_project(account, project_id)
    names = tuple(ProjectForm.base_fields)
    initial = {name: getattr(found, name) for name in names}
    form = ProjectForm(request.POST) if request.method == "POST" else ProjectForm(initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            projects.change_project(account, project_id, **form.cleaned_data, clock=now_clock())
        except Problem as problem:
            form.problem(problem)
        else:
            note(request, "project changed", str(project_id))
            messages.success(request, _("Saved. Active versions keep the sender they were activated with."))
            return redirect("project", project_id)
    context = {"form": form, "project": found}
    return render(request, "projects/change.html", context, status=422 if form.errors else 200)


def _save(request: HttpRequest, form: Any) -> bool:
    data = form.cleaned_data
    try:
        projects.save_snippet(account_id(request), data["name"], data["text"], clock=now_clock())
    except Problem as problem:
        form.problem(problem)
        return False
    note(request, "snippet saved", data["name"])
    messages.success(request, _("Saved. Active versions keep the text they were activated with."))
    return True
