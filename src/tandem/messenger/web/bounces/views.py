"""What came back: numbers, the newest, the mails that nobody understood."""

from datetime import timedelta
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tandem.kit.problems import Problem
from tandem.messenger.accounts import service as accounts
from tandem.messenger.bounces import service
from tandem.messenger.bounces.domain import Category, Kind
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.service import bouncing
from tandem.messenger.web.pages import PAGE, account_id, actor, changes, may, now_clock, number, page, tell

DAYS = 30


@require_GET
@page
def bounces(request: HttpRequest) -> HttpResponse:
    """Numbers of thirty days, and what came back, the newest first, filtered as the query says."""
    account = account_id(request)
    chosen = {
        "kind": _known(request.GET.get("kind", ""), Kind),
        "category": _known(request.GET.get("category", ""), Category),
        "domain": request.GET.get("domain", "").strip()[:255],
        "sending": request.GET.get("sending", ""),
    }
    sending = number(chosen["sending"]) or None
    rows = service.list_bounces(
        account,
        kinds=[Kind(chosen["kind"])] if chosen["kind"] else [],
        category=chosen["category"],
        domain=chosen["domain"],
        sending_id=sending,
        before=number(request.GET.get("before")),
        limit=PAGE + 1,
    )
    context = {
        "numbers": service.numbers(account, since=now_clock().business() - timedelta(days=DAYS)),
        "quarantined": service.quarantine_size(account),
        "replies": service.replies_number(account),
        "rows": rows[:PAGE],
        "next": rows[PAGE - 1].id if len(rows) > PAGE else None,
        "chosen": chosen,
        "is_chosen": any(chosen.values()),
        "query": urlencode({name: value for name, value in chosen.items() if value}),
        "kinds": list(Kind),
        "categories": list(Category),
        "days": DAYS,
    }
    return render(request, "bounces/list.html", context)


@require_GET
@page
def quarantine(request: HttpRequest) -> HttpResponse:
    """Mails that were put aside."""
    rows = service.quarantined(account_id(request), before=number(request.GET.get("before")), limit=PAGE + 1)
    context = {"rows": rows[:PAGE], "next": rows[PAGE - 1].id if len(rows) > PAGE else None}
    return render(request, "bounces/quarantine.html", context)


@require_GET
@page
def mail(request: HttpRequest, mail_id: int) -> HttpResponse:
    """One of them as it came: text, nothing of it is run or fetched."""
    found = service.read_quarantined(account_id(request), mail_id)
    context = {"mail": found, "may_change": may(request, "sending")}
    return render(request, "bounces/mail.html", context)


@require_POST
@page
@changes("sending")
def act(request: HttpRequest, mail_id: int) -> HttpResponse:
    """Dismiss a mail, or believe a complaint that proves nothing."""
    account, verb = account_id(request), request.POST.get("do", "")
    service.read_quarantined(account, mail_id)
    try:
        if verb == "believe":
            done = service.believe(account, mail_id, actor=actor(request), clock=now_clock())
            messages.success(request, _("%(n)s addresses get no more mail.") % {"n": done})
        elif verb == "dismiss":
            service.dismiss(account, mail_id, actor=actor(request), clock=now_clock())
            messages.success(request, _("Dismissed; its content is deleted."))
    except Problem as problem:
        tell(request, problem)
        return redirect("quarantined-mail", mail_id)
    return redirect("quarantine")


@require_POST
@page
@changes("sending")
def lift(request: HttpRequest, list_id: int, original_id: str) -> HttpResponse:
    """Send mail again to a contact that had bounced."""
    account = account_id(request)
    contact_id = contacts.contact_id_of(account, list_id, original_id)
    if bouncing.lift_bounced(account, contact_id, clock=now_clock()):
        accounts.record(
            account, actor=actor(request), action="bounce lifted", subject=str(contact_id), clock=now_clock()
        )
        messages.success(request, _("Mail goes to this contact again."))
    return redirect("contact", list_id, original_id)


def _known(text: str, words: type[Kind] | type[Category]) -> str:
    return text if text in list(words) else ""
