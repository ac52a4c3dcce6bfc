"""What attributes may be used for, and a person's objection to profiling."""

from urllib.parse import quote

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from tandem.kit.problems import Problem
from tandem.planner.customers import service
from tandem.planner.customers.purposes import MEANINGS, Purpose
from tandem.planner.web.access import now, page


@page()
@require_http_methods(["GET", "POST"])
def dictionary(request: HttpRequest) -> HttpResponse:
    """The account's own attributes and those of the orders, with their purposes."""
    account_id: int = request.user.account_id  # type: ignore[union-attr]
    rows, of_orders = service.dictionary(account_id), service.order_dictionary(account_id)
    if request.method == "POST":
        changed = 0
        for row in (*rows, *of_orders):
            wanted = request.POST.get(f"purpose-{row.name}", row.purpose)
            if wanted != row.purpose:
                service.set_purpose(account_id, row.name, wanted, actor=str(request.user), clock=now())
                changed += 1
        messages.success(
            request,
            _("Saved. It counts from the next snapshot on.") if changed else _("Nothing was changed."),
        )
        return HttpResponseRedirect("/ui/customers/attributes")
    context = {
        "rows": rows, "purposes": purposes(), "of_orders": of_orders,
        "purposes_of_orders": [one for one in purposes() if one[0] != Purpose.IDENTITY],
    }  # fmt: skip
    return render(request, "customers/attributes.html", context)


def purposes() -> list[tuple[str, str]]:
    """Each purpose with its meaning."""
    return [(str(purpose), words) for purpose, words in MEANINGS.items()]


@page(write=True)
@require_POST
def objection(request: HttpRequest) -> HttpResponse:
    """Write down that a person objects to profiling, or wishes otherwise."""
    account_id: int = request.user.account_id  # type: ignore[union-attr]
    customer_id, how = request.POST.get("customer", ""), request.POST.get("how", "")
    lifting = request.POST.get("do") == "lift"
    verb = service.lift_objection if lifting else service.object_to_profiling
    there = f"/ui/customers/person/{quote(customer_id, safe='')}"
    service.surrogate_of(account_id, customer_id)
    try:
        verb(account_id, customer_id, how=how, actor=str(request.user), clock=now())
    except Problem as problem:
        messages.error(request, f"{problem.detail} {problem.advice}".strip())
        return HttpResponseRedirect(there)
    messages.success(request, _("Written down. It counts from the next daily cycle on."))
    return HttpResponseRedirect(there)
