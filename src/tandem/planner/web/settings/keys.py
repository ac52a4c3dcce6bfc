"""One program's page: its last use, what it is held to, a new key for the old one."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from tandem.kit.problems import Problem
from tandem.planner.accounts import service as accounts
from tandem.planner.web.access import now, page
from tandem.planner.web.settings.forms import RestrictionForm


@page(admin=True)
@require_http_methods(["GET", "POST"])
def key(request: HttpRequest, credential_id: int) -> HttpResponse:
    """Show it; hold it to something."""
    user: Any = request.user
    if request.method == "GET":
        return _show(request, credential_id)
    form = RestrictionForm(request.POST, groups=accounts.function_groups())
    if not form.is_valid():
        return _show(request, credential_id, form=form, status=422)
    try:
        accounts.restrict_credential(
            user.account_id, credential_id=credential_id, restriction=form.restriction(), actor=user.email,
            clock=now(),
        )  # fmt: skip
    except Problem as problem:
        form.problem(problem)
        return _show(request, credential_id, form=form, status=problem.status)
    messages.success(request, _("Saved. It counts from the next call."))
    return HttpResponseRedirect(f"/ui/settings/credentials/{credential_id}")


@page(admin=True)
@require_POST
def rotate(request: HttpRequest, credential_id: int) -> HttpResponse:
    """A new key, shown in this answer and never again."""
    user: Any = request.user
    made = accounts.rotate_key(user.account_id, credential_id=credential_id, actor=user.email, clock=now())
    return _show(request, credential_id, made=made)


def _show(
    request: HttpRequest,
    credential_id: int,
    *,
    form: RestrictionForm | None = None,
    made: Any = None,
    status: int = 200,
) -> HttpResponse:
    account_id = request.user.account_id  # type: ignore[union-attr]
    found = accounts.get_credential(account_id, credential_id)
    held = found.restriction
    initial = {
        "functions": list(held.functions),
        "networks": "\n".join(held.networks),
        "limit": held.limit,
    }
    context = {
        "credential": found,
        "limit": accounts.key_limit(account_id, credential_id),
        "form": form or RestrictionForm(initial=initial, groups=accounts.function_groups()),
        "errors": form.summary() if form else [],
        "made": made,
    }
    return render(request, "settings/key.html", context, status=status)
