"""Lists and the suppressions."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tandem.kit.forms import TandemForm
from tandem.kit.problems import NotFound, Problem
from tandem.messenger.accounts import service as accounts
from tandem.messenger.contacts import service as contacts_service
from tandem.messenger.web.pages import PAGE, account_id, actor, changes, may, now_clock, number, page, tell
from tandem.messenger.web.settings import counting


class SuppressionForm(TandemForm):
    """An address or a customer that shall get nothing more."""

    address = forms.CharField(
        label=gettext_lazy("E-mail address or mobile number"), required=False, max_length=254
    )
    original_id = forms.CharField(label=gettext_lazy("or customer id"), required=False, max_length=150)
    channel = forms.ChoiceField(
        label=gettext_lazy("Channel"),
        choices=[
            ("all", gettext_lazy("Email and SMS")),
            ("email", gettext_lazy("Email")),
            ("sms", gettext_lazy("SMS")),
        ],
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), required=False, max_length=200)

    def clean(self) -> dict[str, Any]:
        """One of the two ways to name a person."""
        data = super().clean() or {}
        if not data.get("address") and not data.get("original_id"):
            self.add_error("address", _("Give an e-mail address, a mobile number or a customer id."))
        return data


@require_GET
@page
def lists(request: HttpRequest) -> HttpResponse:
    """Every list with its counts."""
    context = {
        "lists": contacts_service.list_lists(account_id(request)),
        "may_change": may(request, "content"),
    }
    return render(request, "contacts/lists.html", context)


@require_GET
@page
def one_list(request: HttpRequest, list_id: int) -> HttpResponse:
    """A list's counts, its first contacts or those that match a search."""
    account, text = account_id(request), request.GET.get("q", "").strip()[:254]
    found = contacts_service.get_list(account, list_id)
    rows = contacts_service.find_contacts(account, list_id, text, limit=PAGE)
    context = {"list": found, "rows": rows, "q": text, "limit": PAGE, "may_change": may(request, "content")}
    context |= counting.context(request, list_id=list_id)
    return render(request, "contacts/one_list.html", context)


@require_http_methods(["GET", "POST"])
@page
@changes("sending")
def suppressions(request: HttpRequest) -> HttpResponse:
    """Addresses and customers that get nothing, newest first; a form to add one."""
    account = account_id(request)
    form = SuppressionForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _suppress(request, form):
        return redirect("suppressions")
    after = number(request.GET.get("after"))
    rows = contacts_service.list_suppressions(account, after=after, limit=PAGE + 1)
    context = {
        "rows": rows[:PAGE],
        "after": after,
        "next": rows[PAGE - 1].id if len(rows) > PAGE else None,
        "form": form,
        "may_change": may(request, "sending"),
    }
    return render(request, "contacts/suppressions.html", context, status=422 if form.errors else 200)


@require_POST
@page
@changes("sending")
def lift(request: HttpRequest, suppression_id: int) -> HttpResponse:
    """Take a suppression away."""
    account, clock = account_id(request), now_clock()
    try:
        contacts_service.lift_suppression(account, suppression_id)
    except NotFound:
        raise
    except Problem as problem:
        tell(request, problem)
    else:
        accounts.record(
            account,
            actor=actor(request),
            action="suppression lifted",
            subject=str(suppression_id),
            clock=clock,
        )
        messages.success(request, _("Taken off the suppression list."))
    return redirect("suppressions")


def _suppress(request: HttpRequest, form: SuppressionForm) -> bool:
    account, data, clock = account_id(request), form.cleaned_data, now_clock()
    try:
        contacts_service.suppress(
            account,
            address=data["address"],
            original_id=data["original_id"],
            channel=data["channel"],
            reason=data["reason"] or "manual",
            clock=clock,
        )
    except Problem as problem:
        form.problem(problem)
        return False
    accounts.record(
        account, actor=actor(request), action="suppression added", subject=data["channel"], clock=clock
    )
    messages.success(request, _("Added. It takes effect at once, also for sendings under way."))
    return True
