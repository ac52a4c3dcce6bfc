"""The limits of the lifecycle stages: shown, tried out, kept."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from tandem.kit.forms import TandemForm
from tandem.kit.problems import Problem
from tandem.kit.web import is_fragment
from tandem.planner.modelling.lifecycle import limits
from tandem.planner.modelling.lifecycle.domain import StageRules
from tandem.planner.modelling.service import stage_rules
from tandem.planner.web.access import go, now, page

_WHOLE = {
    "required": gettext_lazy("Give a whole number of days."),
    "invalid": gettext_lazy("Give a whole number of days."),
}


class StageForm(TandemForm):
    """Three limits in days."""

    new_days = forms.IntegerField(
        label=gettext_lazy("New until"),
        help_text=gettext_lazy("Days after the first purchase."),
        error_messages=_WHOLE,
    )
    at_risk_days = forms.IntegerField(
        label=gettext_lazy("At risk after"),
        help_text=gettext_lazy("Days without a purchase."),
        error_messages=_WHOLE,
    )
    churn_days = forms.IntegerField(
        label=gettext_lazy("Churn after"),
        help_text=gettext_lazy("Days without a purchase. Dormant is twice that, at least a year."),
        error_messages=_WHOLE,
    )


@page(technical=False)
@require_http_methods(["GET", "POST"])
def stages(request: HttpRequest) -> HttpResponseBase:
    """What each limit would mean; only *save* and *measure* write."""
    if request.method != "POST":
        return _show(request, StageForm(initial=_days(_rules(request))), _rules(request))
    if request.POST.get("do") == "measure":
        limits.measure_again(_account(request), actor=str(request.user), clock=now())
        messages.success(request, _("The limits are measured anew with the next snapshot."))
        return go(request, "/ui/settings/stages")
    form = StageForm(request.POST)
    rules = _checked(form)
    if rules is None:
        return _show(request, form, _rules(request), status=422)
    if request.POST.get("do") != "save":
        return _show(request, form, rules)
    limits.set_limits(_account(request), rules, actor=str(request.user), clock=now())
    messages.success(request, _("Saved. The next snapshot, tonight or after an import, uses these limits."))
    return go(request, "/ui/settings/stages")


def _checked(form: StageForm) -> StageRules | None:
    if not form.is_valid():
        return None
    try:
        return limits.checked_limits(**form.cleaned_data)
    except Problem as problem:
        form.problem(problem)
        return None


def _show(request: HttpRequest, form: StageForm, rules: StageRules, *, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "rules": rules,
        "by_hand": limits.limits_by_hand(_account(request)),
        "note": _rules(request).note,
        "preview": limits.preview_stages(_account(request), rules),
    }
    template = "settings/_stages.html" if is_fragment(request) else "settings/stages.html"
    return render(request, template, context, status=status)


def _rules(request: HttpRequest) -> StageRules:
    return stage_rules(_account(request))


def _account(request: HttpRequest) -> int:
    return int(request.user.account_id)  # type: ignore[union-attr]


def _days(rules: StageRules) -> dict[str, int]:
    return {"new_days": rules.new_days, "at_risk_days": rules.at_risk_days, "churn_days": rules.churn_days}
