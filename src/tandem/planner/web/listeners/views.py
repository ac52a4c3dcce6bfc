"""Registrations of event listeners; the log of what they were told, and telling again."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from tandem.kit.problems import NotFound, Problem
from tandem.planner.listeners import service as events
from tandem.planner.listeners.domain import DEAD, EVENT_NAMES, LogFilter
from tandem.planner.web.access import now, page
from tandem.planner.web.listeners.forms import ListenerForm, LogForm

PAGE = 50


@page()
@require_http_methods(["GET", "POST"])
def listeners(request: HttpRequest) -> HttpResponseBase:
    """Every registration; the form of a new one."""
    if request.method == "GET":
        return _show(request)
    return _register(request)


@page(technical=True)
def _register(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    form = ListenerForm(request.POST)
    if not form.is_valid():
        return _show(request, form=form, status=422)
    try:
        made = events.register(user.account_id, **form.cleaned_data, actor=user.email, clock=now())
    except Problem as problem:
        form.problem(problem)
        return _show(request, form=form, status=problem.status)
    secret = events.rotate_secret(user.account_id, made.id, actor=user.email, clock=now())
    return _show(request, secret=secret)


@page(technical=True)
@require_POST
def act(request: HttpRequest, listener_id: int, verb: str) -> HttpResponse:
    """Test one, give it a new signing secret, or end it."""
    user: Any = request.user
    if verb == "secret":
        made = events.rotate_secret(user.account_id, listener_id, actor=user.email, clock=now())
        return _show(request, secret=made)
    if verb == "remove":
        events.unregister_listener(user.account_id, listener_id, actor=user.email, clock=now())
        messages.success(request, _("It is told no more."))
        return HttpResponseRedirect("/ui/listeners")
    if verb != "test":
        raise NotFound(_("There is no such button."), "")
    attempt = events.send_test_event(user.account_id, listener_id=listener_id, clock=now())
    if attempt.problem:
        messages.error(request, _("The test event was not taken: %(cause)s") % {"cause": attempt.problem})
    else:
        messages.success(request, _("The listener answered %(status)s.") % {"status": attempt.status})
    return HttpResponseRedirect("/ui/listeners")


@page()
def log(request: HttpRequest) -> HttpResponse:
    """What was told, newest first, filtered; every attempt with its answer."""
    user: Any = request.user
    form = _log_form(request)
    chosen = form.chosen(user.account.zone)
    before = request.GET.get("before", "")
    found = events.event_log(
        user.account_id, chosen, before=int(before) if _is_id(before) else None, limit=PAGE + 1
    )
    shown = found[:PAGE]
    query = {key: value for key, value in request.GET.items() if key in form.fields and value}
    context = {
        "form": form,
        "events": [(one, EVENT_NAMES.get(one.event_type, "")) for one in shown],
        "dead_states": DEAD,
        "count": events.count_of(user.account_id, chosen),
        "query": query,
        "older": urlencode({**query, "before": shown[-1].id}) if len(found) > PAGE else "",
    }
    return render(request, "listeners/log.html", context)


@page(technical=True)
@require_POST
def replay(request: HttpRequest) -> HttpResponse:
    """Tell one event again, or all that the filter shows."""
    user: Any = request.user
    event = request.POST.get("event", "")
    if _is_id(event):
        events.replay(user.account_id, int(event), actor=user.email, clock=now())
        messages.success(request, _("It is told again."))
    else:
        form = LogForm(request.POST, listeners=events.listeners(user.account_id))
        _range(request, form.chosen(user.account.zone))
    query = {key: request.POST[key] for key in LogForm.base_fields if request.POST.get(key)}
    return HttpResponseRedirect("/ui/listeners/log" + (f"?{urlencode(query)}" if query else ""))


def _range(request: HttpRequest, chosen: LogFilter) -> None:
    user: Any = request.user
    done = events.replay_range(user.account_id, chosen, actor=user.email, clock=now())
    messages.success(
        request,
        _("%(again)s are told again; %(late)s are too late, %(off)s have a listener that is switched off.")
        % {"again": done.again, "late": done.late, "off": done.off},
    )


def _show(
    request: HttpRequest, *, form: ListenerForm | None = None, secret: Any = None, status: int = 200
) -> HttpResponse:
    user: Any = request.user
    found = events.listeners(user.account_id)
    context = {
        "listeners": [(one, EVENT_NAMES.get(one.event_type, "")) for one in found],
        "form": form or ListenerForm(),
        "errors": form.summary() if form else [],
        "secret": secret,
        "dead": events.count_of(user.account_id, LogFilter(states=DEAD)),
    }
    return render(request, "listeners/list.html", context, status=status)


def _log_form(request: HttpRequest) -> LogForm:
    user: Any = request.user
    return LogForm(request.GET, listeners=events.listeners(user.account_id))


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16
