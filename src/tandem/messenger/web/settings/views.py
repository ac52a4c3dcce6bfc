"""Settings: programs' ways in (secrets shown once), people, who did what."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from tandem.kit.problems import Problem
from tandem.messenger.accounts import service as accounts
from tandem.messenger.web.pages import account_id, changes, may, note, number, page, tell
from tandem.messenger.web.sendings import doubt
from tandem.messenger.web.settings import counting


@require_GET
@page
def settings(request: HttpRequest) -> HttpResponse:
    """What can be set and where; the account, its people, who did what."""
    return render(request, "settings/settings.html", _context(request))


@require_http_methods(["GET", "POST"])
@page
@changes("connection")
def api_users(request: HttpRequest) -> HttpResponse:
    """Make, renew or close a program's way in; new secrets are on this answer and nowhere else."""
    if request.method == "GET":
        return render(request, "settings/api_users.html", _ways_in(request))
    verb = request.POST.get("do", "")
    try:
        shown = _do(request, verb)
    except Problem as problem:
        if verb == "create":
            context = _ways_in(request) | {
                "error": problem,
                "user_name": request.POST.get("user_name", "")[:150],
            }
            return render(request, "settings/api_users.html", context, status=problem.status)
        tell(request, problem)
        return redirect("api-users")
    if shown is None:
        return redirect("api-users")
    return render(request, "settings/secrets.html", shown)


def _do(request: HttpRequest, verb: str) -> dict[str, str] | None:
    account, user_id = account_id(request), number(request.POST.get("user"))
    if verb == "create":
        made = accounts.create_api_user(account, request.POST.get("user_name", "").strip())
        note(request, "API user made", made.user_name)
        return {"user_name": made.user_name, "password": made.password, "token": made.token}
    if verb == "token":
        token = accounts.new_token(account, user_id)
        note(request, "API token renewed", str(user_id))
        return {"user_name": "", "password": "", "token": token}
    if verb == "close":
        accounts.deactivate_api_user(account, user_id)
        note(request, "API user closed", str(user_id))
        messages.success(request, _("Closed. Its password and token no longer work."))
    return None


def _ways_in(request: HttpRequest) -> dict[str, object]:
    users = accounts.list_api_users(account_id(request))
    return {"api_users": users, "may_change": may(request, "connection")}


def _context(request: HttpRequest) -> dict[str, object]:
    account = account_id(request)
    return {
        "account": accounts.get_account(account),
        "people": accounts.list_users(account),
        "activity": accounts.recent_activity(account, limit=30),
        **counting.context(request),
        **doubt.context(request),
    }
