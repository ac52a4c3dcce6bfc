"""Sendings: the list, one sending with its ledger, pause, resume and cancel."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tandem.kit.problems import Problem
from tandem.messenger.accounts import service as accounts
from tandem.messenger.delivery import quiet_rows
from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery.domain import Channel, SendingView
from tandem.messenger.projects import service as projects
from tandem.messenger.record import service as record
from tandem.messenger.reporting import service as reporting
from tandem.messenger.reporting import unsubscribes
from tandem.messenger.sendgate import service as gates
from tandem.messenger.web.pages import (
    PAGE,
    account_id,
    actor,
    changes,
    may,
    now_clock,
    number,
    page,
    slice_of,
    tell,
)
from tandem.messenger.web.sendings import responses
from tandem.messenger.web.sendings.words import (
    ACTIONS,
    OPEN,
    STATES,
    actions_of,
    branches_of_summary,
    explain,
    metric_name,
    not_sent,
    parts_of,
)


@require_GET
@page
def sendings(request: HttpRequest) -> HttpResponse:
    """All sendings, newest first; `kind=real-time` shows those of one message each."""
    offset = number(request.GET.get("from"))
    real_time = request.GET.get("kind") == "real-time"
    rows = delivery.list_sendings(account_id(request), limit=PAGE + 1, offset=offset, real_time=real_time)
    shown = slice_of([(row, not_sent(row.counts)) for row in rows], offset)
    context = {
        "page": shown,
        "held": delivery.is_held(account_id(request)),
        "may_change": may(request, "sending"),
        "real_time": real_time,
    }
    return render(request, "sendings/list.html", context)


@require_GET
@page
def sending(request: HttpRequest, sending_id: int) -> HttpResponse:
    """One sending: counts per state and reason, then its rows, a page at a time."""
    account = account_id(request)
    state = request.GET.get("state") or None
    state = state if state in STATES else None
    after = number(request.GET.get("after"))
    found = delivery.get_sending(account, sending_id)
    rows = record.of_sending(account, sending_id, state=state, after=after, limit=PAGE + 1)
    summary = reporting.summary(account, sending_id)
    names = {one.id: one.name for one in projects.list_triggers(account)}
    course = record.course(account, sending_id)
    context = {
        "sending": found,
        "waiting": _waiting(account, found),
        "paced": delivery.paced(account, sending_id) if not found.state.over else (0, None),
        "summary": summary,
        "check": record.last_check(account, sending_id),
        "dropped": record.dropped(account, sending_id),
        "kept_months": record.months_kept(account),
        "branches": branches_of_summary(summary),
        "pace": course,
        "peak": max(course.counts) / course.seconds if course else 0,
        "reports": [
            (metric_name(line.metric_id), line, names.get(line.template_id, line.template_id))
            for line in reporting.reports(account, sending_id)
        ],
        "unsubscribes": unsubscribes.unsubscribes_of(account, sending_id),
        "parts": parts_of(found),
        "done": sum(rows for name, rows in found.counts.items() if name not in OPEN),
        "state": state,
        "rows": [(row, explain(row), names.get(row.template_id, row.template_id)) for row in rows[:PAGE]],
        "after": after,
        "next": rows[PAGE - 1].seq if len(rows) > PAGE else None,
        "hold": gates.hold_of(account, sending_id),
        "may_choose": may(request, "sending"),
        "actions": actions_of(found) if may(request, "sending") else (),
    }
    if request.GET.get("live") and request.headers.get("HX-Request"):
        return render(request, "sendings/_live.html", context)
    context |= responses.context(account, sending_id, names)
    return render(request, "sendings/one.html", context)


def _waiting(account: int, sending: SendingView) -> list[tuple[str, datetime, int]]:
    """Rows of SMS that wait for a morning."""
    if sending.channel is not Channel.SMS or sending.finished_at is not None:
        return []
    return quiet_rows.waiting(account, sending.id, now_clock().business())


@require_POST
@page
@changes("sending")
def act(request: HttpRequest, sending_id: int) -> HttpResponse:
    """Pause, resume or cancel; cancelling asks once more."""
    account, verb = account_id(request), request.POST.get("do", "")
    sending = delivery.get_sending(account, sending_id)
    if verb == "cancel" and request.POST.get("sure") != "yes":
        return render(request, "sendings/cancel.html", {"sending": sending})
    try:
        if verb == "pause":
            delivery.pause(account, sending_id)
        elif verb == "resume":
            delivery.resume(account, sending_id)
        elif verb == "let-go":
            gates.let_go(account, sending_id, actor=actor(request), clock=now_clock())
        elif verb == "cancel":
            delivery.cancel(account, sending_id, clock=now_clock())
        elif verb == "retry":
            delivery.retry_failed(account, sending_id, clock=now_clock())
        else:
            return redirect("sending", sending_id)
    except Problem as problem:
        tell(request, problem)
    else:
        accounts.record(
            account,
            actor=actor(request),
            action=f"sending {verb}",
            subject=str(sending_id),
            clock=now_clock(),
        )
        messages.success(request, str(ACTIONS[verb].done))
    return redirect("sending", sending_id)


@require_POST
@page
@changes("sending")
def hold(request: HttpRequest) -> HttpResponse:
    """The account's own emergency stop, and its release."""
    account = account_id(request)
    stop = request.POST.get("do") == "hold"
    (delivery.hold_all if stop else delivery.release_all)(account)
    accounts.record(
        account, actor=actor(request), action="sending held" if stop else "sending released", subject="all",
        clock=now_clock(),
    )  # fmt: skip
    messages.success(
        request,
        _("Everything of this account is held.") if stop else _("Released. Sendings that are due go on."),
    )
    return redirect("sendings")
