"""DKIM keys of the account: made, published, looked up, used, rotated, retired. The secret half is shown nowhere."""

from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from tandem.kit.problems import NotFound, Problem
from tandem.messenger.delivery.dkim import service
from tandem.messenger.delivery.dkim.keys import Algorithm, KeyView
from tandem.messenger.web.pages import account_id, changes, may, note, now_clock, number, page, tell

_FIELDS = {"domain": 253, "selector": 63, "algorithm": 10}


@require_http_methods(["GET", "POST"])
@page
@changes("connection")
def dkim(request: HttpRequest) -> HttpResponse:
    """Every key with its record; each button does one thing, a refused form keeps what was typed."""
    if request.method == "GET":
        return render(request, "dkim/keys.html", _context(request))
    verb = request.POST.get("do", "")
    try:
        if verb == "make":
            said = _make(request)
        else:
            said = _do(request, verb, service.get_key(account_id(request), number(request.POST.get("key"))))
    except NotFound:
        raise
    except Problem as problem:
        doubted = number(request.POST.get("key")) if verb == "use" else 0
        context = _context(request) | {"problem": problem, "typed": request.POST, "doubted": doubted}
        return render(request, "dkim/keys.html", context, status=problem.status)
    if said:
        messages.success(request, said)
    return redirect("dkim")


def _context(request: HttpRequest) -> dict[str, Any]:
    found = service.list_keys(account_id(request))
    return {
        "domains": [(name, list(keys)) for name, keys in groupby(found, key=lambda one: one.domain)],
        "algorithms": list(Algorithm),
        "may_change": may(request, "connection"),
    }


def _make(request: HttpRequest) -> str:
    typed = {name: request.POST.get(name, "")[:longest] for name, longest in _FIELDS.items()}
    made = service.make_key(account_id(request), **typed, clock=now_clock())
    note(request, "DKIM key made", made.name)
    return _("Made. Publish its record, then use the key.")


def _do(request: HttpRequest, verb: str, key: KeyView) -> str:
    account, domain, selector = account_id(request), key.domain, key.selector
    if verb == "check":
        if wrong := service.check_key(account, domain=domain, selector=selector):
            tell(request, NotPublished(wrong, _("What is new in DNS may take an hour to be seen.")))
            return ""
        return _("The record of %(name)s is published and right.") % {"name": key.name}
    if verb == "use":
        unchecked = request.POST.get("unchecked") == "yes"
        service.use_key(account, domain=domain, selector=selector, check=not unchecked)
        note(request, "DKIM key used unchecked" if unchecked else "DKIM key used", key.name)
        return _("It signs from the next sending on.")
    if verb == "rotate":
        made = service.rotate_key(account, domain=domain, selector=selector, clock=now_clock())
        note(request, "DKIM key made", made.name)
        return _("Made: %(name)s. The old key signs until you use the new one.") % {"name": made.name}
    if verb == "retire":
        service.retire_key(account, domain=domain, selector=selector)
        note(request, "DKIM key retired", key.name)
        return _("It signs no more. Leave its record in DNS for two weeks.")
    raise NotFound(_("There is no such button."))


class NotPublished(Problem):
    """DNS does not say what it should."""

    title = "The record is not right yet"
