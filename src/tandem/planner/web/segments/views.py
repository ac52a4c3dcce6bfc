"""Segments: what they are worth, who moved between them, every table as a file."""

from collections.abc import Sequence
from typing import Any, Literal, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from tandem.kit.problems import NotFound
from tandem.planner.modelling.segments import movement, overview
from tandem.planner.web import ranges
from tandem.planner.web.access import page
from tandem.planner.web.segments import drawings

What = Literal["stage", "value_segment", "microsegment"]
Span = Literal["day", "week", "month"]
WHATS = {
    "stage": gettext_lazy("Stages"),
    "value_segment": gettext_lazy("Value segments"),
    "microsegment": gettext_lazy("Micro-segments"),
}
SPANS = {"day": gettext_lazy("A day"), "week": gettext_lazy("A week"), "month": gettext_lazy("A month")}


@page()
@require_GET
def segments(request: HttpRequest) -> HttpResponse:
    """Micro-segments and value segments today, and the movement of a day, week or month."""
    user: Any = request.user
    micro = [one for one in overview.microsegments(user.account_id) if one.members]
    found = _movement(request)
    currency = user.account.currency
    context = {
        "micro": _with_ranges(micro, currency),
        "plot": drawings.of_segments(micro, currency),
        "values": _with_ranges(overview.value_segments(user.account_id), currency),
        "basis": overview.basis(user.account_id),
        "movement": found,
        "picture": drawings.of_movement(found, currency) if found else None,
        "moves": drawings.largest_moves(found) if found else [],
        "what": _what(request), "span": _span(request), "whats": WHATS.items(), "spans": SPANS.items(),
        "currency": currency,
    }  # fmt: skip
    return render(request, "segments/segments.html", context)


@page()
@require_GET
def table(request: HttpRequest, name: str) -> HttpResponse:
    """One table as a file."""
    user: Any = request.user
    currency = user.account.currency
    if name == "movement":
        found = movement.movement(user.account_id, _what(request), _span(request))
        return _file(movement.movement_csv(found), f"movement-{_what(request)}-{_span(request)}")
    if name == "micro-segments":
        return _file(drawings.table_of(overview.microsegments(user.account_id), currency).as_csv(), name)
    if name == "value-segments":
        return _file(
            drawings.table_of_values(overview.value_segments(user.account_id), currency).as_csv(), name
        )
    raise NotFound(_("There is no such table."), _("Open the page of segments; every table links its file."))


def _with_ranges(found: Sequence[Any], currency: str) -> list[tuple[Any, str, str]]:
    """Each segment with the range of its mean future value and of its share in Churn, where it may be described."""
    return [
        (
            one,
            ranges.of_money(one.value_low, one.value_high, currency) if one.described else "",
            ranges.of_share(one.churn_low, one.churn_high) if one.described else "",
        )
        for one in found
    ]


def _file(text: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)


def _movement(request: HttpRequest) -> movement.Movement | None:
    """None before the first snapshot."""
    try:
        account_id: int = request.user.account_id  # type: ignore[union-attr]
        return movement.movement(account_id, _what(request), _span(request))
    except NotFound:
        return None


def _what(request: HttpRequest) -> What:
    wanted = request.GET.get("what", "")
    return cast(What, wanted if wanted in WHATS else "stage")


def _span(request: HttpRequest) -> Span:
    wanted = request.GET.get("span", "")
    return cast(Span, wanted if wanted in SPANS else "week")
