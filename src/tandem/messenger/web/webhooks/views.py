"""Webhooks: the list, one webhook with its last answers and failures, a new one, its secret shown once."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tandem.kit.problems import Problem
from tandem.messenger.projects import service as projects
from tandem.messenger.sendgate import service as gates
from tandem.messenger.web.pages import account_id, changes, may, note, now_clock, number, page, tell
from tandem.messenger.web.webhooks.forms import ChangeForm, WebhookForm
from tandem.messenger.webhooks import service as webhooks
from tandem.messenger.webhooks.domain import Way


@require_GET
@page
def overview(request: HttpRequest) -> HttpResponse:
    """Every webhook and every Send Gate of the account, and what gates held lately."""
    account = account_id(request)
    names = {one.id: one.name for one in projects.list_projects(account)}
    context = {
        "webhooks": [(one, names.get(one.project_id or 0)) for one in webhooks.list_all(account)],
        "gates": [(one, names.get(one.project_id or 0)) for one in webhooks.list_gates(account)],
        "holds": gates.holds(account, limit=20),
        "may_change": may(request, "connection"),
    }
    return render(request, "webhooks/list.html", context)


@require_http_methods(["GET", "POST"])
@page
@changes("connection")
def new(request: HttpRequest) -> HttpResponse:
    """The form of a new webhook; a signed one's secret is on the answer and nowhere else."""
    account = account_id(request)
    chosen = projects.list_projects(account)
    form = WebhookForm(request.POST or None, projects=chosen)
    if request.method == "POST" and form.is_valid():
        try:
            view, secret = webhooks.add(
                account,
                **form.endpoint(),
                events=form.cleaned_data["events"],
                way=form.cleaned_data["way"],
                project_id=form.project_id,
                clock=now_clock(),
            )
        except Problem as problem:
            form.problem(problem)
        else:
            note(request, "webhook made", view.id)
            if secret:
                return _secret(request, view, secret)
            return redirect("webhook", view.id)
    status = 422 if form.errors else 200
    return render(
        request, "webhooks/new.html", {"form": form, "may_change": may(request, "connection")}, status=status
    )


@require_http_methods(["GET", "POST"])
@page
@changes("connection")
def webhook(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """One webhook: its state, its last answers, its failures; a POST changes it."""
    account = account_id(request)
    view = webhooks.get(account, webhook_id)
    if request.method == "GET":
        return _one(request, view, ChangeForm(initial=_initial(view)))
    form = ChangeForm(request.POST)
    if form.is_valid():
        try:
            webhooks.change(
                account, webhook_id, **form.endpoint(), events=form.cleaned_data["events"], clock=now_clock()
            )
        except Problem as problem:
            form.problem(problem)
        else:
            note(request, "webhook changed", webhook_id)
            messages.success(request, _("Saved."))
            return redirect("webhook", webhook_id)
    return _one(request, view, form, status=422)


@require_POST
@page
@changes("connection")
def act(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """Test it, switch it on or off, rotate its secret, tell failures again, remove it."""
    account, verb = account_id(request), request.POST.get("do", "")
    webhooks.get(account, webhook_id)  # another account's is not there at all
    try:
        if verb == "rotate":
            secret = webhooks.rotate(account, webhook_id, clock=now_clock())
            note(request, "webhook secret rotated", webhook_id)
            return _secret(request, webhooks.get(account, webhook_id), secret)
        if verb == "remove":
            if request.POST.get("sure") != "yes":
                return render(request, "webhooks/remove.html", {"view": webhooks.get(account, webhook_id)})
            webhooks.remove(account, webhook_id)
            note(request, "webhook removed", webhook_id)
            messages.success(request, _("Removed. Nothing is told there any more."))
            return redirect("webhooks")
        _do(request, account, webhook_id, verb)
    except Problem as problem:
        tell(request, problem)
    return redirect("webhook", webhook_id)


def _do(request: HttpRequest, account: int, webhook_id: int, verb: str) -> None:
    clock = now_clock()
    if verb == "test":
        heard = webhooks.try_out(account, webhook_id, clock=clock)
        said = messages.success if heard.good else messages.error
        said(request, _("The test event: %(words)s.") % {"words": heard.words})
    elif verb in ("on", "off"):
        webhooks.change(account, webhook_id, enabled=verb == "on", clock=clock)
        note(request, f"webhook switched {verb}", webhook_id)
    elif verb == "replay":
        first = number(request.POST.get("first"))
        last = number(request.POST.get("last"), default=first)
        again = webhooks.replay(account, webhook_id, first, last, clock=clock)
        note(request, "webhook events told again", webhook_id)
        messages.success(request, _("%(n)s events are told again now.") % {"n": again})


def _one(request: HttpRequest, view: Any, form: ChangeForm, *, status: int = 200) -> HttpResponse:
    account = account_id(request)
    names = {one.id: one.name for one in projects.list_projects(account)}
    before = number(request.GET.get("before"))
    failures = webhooks.failures(account, view.id, before=before, limit=51)
    context = {
        "view": view,
        "project": names.get(view.project_id or 0),
        "form": form,
        "signed": view.way is Way.SIGNED,
        "latest": webhooks.latest(account, view.id, limit=20),
        "failures": failures[:50],
        "next": failures[49].event_id if len(failures) > 50 else None,
        "before": before,
        "may_change": may(request, "connection"),
    }
    return render(request, "webhooks/one.html", context, status=status)


def _initial(view: Any) -> dict[str, Any]:
    return {
        "url": view.url,
        "events": [one.value for one in view.events],
        "auth": view.auth.value,
        "auth_name": view.auth_name,
    }


def _secret(request: HttpRequest, view: Any, secret: str) -> HttpResponse:
    return render(request, "webhooks/secret.html", {"view": view, "secret": secret})
