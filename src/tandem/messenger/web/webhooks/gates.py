"""Send Gates: one form for the account's and for those of projects."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from tandem.kit.problems import Problem
from tandem.messenger.projects import service as projects
from tandem.messenger.web.pages import account_id, changes, may, note, now_clock, page, tell
from tandem.messenger.web.webhooks.forms import GateForm
from tandem.messenger.webhooks import service as webhooks


@require_http_methods(["GET", "POST"])
@page
@changes("connection")
def new(request: HttpRequest) -> HttpResponse:
    """A gate for the account or a project; an existing one of the same is replaced."""
    return _form(
        request, GateForm(request.POST or None, projects=projects.list_projects(account_id(request)))
    )


@require_http_methods(["GET", "POST"])
@page
@changes("connection")
def gate(request: HttpRequest, gate_id: int) -> HttpResponse:
    """A gate that exists."""
    view = webhooks.get_gate(account_id(request), gate_id)
    initial = {
        "url": view.url,
        "project": str(view.project_id or ""),
        "auth": view.auth.value,
        "auth_name": view.auth_name,
        "minutes": view.minutes,
        "enabled": view.enabled,
    }
    chosen = projects.list_projects(account_id(request))
    return _form(request, GateForm(request.POST or None, initial=initial, projects=chosen), view)


@require_POST
@page
@changes("connection")
def remove(request: HttpRequest, gate_id: int) -> HttpResponse:
    """Ask nobody any more; what is held stays held until a person decides."""
    webhooks.get_gate(account_id(request), gate_id)  # another account's is not there at all
    try:
        webhooks.remove_gate(account_id(request), gate_id)
        note(request, "Send Gate removed", gate_id)
        messages.success(request, _("Removed. What it holds stays held until you let it go or cancel it."))
    except Problem as problem:
        tell(request, problem)
    return redirect("webhooks")


def _form(request: HttpRequest, form: GateForm, view: Any = None) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            kept = webhooks.set_gate(
                account_id(request),
                **form.endpoint(),
                project_id=form.project_id,
                minutes=form.cleaned_data["minutes"],
                enabled=form.cleaned_data["enabled"],
                clock=now_clock(),
            )
        except Problem as problem:
            form.problem(problem)
        else:
            note(request, "Send Gate set", kept.id)
            messages.success(request, _("Saved. The next sendings are asked for there."))
            return redirect("webhooks")
    context = {"form": form, "view": view, "may_change": may(request, "connection")}
    return render(request, "webhooks/gate.html", context, status=422 if form.errors else 200)
