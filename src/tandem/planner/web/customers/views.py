"""Customers: files in with a look before, progress, rejected rows; one person; forgetting."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from tandem.kit.problems import NotFound, Problem
from tandem.kit.web import is_fragment
from tandem.planner.customers import service
from tandem.planner.customers.domain import FileView, SnapshotRef, What
from tandem.planner.customers.score_words import HEADINGS
from tandem.planner.daily import intake
from tandem.planner.engine.domain import Attribute
from tandem.planner.modelling.scoring.service import explain_customer
from tandem.planner.web.access import now, page
from tandem.planner.web.customers.rights import purposes
from tandem.planner.web.words import shown

_WHATS = ("orders", "attributes")
#: shown beside each customer of the list, as far as the snapshot has them
_FIGURES = ("stage", "last_order", "orders", "total_spent")


@page()
def customers(request: HttpRequest) -> HttpResponse:
    """How many, how fresh, which files, and a list to look into."""
    account_id = request.user.account_id  # type: ignore[union-attr]
    search = request.GET.get("q", "").strip()
    after = request.GET.get("after", "")
    lines = service.list_customers(
        account_id, search=search, after=int(after) if after.isdigit() else 0, limit=26
    )
    snapshot = _snapshot(account_id)
    known = service.catalogue(account_id) if snapshot else ()
    columns = [one for name in _FIGURES for one in known if one.name == name]
    figures = _figures(request, [line.customer_id for line in lines[:25]], columns)
    context: dict[str, Any] = {
        "total": service.count_customers(account_id),
        "lines": [(line, figures.get(line.customer_id, ())) for line in lines[:25]],
        "headings": [one.label for one in columns],
        "named": any(line.first_name or line.last_name for line in lines[:25]),
        "more_after": lines[24].surrogate if len(lines) > 25 else None,
        "search": search,
        "snapshot": snapshot,
        "age": _age(request, snapshot),
        "attributes": known,
        "imports": service.imports(account_id),
        "uploads": intake.uploads(account_id),
    }
    return render(request, "customers/list.html", context)


def _figures(request: HttpRequest, ids: list[str], columns: list[Attribute]) -> dict[str, list[str]]:
    """For each customer the values of the columns, in words."""
    account: Any = request.user.account  # type: ignore[union-attr]
    found = service.attributes_for(account.id, ids, [one.name for one in columns]) if columns else {}
    return {
        customer: [
            shown(_typed(text, one.kind), one.kind, account.currency)
            for one, text in zip(columns, values, strict=True)
        ]
        for customer, values in found.items()
    }


def _typed(text: str | None, kind: str) -> Any:
    return date.fromisoformat(text[:10]) if text and kind == "date" else text


def _snapshot(account_id: int) -> SnapshotRef | None:
    try:
        return service.latest_snapshot(account_id)
    except NotFound:
        return None


def _age(request: HttpRequest, snapshot: SnapshotRef | None) -> int | None:
    """Days that the snapshot lacks: 0 when it holds all of yesterday."""
    if snapshot is None:
        return None
    zone = ZoneInfo(request.user.account.zone)  # type: ignore[union-attr]
    yesterday = now().business().astimezone(zone).date() - timedelta(days=1)
    return max(0, (yesterday - cast(date, snapshot.as_of)).days)


@page(write=True)
@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """Hand in a file."""
    if request.method == "GET":
        return render(request, "customers/upload.html", {"errors": []})
    file = request.FILES.get("file")
    if file is None or not file.size:
        words = _("Choose a file.") if file is None else _("The file is empty. Choose another.")
        return render(request, "customers/upload.html", {"errors": [("id_file", words)]}, status=422)
    account_id = request.user.account_id  # type: ignore[union-attr]
    taken = intake.receive(account_id, file.name or "", file.chunks(), what=_what(request), clock=now())
    return HttpResponseRedirect(f"/ui/customers/import/{taken.key}")


@page(write=True)
@require_http_methods(["GET", "POST"])
def mapping(request: HttpRequest, key: str) -> HttpResponse:
    """How the columns are read: look, change, try without writing, import."""
    account_id = request.user.account_id  # type: ignore[union-attr]
    taken = intake.find(account_id, key)
    if request.method == "POST" and request.POST.get("do") == "discard":
        intake.discard(account_id, key)
        messages.success(request, _("The file is thrown away; nothing was imported."))
        return HttpResponseRedirect("/ui/customers")
    if taken.busy or taken.state == "done":
        return HttpResponseRedirect(f"/ui/customers/import/{key}/progress")
    what = _what(request) if request.method == "POST" else taken.what
    wanted = request.POST.get("mapping", taken.mapping).strip()
    context: dict[str, Any] = {"upload": taken, "what": what, "mapping": wanted, "errors": []}
    try:
        context["view"] = view = intake.look(account_id, key, what=what, mapping=wanted)
    except Problem as problem:
        context["errors"] = [("id_mapping", f"{problem.detail} {problem.advice}".strip())]
        return render(request, "customers/mapping.html", context, status=problem.status)
    context |= {"rows": _purposes(request, view, taken.purposes), "purposes": purposes()}
    do = request.POST.get("do", "")
    if do in {"try", "import"}:
        intake.start(
            account_id, key, what=what, mapping=wanted or view.mapping, dry_run=do == "try",
            purposes={name: chosen for name, _label, chosen, _why in context["rows"]}, actor=str(request.user),
        )  # fmt: skip
        return HttpResponseRedirect(f"/ui/customers/import/{key}/progress")
    context["mapping"] = wanted or view.mapping
    return render(request, "customers/mapping.html", context)


def _purposes(request: HttpRequest, view: FileView, tried: dict[str, str]) -> list[tuple[str, str, str, str]]:
    """Each attribute of the file: name, label, chosen purpose, why another than models is suggested."""
    kept = {one.name: one.purpose for one in service.dictionary(request.user.account_id)}  # type: ignore[union-attr]
    return [
        (
            one.name,
            one.label,
            request.POST.get(f"purpose-{one.name}")
            or tried.get(one.name)
            or kept.get(one.name)
            or one.suggested,
            one.why,
        )
        for one in view.attributes
    ]


@page()
def progress(request: HttpRequest, key: str) -> HttpResponse:
    """How far it is; the work goes on when this page is left."""
    taken = intake.find(request.user.account_id, key)  # type: ignore[union-attr]
    template = "customers/_progress.html" if is_fragment(request) else "customers/progress.html"
    return render(
        request, template, {"upload": taken, "report": taken.report, "percent": round(100 * taken.share)}
    )


@page()
def rejected_rows(request: HttpRequest, key: str) -> HttpResponseBase:
    """The rows that a file's last run rejected, each with its reason."""
    taken = intake.find(request.user.account_id, key)  # type: ignore[union-attr]
    return _file(taken.errors, taken.name)


@page()
def old_rejected_rows(request: HttpRequest, import_id: int) -> HttpResponseBase:
    """The rejected rows of a finished import."""
    account_id = request.user.account_id  # type: ignore[union-attr]
    for report in service.imports(account_id, limit=1000):
        if report.id == import_id:
            return _file(str(report.errors or ""), report.file)
    raise NotFound(_("There is no such import."), "")


def _file(path: str, name: str) -> HttpResponseBase:
    file = Path(path)
    if not path or not file.is_file():
        raise NotFound(
            _("There is no file of rejected rows here."), _("No row was rejected, or it was thrown away.")
        )
    return FileResponse(
        file.open("rb"), as_attachment=True, filename=f"rejected-{Path(name).stem}{file.suffix}"
    )


@page()
def find(request: HttpRequest) -> HttpResponse:
    """From a typed id to the person's page."""
    wanted = request.GET.get("customer", "").strip()
    return _to_person(wanted) if wanted else HttpResponseRedirect("/ui/customers")


@page()
def person(request: HttpRequest, customer_id: str) -> HttpResponse:
    """All that is known of one customer."""
    account_id = request.user.account_id  # type: ignore[union-attr]
    view = service.get_customer(account_id, customer_id)
    currency = request.user.account.currency  # type: ignore[union-attr]
    sets: dict[str, list[tuple[str, str]]] = {}
    if view.attributes:
        for one in service.catalogue(account_id):
            if one.name in view.attributes:
                value = shown(view.attributes[one.name], one.kind, currency)
                if one.set not in HEADINGS or (value and "_permille" not in one.name):
                    sets.setdefault(one.set, []).append((one.label, value))
    said = service.preferences_of(account_id, view.surrogate)
    context = {
        "customer": view,
        "sets": sets,
        "preferences": said,
        "explanation": explain_customer(account_id, customer_id),
        "objections": (objections := service.objections_of(account_id, customer_id)),
        "objects": any(one.lifted_at is None for one in objections),
    }
    return render(request, "customers/person.html", context)


@page(technical=True)
@require_POST
def forget(request: HttpRequest) -> HttpResponse:
    """Forget one person for good, after the id was typed again."""
    account_id = request.user.account_id  # type: ignore[union-attr]
    customer_id = request.POST.get("customer", "")
    if request.POST.get("again", "").strip() != customer_id:
        messages.error(request, _("Type the customer's id again to confirm. Nothing was changed."))
        return _to_person(customer_id)
    report = service.forget(account_id, customer_id, clock=now())
    return render(request, "customers/forgotten.html", {"report": report})


def _to_person(customer_id: str) -> HttpResponse:
    return HttpResponseRedirect(f"/ui/customers/person/{quote(customer_id, safe='')}")


def _what(request: HttpRequest) -> What:
    wanted = request.POST.get("what", "orders")
    return cast(What, wanted if wanted in _WHATS else "orders")
