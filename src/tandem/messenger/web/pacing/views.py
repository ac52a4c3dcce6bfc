"""How fast the account may send: limits, warm-ups, the rules that pause a sending."""

import math
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from tandem.kit.problems import NotFound, Problem
from tandem.messenger.pacing import mailboxes, service
from tandem.messenger.pacing.domain import WARM_UP, PauseRules
from tandem.messenger.pacing.errors import BadLimit
from tandem.messenger.web.pages import account_id, actor, changes, may, now_clock, number, page


@require_http_methods(["GET", "POST"])
@page
@changes("connection")
def pacing(request: HttpRequest) -> HttpResponse:
    """Everything about pace; each form does one thing, a refused one keeps what was typed."""
    if request.method == "GET":
        return render(request, "pacing/pacing.html", _context(request))
    try:
        said = _do(request, request.POST.get("do", ""))
    except Problem as problem:
        context = _context(request) | {"problem": problem, "typed": request.POST}
        return render(request, "pacing/pacing.html", context, status=problem.status)
    messages.success(request, said)
    return redirect("pacing")


def _context(request: HttpRequest) -> dict[str, Any]:
    account = account_id(request)
    return {
        "limits": service.list_limits(account),
        "warm_ups": service.list_warm_ups(account, clock=now_clock()),
        "rules": service.pause_rules(account),
        "providers": [one.name for one in mailboxes.PROVIDERS],
        "schedules": [(name, len(days), days[0], days[-1]) for name, days in WARM_UP.items()],
        "may_change": may(request, "connection"),
    }


def _do(request: HttpRequest, verb: str) -> str:
    account, said = account_id(request), request.POST
    who: dict[str, Any] = {"actor": actor(request), "clock": now_clock()}
    sender = said.get("sender", "")[:253]
    if verb == "limit":
        service.set_limit(
            account,
            sender=sender,
            provider=said.get("provider", "")[:60],
            per_second=_amount(said.get("per_second", ""), "per_second"),
            per_day=_whole(said.get("per_day", ""), "per_day"),
            **who,
        )
        return _("The limit is kept. It counts within a second, also for sendings on their way.")
    if verb == "remove":
        service.remove_limit(account, number(said.get("limit")), **who)
        return _("Removed.")
    if verb == "warm-up":
        service.start_warm_up(account, sender, said.get("schedule", "")[:20], **who)
        return _("The warm-up begins today.")
    if verb == "end":
        service.stop_warm_up(account, sender, **who)
        return _("The warm-up has ended: its numbers limit the sender no more.")
    if verb == "rules":
        shares = {
            name: _amount(said.get(name, ""), name) or 0.0 for name in ("bounces", "complaints", "errors")
        }
        least = _whole(said.get("least", ""), "least") or 0
        service.set_pause_rules(account, PauseRules(**shares, least=least), **who)
        return _("The rules are kept.")
    raise NotFound(_("There is no such button."))


def _amount(text: str, field: str) -> float | None:
    """A number as people write it, with a comma or a point; None if nothing was written."""
    if not text.strip():
        return None
    try:
        found = float(text.strip().replace(",", ".")[:20])
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise BadLimit(_("%(text)r is no number.") % {"text": text[:20]}, _("Write digits."), field=field)
    return found


def _whole(text: str, field: str) -> int | None:
    found = _amount(text.replace(" ", ""), field)
    if found is not None and found != int(found):
        raise BadLimit(_("Half a message cannot be sent."), _("Write a whole number."), field=field)
    return None if found is None else int(found)
