"""What the pages of alarms show, alike in both halves; the halves bring their doors and rights."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tandem.kit.alarms import runbook
from tandem.kit.clock import Clock
from tandem.kit.problems import NotFound, Problem


class WayForm(forms.Form):
    """An account's own second paths."""

    url = forms.CharField(label=gettext_lazy("Webhook"), required=False, max_length=1000)
    mail = forms.CharField(label=gettext_lazy("Mail address"), required=False, max_length=320)


def show(
    request: HttpRequest,
    room: Any,
    account_id: int,
    *,
    may_change: bool,
    more: Mapping[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Open alarms first, then ended ones; the second paths."""
    ways = room.teller.ways(account_id)
    mine = {one.path: one.target for one in ways if one.account_id}
    context = {
        "open": room.book.alarms(account_id, is_open=True),
        "ended": room.book.alarms(account_id, is_open=False, limit=50),
        "ways": ways,
        "looked_at": room.book.looked_at(),
        "form": WayForm(initial={"url": mine.get("webhook", ""), "mail": mine.get("mail", "")}),
        "may_change": may_change,
        **(more or {}),
    }
    return render(request, "alarms/alarms.html", context, status=status)


def act(request: HttpRequest, room: Any, account_id: int, *, actor: str, clock: Clock) -> HttpResponse:
    """The buttons: set the paths, test them, no more reminders."""
    verb = request.POST.get("do", "")
    if verb == "set":
        return _set(request, room, account_id, actor, clock)
    if verb == "test":
        _test(request, room, account_id, clock)
    elif verb == "silence":
        number = request.POST.get("alarm", "")
        room.book.silence(
            account_id, int(number) if number.isdecimal() and len(number) < 19 else 0, actor=actor
        )
        messages.success(request, _("No more reminders of it; its end is still told."))
    else:
        raise NotFound(_("There is no such button."), "")
    return show(request, room, account_id, may_change=True)


def _set(request: HttpRequest, room: Any, account_id: int, actor: str, clock: Clock) -> HttpResponse:
    form = WayForm(request.POST)
    if form.is_valid():
        try:
            secret = room.teller.set_way(account_id, **form.cleaned_data, actor=actor, clock=clock)
        except Problem as problem:
            form.add_error(problem.field or "url", f"{problem.detail} {problem.advice}".strip())
        else:
            messages.success(request, _("Saved. Try them with a test."))
            return show(request, room, account_id, may_change=True, more={"secret": secret})
    return show(request, room, account_id, may_change=True, more={"form": form}, status=422)


def _test(request: HttpRequest, room: Any, account_id: int, clock: Clock) -> None:
    try:
        tried = room.teller.test(account_id, clock=clock)
    except Problem as problem:
        messages.error(request, f"{problem.detail} {problem.advice}")
        return
    for one in tried:
        named = {"path": one.path, "whose": one.whose, "why": one.problem}
        if one.problem:
            messages.error(request, _("The %(path)s of %(whose)s did not take it: %(why)s") % named)
        else:
            messages.success(request, _("The %(path)s of %(whose)s took the test.") % named)


def manual(request: HttpRequest, kind: str) -> HttpResponse:
    """A page of the runbook."""
    title, blocks = runbook.page(kind)
    return render(request, "alarms/runbook.html", {"title": title, "blocks": blocks})
