"""Switches of openings and clicks: of the account, a list, a contact."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tandem.messenger.accounts import service as accounts
from tandem.messenger.contacts import counting
from tandem.messenger.contacts.domain import Counted
from tandem.messenger.web.pages import account_id, actor, changes, may, now_clock, number, page


def context(
    request: HttpRequest, *, list_id: int | None = None, contact_id: int | None = None
) -> dict[str, Any]:
    """What the form of the switches shows."""
    words = _(
        "Messages made from now on follow this. What is off for the account, a list or a contact is off."
    )
    return {
        "counted": counting.counted(account_id(request), list_id=list_id, contact_id=contact_id),
        "counting_list": list_id,
        "counting_contact": contact_id,
        "counting_words": words,
        "may_switch": may(request, "content"),
    }


@require_POST
@page
@changes("content")
def switch(request: HttpRequest) -> HttpResponse:
    """Save the switches of the account, or of the list or contact that is named."""
    account = account_id(request)
    what = Counted(opens="opens" in request.POST, clicks="clicks" in request.POST)
    list_id, contact_id = (
        number(request.POST.get("list")) or None,
        number(request.POST.get("contact")) or None,
    )
    counting.switch(account, what, list_id=list_id, contact_id=contact_id)
    of = f"contact {contact_id}" if contact_id else f"list {list_id}" if list_id else "account"
    accounts.record(
        account, actor=actor(request), action="counting switched", clock=now_clock(),
        subject=f"{of}: openings {'on' if what.opens else 'off'}, clicks {'on' if what.clicks else 'off'}",
    )  # fmt: skip
    messages.success(request, _("Saved."))
    back = request.POST.get("next", "")
    return redirect(back if url_has_allowed_host_and_scheme(back, allowed_hosts=None) else "settings")
