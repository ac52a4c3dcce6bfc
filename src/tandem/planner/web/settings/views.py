"""The account's settings: API credentials, users, and who did what."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tandem.kit.problems import Problem
from tandem.planner.accounts import service as accounts
from tandem.planner.web.access import now, page
from tandem.planner.web.settings.forms import CredentialForm, UserForm


@page()
def settings(request: HttpRequest) -> HttpResponse:
    """Everything on one page."""
    return _show(request)


@page(admin=True)
@require_POST
def make_credential(request: HttpRequest) -> HttpResponse:
    """Make a program's user, password and key; shown in this answer and never again."""
    user: Any = request.user
    form = CredentialForm(request.POST, groups=accounts.function_groups())
    if not form.is_valid():
        return _show(request, credential_form=form, status=422)
    data = form.cleaned_data
    try:
        made = accounts.create_api_credential(
            user.account_id,
            user_name=data["user_name"] or None,
            rights=data["rights"],
            restriction=form.restriction(),
            actor=user.email,
            clock=now(),
        )
    except Problem as problem:
        form.problem(problem)
        return _show(request, credential_form=form, status=problem.status)
    return _show(request, made=made)


@page(admin=True)
@require_POST
def disable_credential(request: HttpRequest, credential_id: int) -> HttpResponse:
    """Switch a program off."""
    user: Any = request.user
    accounts.disable_credential(user.account_id, credential_id=credential_id, actor=user.email, clock=now())
    messages.success(request, _("Switched off. Programs that use it are refused from now on."))
    return HttpResponseRedirect("/ui/settings")


@page(admin=True)
@require_POST
def make_user(request: HttpRequest) -> HttpResponse:
    """Add a person."""
    user: Any = request.user
    form = UserForm(request.POST, auto_id="id_user_%s")
    if not form.is_valid():
        return _show(request, user_form=form, status=422)
    try:
        made = accounts.create_user(user.account_id, **form.cleaned_data, actor=user.email, clock=now())
    except Problem as problem:
        form.problem(problem)
        return _show(request, user_form=form, status=problem.status)
    messages.success(request, _("%(email)s may sign in now.") % {"email": made.email})
    return HttpResponseRedirect("/ui/settings")


def _show(
    request: HttpRequest,
    *,
    credential_form: CredentialForm | None = None,
    user_form: UserForm | None = None,
    made: Any = None,
    status: int = 200,
) -> HttpResponse:
    account_id = request.user.account_id  # type: ignore[union-attr]
    shown = [form for form in (credential_form, user_form) if form is not None]
    context: dict[str, Any] = {
        "account": accounts.get_account(account_id),
        "credentials": accounts.list_credentials(account_id),
        "users": accounts.list_users(account_id),
        "activity": accounts.recent_activity(account_id, limit=50),
        "credential_form": credential_form or CredentialForm(groups=accounts.function_groups()),
        "user_form": user_form or UserForm(auto_id="id_user_%s"),
        "errors": [line for form in shown for line in form.summary()],
        "made": made,
    }
    return render(request, "settings/settings.html", context, status=status)
