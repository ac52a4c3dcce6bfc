"""Replies by people: read, done with, and to whom they are passed on."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tandem.kit.problems import Problem
from tandem.messenger.bounces import service
from tandem.messenger.web.pages import PAGE, account_id, actor, changes, may, now_clock, number, page, tell


@require_GET
@page
def replies(request: HttpRequest) -> HttpResponse:
    """The newest first, and to whom they go."""
    account = account_id(request)
    rows = service.list_replies(account, before=number(request.GET.get("before")), limit=PAGE + 1)
    context = {
        "rows": rows[:PAGE],
        "next": rows[PAGE - 1].id if len(rows) > PAGE else None,
        "addresses": service.reply_addresses(account),
        "may_change": may(request, "content"),
    }
    return render(request, "bounces/replies.html", context)


@require_GET
@page
def reply(request: HttpRequest, reply_id: int) -> HttpResponse:
    """One of them: text, nothing of it is run or fetched."""
    found = service.read_reply(account_id(request), reply_id)
    return render(request, "bounces/reply.html", {"reply": found, "may_change": may(request, "sending")})


@require_POST
@page
@changes("sending")
def act(request: HttpRequest, reply_id: int) -> HttpResponse:
    """Done with, or unsubscribed as the person asked."""
    unsubscribe = request.POST.get("do") == "unsubscribe"
    service.finish_reply(
        account_id(request), reply_id, unsubscribe=unsubscribe, actor=actor(request), clock=now_clock()
    )
    messages.success(request, _("Unsubscribed.") if unsubscribe else _("Done; its content is deleted."))
    return redirect("replies")


@require_POST
@page
@changes("content")
def forward(request: HttpRequest) -> HttpResponse:
    """Choose to whom replies go; no address = they are only shown."""
    try:
        service.set_address(
            account_id(request), request.POST.get("address", ""), sender=request.POST.get("sender", ""),
            actor=actor(request), clock=now_clock(),
        )  # fmt: skip
        messages.success(request, _("Saved."))
    except Problem as problem:
        tell(request, problem)
    return redirect("replies")
