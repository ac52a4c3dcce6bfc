"""A file of contacts into a list: hand it in, say what its columns are, see what would happen, confirm."""

from typing import Any, cast

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from tandem.kit.problems import NotFound, Problem
from tandem.messenger.accounts import service as accounts
from tandem.messenger.contacts import service as contacts
from tandem.messenger.web.pages import account_id, actor, changes, may, now_clock, number, page

#: the vendor's names of attributes, which files and APIs use, in words
_WORDS = {
    "originalId": gettext_lazy("Customer id"),
    "emailAddress": gettext_lazy("Email address"),
    "mobileNumber": gettext_lazy("Mobile number"),
    "firstName": gettext_lazy("First name"),
    "middleName": gettext_lazy("Middle name"),
    "lastName": gettext_lazy("Last name"),
    "title": gettext_lazy("Title"),
    "dateOfBirth": gettext_lazy("Date of birth"),
    "city": gettext_lazy("City"),
    "zipCode": gettext_lazy("Postal code"),
    "country": gettext_lazy("Country"),
    "sex": gettext_lazy("Sex"),
    "unsubscribed": gettext_lazy("Unsubscribed from email"),
    "mobileUnsubscribed": gettext_lazy("Unsubscribed from SMS"),
}


@require_http_methods(["GET", "POST"])
@page
@changes("content")
def upload(request: HttpRequest, list_id: int) -> HttpResponse:
    """Hand in a file; nothing is imported yet."""
    account = account_id(request)
    found, errors = contacts.get_list(account, list_id), []
    if request.method == "POST":
        file = request.FILES.get("file")
        if file is None:
            errors = [("id_file", _("Choose a file."))]
        else:
            try:
                batch = contacts.plan_import(
                    account, list_id, file.chunks(), file_name=file.name or "", door="page", actor=actor(request),
                    clock=now_clock(),
                )  # fmt: skip
                return redirect("import-plan", list_id, batch)
            except Problem as problem:
                errors = [("id_file", f"{problem.detail} {problem.advice}".strip())]
    context = {"list": found, "errors": errors, "may_change": may(request, "content")}
    return render(request, "contacts/import_file.html", context, status=422 if errors else 200)


@require_http_methods(["GET", "POST"])
@page
@changes("content")
def plan(request: HttpRequest, list_id: int, batch_id: int) -> HttpResponse:
    """One import: its columns, what it would do, how far it is, what came of it."""
    account = account_id(request)
    found = contacts.get_list(account, list_id)
    _of_list(account, list_id, batch_id)
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        try:
            _act(request, batch_id)
            return redirect("import-plan", list_id, batch_id)
        except Problem as problem:
            errors = [
                (f"id_{problem.field}" if problem.field else "", f"{problem.detail} {problem.advice}".strip())
            ]
    planned = _of_list(account, list_id, batch_id)
    context = {
        "list": found, "plan": planned, "errors": errors, "columns": _columns(request, planned),
        "targets": [(one, _WORDS.get(one, one)) for one in planned.targets],
        "percent": round(100 * planned.share), "may_change": may(request, "content"),
        "kind": request.POST.get("kind", planned.kind),
    }  # fmt: skip
    return render(request, "contacts/import_plan.html", context, status=422 if errors else 200)


@require_GET
@page
def refused(request: HttpRequest, list_id: int, batch_id: int) -> HttpResponse:
    """The rows that were refused, as a file."""
    account = account_id(request)
    _of_list(account, list_id, batch_id)
    path = contacts.error_file(account, batch_id)
    if path is None:
        raise Http404
    file = FileResponse(
        path.open("rb"), as_attachment=True, filename=f"refused-{batch_id}.csv", content_type="text/csv"
    )
    return cast(HttpResponse, file)


def _of_list(account: int, list_id: int, batch_id: int) -> Any:
    planned = contacts.planned_import(account, batch_id)
    if planned.list_id != list_id:
        raise NotFound(_("There is no such import in this list."), _("Go back to the list."))
    return planned


def _act(request: HttpRequest, batch_id: int) -> None:
    account, clock = account_id(request), now_clock()
    if request.POST.get("do") == "run":
        typed = request.POST.get("inactive", "").strip().replace(" ", "")
        contacts.confirm_import(
            account, batch_id, inactive=number(typed, default=-1) if typed else None, clock=clock
        )
        accounts.record(
            account, actor=actor(request), action="contacts imported", subject=str(batch_id), clock=clock
        )
        messages.success(request, _("The import runs. Nobody is subscribed again by it."))
        return
    planned = contacts.planned_import(account, batch_id)
    chosen = [request.POST.get(f"column_{n}", "")[:120] for n in range(len(planned.columns))]
    ticked = [n for n in range(len(planned.columns)) if request.POST.get(f"new_{n}")]
    mapping = contacts.with_new(planned.columns, chosen, ticked)
    contacts.choose_columns(account, batch_id, mapping, kind=request.POST.get("kind", "ADD"), clock=clock)


def _columns(request: HttpRequest, planned: Any) -> list[dict[str, Any]]:
    """Each column with what it is, and its first cells."""
    said = request.POST if request.method == "POST" else {}
    rows = []
    for place, name in enumerate(planned.columns):
        target = said.get(f"column_{place}", planned.mapping[place] if place < len(planned.mapping) else "")
        rows.append(
            {
                "place": place,
                "name": name,
                "target": target.removeprefix("+") if target.startswith("+") else target,
                "is_new": target.startswith("+") or bool(said.get(f"new_{place}")),
                "cells": [row[place] for row in planned.samples if place < len(row)],
            }
        )
    return rows
