"""What people write by SMS, and what an operator makes of it; the gateway and the rules."""

from dataclasses import asdict

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tandem.kit.problems import NotFound, Problem
from tandem.messenger.accounts import service as accounts
from tandem.messenger.gateways import rules as sms_rules
from tandem.messenger.gateways import service as gateways
from tandem.messenger.gateways.domain import GatewayView
from tandem.messenger.sms import service as sms
from tandem.messenger.sms.domain import Acted, Keyword, default_text
from tandem.messenger.testsends import service as testsends
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
from tandem.messenger.web.sms.forms import GatewayForm, RulesForm, initial_of


@require_GET
@page
def inbox(request: HttpRequest) -> HttpResponse:
    """Messages newest first; those that wait for a person on top of the page's mind."""
    account, offset = account_id(request), number(request.GET.get("from"))
    unread_only = request.GET.get("show") == "unread"
    rows = sms.list_incoming(account, limit=PAGE + 1, offset=offset, unread_only=unread_only)
    context = {
        "page": slice_of(rows, offset),
        "unread_only": unread_only,
        "unread": sms.unread(account),
        "answers": sms.list_answers(account, limit=10),
        "may_change": may(request, "sending"),
        "gateway": _gateway(account),
    }
    return render(request, "sms/inbox.html", context)


@require_POST
@page
@changes("sending")
def act(request: HttpRequest, incoming_id: int) -> HttpResponse:
    """Unsubscribe the number of a message, or put the message aside."""
    verb = request.POST.get("do", "")
    done = sms.act(account_id(request), incoming_id, verb, actor=actor(request), clock=now_clock())
    if done.acted is Acted.UNSUBSCRIBED:
        messages.success(request, _("The number gets no more SMS from this account."))
    return redirect("sms")


@require_GET
@page
def settings(request: HttpRequest) -> HttpResponse:
    """The gateway and the rules."""
    return _settings(request)


@require_POST
@page
@changes("connection")
def gateway(request: HttpRequest) -> HttpResponse:
    """Set the gateway, close it, try it."""
    account, verb = account_id(request), request.POST.get("do", "")
    form = GatewayForm(request.POST)
    try:
        if verb == "close":
            gateways.close_gateway(account, actor=actor(request), clock=now_clock())
            messages.success(request, _("SMS leave by file again."))
        elif verb == "test":
            _try(request, account)
        elif form.is_valid():
            gateways.set_gateway(account, **form.cleaned_data, actor=actor(request), clock=now_clock())
            messages.success(request, _("SMS go to this gateway from now on."))
        else:
            return _settings(request, gateway_form=form)
    except Problem as problem:
        if verb in ("close", "test"):
            tell(request, problem)
        else:
            form.problem(problem)
            return _settings(request, gateway_form=form)
    return redirect("sms-settings")


@require_POST
@page
@changes("connection")
def rules(request: HttpRequest) -> HttpResponse:
    """Set quiet hours and answers."""
    form = RulesForm(request.POST)
    try:
        if form.is_valid():
            sms_rules.set_rules(
                account_id(request), **form.cleaned_data, actor=actor(request), clock=now_clock()
            )
            messages.success(request, _("Kept."))
            return redirect("sms-settings")
    except Problem as problem:
        form.problem(problem)
    return _settings(request, rules_form=form)


def _try(request: HttpRequest, account: int) -> None:
    said = request.POST.get("to", "").strip()
    to = testsends.verified_number(account, said) if said else ""
    outcome = sms.send_test(account, to, actor=actor(request), clock=now_clock())
    level = messages.SUCCESS if outcome.state.words == "accepted" else messages.WARNING
    messages.add_message(request, level, f"{outcome.state.words}: {outcome.detail}")


def _gateway(account: int) -> GatewayView | None:
    try:
        return gateways.gateway(account)
    except NotFound:
        return None


def _settings(
    request: HttpRequest, *, gateway_form: GatewayForm | None = None, rules_form: RulesForm | None = None
) -> HttpResponse:
    account = account_id(request)
    view = _gateway(account)
    wrong = gateway_form is not None or rules_form is not None
    context = {
        "gateway": view,
        "form": gateway_form or GatewayForm(initial=initial_of(view)),
        "rules_form": rules_form or RulesForm(initial=asdict(sms_rules.rules(account))),
        "defaults": {
            one.value: default_text(one, accounts.get_account(account).name) for one in Keyword if one
        },
        "numbers": testsends.list_addresses(account, channel="sms", verified_only=True),
        "may_change": may(request, "connection"),
    }
    return render(request, "sms/settings.html", context, status=422 if wrong else 200)
