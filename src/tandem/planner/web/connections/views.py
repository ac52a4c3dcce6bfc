"""Connecting an account at the messenger, checking it, and its listeners."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from tandem.kit.problems import Problem
from tandem.planner.channels import service as channels
from tandem.planner.channels.domain import ChannelAccountView, ConnectionCheck
from tandem.planner.listeners import service as listeners
from tandem.planner.web.access import now, page
from tandem.planner.web.connections.forms import ChannelForm, ConnectionForm


@page()
def connections(request: HttpRequest) -> HttpResponse:
    """Every account at a messenger; with none, the form; with one, its page."""
    found = channels.list_accounts(request.user.account_id)  # type: ignore[union-attr]
    if len(found) == 1:
        return HttpResponseRedirect(f"/ui/connections/{found[0].id}")
    return render(request, "connections/list.html", {"connections": found})


@page(technical=True)
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """The five fields; the check runs before anything is saved."""
    form = ConnectionForm(request.POST or None)
    if request.method == "GET":
        return render(request, "connections/form.html", {"form": form})
    if not form.is_valid():
        return render(request, "connections/form.html", {"form": form}, status=422)
    check = _check_values(form)
    do = request.POST.get("do")
    failed = [step for step in check.steps if step.ok is False]
    if do == "save-anyway" or (do == "save" and not failed):
        return _save_new(request, form)
    _mark_fields(form, check)
    context = {"form": form, "check": check, "failed": failed}
    return render(request, "connections/form.html", context, status=422 if failed else 200)


def _save_new(request: HttpRequest, form: ConnectionForm) -> HttpResponse:
    account_id = request.user.account_id  # type: ignore[union-attr]
    try:
        saved = channels.add_account(account_id, **form.values())
    except Problem as problem:
        form.problem(problem)
        return render(request, "connections/form.html", {"form": form}, status=problem.status)
    _first_look(request, account_id, saved)
    return HttpResponseRedirect(f"/ui/connections/{saved.id}")


@page(technical=True)
@require_http_methods(["GET", "POST"])
def new_channel(request: HttpRequest) -> HttpResponse:
    """A channel without a messenger: a program serves it."""
    user: Any = request.user
    form = ChannelForm(request.POST or None)
    if request.method == "GET":
        return render(request, "connections/channel_form.html", {"form": form})
    if form.is_valid():
        try:
            made = channels.add_pushed_account(
                user.account_id, **form.cleaned_data, actor=user.email, clock=now()
            )
            messages.success(request, _("%(name)s is saved.") % {"name": made.name})
            return HttpResponseRedirect(f"/ui/connections/{made.id}")
        except Problem as problem:
            form.problem(problem)
    return render(request, "connections/channel_form.html", {"form": form}, status=422)


def _pushed(request: HttpRequest, saved: ChannelAccountView) -> HttpResponse:
    numbers = {saved.email_channel_id: _("Email"), saved.sms_channel_id: "SMS"}
    numbers.pop(0, None)
    context = {
        "connection": saved,
        "channels": list(numbers.items()),
        "templates": [one for one in channels.list_templates(_account(request), saved.id) if one.usable],
        "apps": [one for one in channels.list_apps(_account(request)) if one.channel_id in numbers],
    }
    return render(request, "connections/pushed.html", context)


def _first_look(request: HttpRequest, account_id: int, saved: ChannelAccountView) -> None:
    check = channels.check_connection(account_id, saved.id, clock=now())
    messages.success(request, _("%(name)s is saved.") % {"name": saved.name})
    if not check.ok:
        return
    try:
        read = channels.read_templates(account_id, saved.id, clock=now())
        messages.success(
            request,
            _("Read %(projects)s projects with %(templates)s templates.")
            % {"projects": read.projects, "templates": read.templates},
        )
    except Problem as problem:
        messages.error(request, f"{problem.detail} {problem.advice}")


def _check_values(form: ConnectionForm) -> ConnectionCheck:
    data = form.cleaned_data
    names = ("api_url", "customer_id", "user_name", "password", "token", "profile")
    return channels.check_values(**{name: data[name] for name in names})


def _mark_fields(form: ConnectionForm, check: ConnectionCheck) -> None:
    for step in check.steps:
        if step.ok is False:
            form.add_error(step.field if step.field in form.fields else None, step.detail)


@page()
@require_http_methods(["GET", "POST"])
def connection(request: HttpRequest, connection_id: int) -> HttpResponse:
    """One account: its fields, its check, its listeners."""
    account_id = request.user.account_id  # type: ignore[union-attr]
    saved = channels.get_account(account_id, connection_id)
    if saved.pushed:
        return _pushed(request, saved)
    form = ConnectionForm(request.POST or None, saved=saved)
    if request.method == "GET":
        return _show(request, saved, form)
    if not form.is_valid():
        return _show(request, saved, form, status=422)
    try:
        channels.update_account(account_id, connection_id, **form.values())
    except Problem as problem:
        form.problem(problem)
        return _show(request, saved, form, status=problem.status)
    messages.success(request, _("Saved. Test the connection to be sure."))
    return HttpResponseRedirect(f"/ui/connections/{connection_id}")


@page(technical=True)
@require_POST
def test(request: HttpRequest, connection_id: int) -> HttpResponse:
    """Run the four steps and show each."""
    account_id = request.user.account_id  # type: ignore[union-attr]
    check = channels.check_connection(account_id, connection_id, clock=now())
    saved = channels.get_account(account_id, connection_id)
    return _show(request, saved, ConnectionForm(saved=saved), check=check)


@page(technical=True)
@require_POST
def test_listener(request: HttpRequest, listener_id: int) -> HttpResponse:
    """Send a test event and say what came back."""
    account_id = request.user.account_id  # type: ignore[union-attr]
    attempt = listeners.send_test_event(account_id, listener_id=listener_id, clock=now())
    if attempt.problem:
        messages.error(request, _("The test event was not taken: %(cause)s") % {"cause": attempt.problem})
    else:
        messages.success(request, _("The listener answered %(status)s.") % {"status": attempt.status})
    back = request.POST.get("connection", "")
    return HttpResponseRedirect(f"/ui/connections/{int(back)}" if back.isdigit() else "/ui/connections")


def _show(
    request: HttpRequest,
    saved: ChannelAccountView,
    form: ConnectionForm,
    *,
    check: ConnectionCheck | None = None,
    status: int = 200,
) -> HttpResponse:
    channel_ids = {saved.email_channel_id: _("Email"), saved.sms_channel_id: "SMS"}
    registered = listeners.listeners(_account(request))
    context: dict[str, Any] = {
        "connection": saved,
        "form": form,
        "check": check,
        "others": len(channels.list_accounts(_account(request))) > 1,
        "listeners": [
            (one, channel_ids.get(one.channel_id or 0, _("all channels")))
            for one in registered
            if one.channel_id is None or one.channel_id in channel_ids
        ],
    }
    return render(request, "connections/connection.html", context, status=status)


def _account(request: HttpRequest) -> int:
    return request.user.account_id  # type: ignore[union-attr]
