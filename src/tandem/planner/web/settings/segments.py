"""Value segments and their shares, and the micro-segments: looked at; only *save* writes."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from tandem.kit.forms import TandemForm
from tandem.kit.problems import Problem
from tandem.planner.modelling.lifecycle.domain import Stage
from tandem.planner.modelling.segments import overview
from tandem.planner.modelling.segments.domain import Method
from tandem.planner.web.access import go, now, page

_NUMBER = {
    "required": gettext_lazy("Give a number above 0."),
    "invalid": gettext_lazy("Give a number above 0."),
}


METHODS = (
    (str(Method.QUANTILES), gettext_lazy("By quantiles")),
    (str(Method.KMEANS), gettext_lazy("By k-means")),
)


class ShareForm(TandemForm):
    """A share in percent for each value segment."""

    diamond = forms.FloatField(label="Diamond", error_messages=_NUMBER)
    platinum = forms.FloatField(label="Platinum", error_messages=_NUMBER)
    gold = forms.FloatField(label="Gold", error_messages=_NUMBER)
    silver = forms.FloatField(label="Silver", error_messages=_NUMBER)
    bronze = forms.FloatField(label="Bronze", error_messages=_NUMBER)


class LayerForm(TandemForm):
    """A method for each stage."""

    def __init__(self, layers: Sequence[tuple[Stage, Method]], data: Any = None) -> None:
        super().__init__(data, prefix="layer")
        for stage, method in layers:
            self.fields[str(stage)] = forms.ChoiceField(
                label=str(stage),
                choices=METHODS,
                initial=str(method),
                widget=forms.Select(attrs={"class": "form-select"}),
            )


@page()
@require_http_methods(["GET", "POST"])
def segments(request: HttpRequest) -> HttpResponseBase:
    """The segments of the newest day, and the shares the next ones are cut by."""
    account_id: int = request.user.account_id  # type: ignore[union-attr]
    values = overview.value_segments(account_id)
    initial = {one.name.lower(): f"{one.share:g}" for one in values}
    asked = request.POST.get("what") == "layers"
    form = ShareForm(None if asked else request.POST or None, initial=initial)
    layers = LayerForm(overview.layers(account_id), request.POST if asked else None)
    if asked and _cut_otherwise(request, account_id, layers):
        messages.success(request, _("Saved. The next snapshot cuts the micro-segments so."))
        return go(request, "/ui/settings/segments")
    if not asked and request.method == "POST" and _saved(request, account_id, form):
        messages.success(request, _("Saved. The next snapshot cuts the value segments by these shares."))
        return go(request, "/ui/settings/segments")
    context = {
        "form": form,
        "layers": layers,
        "values": values,
        "basis": overview.basis(account_id),
        "micro": overview.microsegments(account_id),
        "currency": request.user.account.currency,  # type: ignore[union-attr]
    }
    return render(
        request, "settings/segments.html", context, status=422 if form.errors or layers.errors else 200
    )


def _cut_otherwise(request: HttpRequest, account_id: int, form: LayerForm) -> bool:
    if not form.is_valid():
        return False
    overview.set_layers(account_id, form.cleaned_data, actor=str(request.user), clock=now())
    return True


def _saved(request: HttpRequest, account_id: int, form: ShareForm) -> bool:
    if not form.is_valid():
        return False
    shares = tuple(form.cleaned_data[name] for name in form.fields)
    try:
        overview.set_value_shares(account_id, shares, actor=str(request.user), clock=now())
    except Problem as problem:
        form.problem(problem)
        return False
    return True
