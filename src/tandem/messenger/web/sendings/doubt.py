"""What becomes of messages in doubt: chosen for one sending, and for the account's new ones."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tandem.kit.problems import Problem
from tandem.messenger.delivery import policies
from tandem.messenger.delivery import service as delivery
from tandem.messenger.web.pages import account_id, actor, changes, may, note, page, tell


def context(request: HttpRequest) -> dict[str, Any]:
    """What the account's form shows."""
    return {"doubt": policies.default_of(account_id(request)), "may_choose": may(request, "sending")}


@require_POST
@page
@changes("sending")
def choose(request: HttpRequest, sending_id: int) -> HttpResponse:
    """For one sending that is not over."""
    account, said = account_id(request), request.POST.get("policy", "")
    mine = delivery.get_sending(account, sending_id)
    try:
        found = policies.choose(account, mine.id, policies.policy_named(said), by=actor(request))
    except Problem as problem:
        tell(request, problem)
    else:
        note(request, f"sending in doubt: {found.policy}", sending_id)
        messages.success(request, _("It counts for doubts from now on."))
    return redirect("sending", sending_id)


@require_POST
@page
@changes("sending")
def choose_default(request: HttpRequest) -> HttpResponse:
    """For the account's new email sendings."""
    try:
        found = policies.choose_default(
            account_id(request), policies.policy_named(request.POST.get("policy", "")), by=actor(request)
        )
    except Problem as problem:
        tell(request, problem)
    else:
        note(request, f"new sendings in doubt: {found.policy}", "account")
        messages.success(request, _("New email sendings begin with it."))
    return redirect("settings")
