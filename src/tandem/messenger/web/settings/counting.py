"""Switches of openings and clicks: of the account, a list, a contact."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tandem.messenger.contacts import counting
from tandem.messenger.contacts.domain import Applies
from tandem.messenger.web.pages import account_id, actor, changes, may, now_clock, number, page


def context(
    request: HttpRequest, *, list_id: int | None = None, contact_id: int | None = None
) -> dict[str, Any]:
    """What the form of the switches shows."""
    words = _(
        "Messages made from now on follow this. What is off for the account, a list or a contact is off."
    )
    applies = counting.applies(account_id(request), list_id=list_id, contact_id=contact_id)
    return {
        "counted": applies.own,
        "counting_now": [
            (_("Openings"), _why(applies, "opens")),
            (_("Clicks"), _why(applies, "clicks")),
        ],
        "counting_list": list_id,
        "counting_contact": contact_id,
        "counting_words": words,
        "may_switch": may(request, "content"),
    }


def _why(applies: Applies, what: str) -> str:
    """What holds, and which switches make it so."""
    names = {"account": _("the account"), "list": _("the list"), "contact": _("this contact")}
    off = [names[place] for place in applies.off_by(what)]
    if not off:
        return _("counted: nothing switches it off")
    return _("not counted: switched off for {places}").format(places=_(" and ").join(off))


@require_POST
@page
@changes("content")
def switch(request: HttpRequest) -> HttpResponse:
    """Save the switches of the account, or of the list or contact that is named."""
    list_id, contact_id = (
        number(request.POST.get("list")) or None,
        number(request.POST.get("contact")) or None,
    )
    counting.change(
        account_id(request), opens="opens" in request.POST, clicks="clicks" in request.POST, list_id=list_id,
        contact_id=contact_id, actor=actor(request), clock=now_clock(),
    )  # fmt: skip
    messages.success(request, _("Saved."))
    back = request.POST.get("next", "")
    return redirect(back if url_has_allowed_host_and_scheme(back, allowed_hosts=None) else "settings")
