"""One contact: what holds in every list, how it came about, what was sent; unsubscribing by the house."""

import csv
import io
import json

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from tandem.kit.forms import TandemForm
from tandem.messenger.accounts import service as accounts
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.mapping import safe_cell
from tandem.messenger.contacts.proofs import Door, Proof
from tandem.messenger.messages import service as message_service
from tandem.messenger.web.pages import account_id, actor, changes, may, now_clock, page
from tandem.messenger.web.settings import counting

MESSAGES = 20


class UnsubscribeForm(TandemForm):
    """By which channel, and why the house does it."""

    channel = forms.ChoiceField(
        label=gettext_lazy("Channel"),
        choices=[("email", gettext_lazy("Email")), ("sms", gettext_lazy("SMS"))],
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        help_text=gettext_lazy("Such as: asked by telephone. It is part of the proof."),
        error_messages={"required": gettext_lazy("Say why.")},
    )


@require_GET
@page
def contact(request: HttpRequest, list_id: int, original_id: str) -> HttpResponse:
    """One contact."""
    return _shown(request, list_id, original_id, UnsubscribeForm())


@require_POST
@page
@changes("sending")
def unsubscribe(request: HttpRequest, list_id: int, original_id: str) -> HttpResponse:
    """End one channel of this list for the contact. Starting again is the person's alone."""
    account, form, clock = account_id(request), UnsubscribeForm(request.POST), now_clock()
    if not form.is_valid():
        return _shown(request, list_id, original_id, form, status=422)
    found, data = contacts.get_contact(account, list_id, original_id), form.cleaned_data
    proof = Proof(door=Door.OPERATOR, actor=actor(request), detail=data["reason"])
    ended = contacts.unsubscribe(
        account, found.id, data["channel"], source="operator", proof=proof, clock=clock
    )
    if ended:
        accounts.record(
            account, actor=actor(request), action="contact unsubscribed", subject=str(found.id), clock=clock
        )
        messages.success(request, _("Unsubscribed. It takes effect at once, also for sendings under way."))
    else:
        messages.info(request, _("This had ended already."))
    return redirect("contact", list_id, original_id)


@require_GET
@page
def consent_file(request: HttpRequest, list_id: int, original_id: str, shape: str) -> HttpResponse:
    """The proof of one person's consent, to hand out or keep."""
    account = account_id(request)
    contacts.get_contact(account, list_id, original_id)
    lines = [contacts.proof_line(view) for view in contacts.proofs_of(account, original_id)]
    if shape == "json":
        body = json.dumps({"originalId": original_id, "consent": lines}, ensure_ascii=False, indent=1)
        answer = HttpResponse(body, content_type="application/json")
    elif shape == "csv":
        sheet = io.StringIO()
        rows = csv.writer(sheet)
        rows.writerow(contacts.PROOF_COLUMNS)
        rows.writerows(
            [safe_cell(str(line[name] or "")) for name in contacts.PROOF_COLUMNS] for line in lines
        )
        answer = HttpResponse(sheet.getvalue(), content_type="text/csv; charset=utf-8")
    else:
        raise Http404
    answer["Content-Disposition"] = f'attachment; filename="consent.{shape}"'
    return answer


def _shown(
    request: HttpRequest, list_id: int, original_id: str, form: UnsubscribeForm, status: int = 200
) -> HttpResponse:
    account = account_id(request)
    found = contacts.get_contact(account, list_id, original_id)
    context = {
        "list": contacts.get_list(account, list_id),
        "contact": found,
        "standings": contacts.standings(account, original_id),
        "proofs": contacts.proofs_of(account, original_id),
        "suppressions": contacts.suppressions_of(account, original_id),
        "received": message_service.messages_of_contact(
            account, list_id, original_id, since=None, limit=MESSAGES, clock=now_clock()
        ),
        "bounce": message_service.last_bounce(account, list_id, found.id),
        "form": form,
        "may_change": may(request, "sending"),
        **counting.context(request, contact_id=found.id),
    }
    return render(request, "contacts/contact.html", context, status=status)
