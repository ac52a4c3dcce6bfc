"""Exports of statistics: ask for one, see how far each is, download it."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from tandem.kit.forms import TandemForm
from tandem.kit.problems import Problem
from tandem.kit.web import is_fragment
from tandem.messenger.accounts import service as accounts
from tandem.messenger.exports import service
from tandem.messenger.exports.domain import THINGS, ExportType, Period
from tandem.messenger.web.pages import PAGE, account_id, actor, now_clock, number, page, slice_of

TYPES = {
    ExportType.SENT: gettext_lazy("Sent messages"),
    ExportType.HARD_BOUNCES: gettext_lazy("Hard bounces"),
    ExportType.SOFT_BOUNCES: gettext_lazy("Soft bounces"),
    ExportType.OPTOUTS: gettext_lazy("Unsubscribes"),
    ExportType.OPENS: gettext_lazy("Opens"),
    ExportType.CLICKS: gettext_lazy("Clicks"),
    ExportType.MESSAGES: gettext_lazy("Messages with their numbers"),
    ExportType.CAMPAIGNS: gettext_lazy("Versions of all triggers"),
    ExportType.PROJECTS: gettext_lazy("Projects"),
    ExportType.LISTS: gettext_lazy("Lists"),
}
PERIODS = {
    Period.TODAY: gettext_lazy("Since midnight"),
    Period.LAST_DAY: gettext_lazy("The last 24 hours"),
    Period.LAST_3_DAYS: gettext_lazy("The last 3 days"),
    Period.LAST_WEEK: gettext_lazy("The last week"),
    Period.LAST_2_WEEKS: gettext_lazy("The last 2 weeks"),
}


class ExportForm(TandemForm):
    """What is exported, and how far back."""

    kind = forms.ChoiceField(
        label=gettext_lazy("What"), choices=[(kind.value, words) for kind, words in TYPES.items()]
    )
    period = forms.ChoiceField(
        label=gettext_lazy("How far back"),
        choices=[(period.value, words) for period, words in PERIODS.items()],
        help_text=gettext_lazy("Projects, lists and versions are all there are."),
    )


@require_http_methods(["GET", "POST"])
@page
def exports(request: HttpRequest) -> HttpResponse:
    """Every export, newest first; a form to ask for another. Looking at numbers needs no special role."""
    form = ExportForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _start(request, form):
        return redirect("exports")
    offset, now = number(request.GET.get("from")), now_clock().system()
    found = service.list_exports(account_id(request), limit=PAGE + 1, offset=offset)
    rows = [(one, TYPES[one.type], one.type in THINGS, one.is_kept(now)) for one in found]
    context = {
        "form": form,
        "page": slice_of(rows, offset),
        "moves": any(one.status != "FINISHED" for one in found),
    }
    template = "exports/_rows.html" if is_fragment(request) else "exports/list.html"
    return render(request, template, context, status=422 if form.errors else 200)


@require_GET
@page
def download(request: HttpRequest, export_id: int) -> HttpResponse:
    """To the result, by a link that counts for an hour."""
    return redirect(service.result_url(account_id(request), export_id, clock=now_clock()))


def _start(request: HttpRequest, form: ExportForm) -> bool:
    account, data, clock = account_id(request), form.cleaned_data, now_clock()
    try:
        made = service.start_export(account, data["kind"], data["period"], clock=clock)
    except Problem as problem:
        form.problem(problem)
        return False
    accounts.record(account, actor=actor(request), action="export made", subject=made.type.value, clock=clock)
    messages.success(request, _("The export is being made. It can be downloaded here for a week."))
    return True
