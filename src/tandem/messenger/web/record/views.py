"""The record of a person, and files of it."""

from collections.abc import Iterator
from typing import cast

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from tandem.messenger.delivery import service as delivery
from tandem.messenger.record import service
from tandem.messenger.web.pages import PAGE, account_id, number, page


@require_GET
@page
def person(request: HttpRequest) -> HttpResponse:
    """All that one customer was listed for: got or not, when, why not."""
    customer = request.GET.get("customer", "").strip()[:1000].replace("\0", "")
    before = number(request.GET.get("before")) or None
    rows = (
        service.of_customer(account_id(request), customer, before=before, limit=PAGE + 1) if customer else []
    )
    context = {
        "customer": customer,
        "rows": rows[:PAGE],
        "next": rows[PAGE - 1].sending_id if len(rows) > PAGE else None,
        "first": before is None,
        "months": service.months_kept(account_id(request)),
    }
    return render(request, "record/person.html", context)


@require_GET
@page
def person_file(request: HttpRequest) -> HttpResponse:
    """The same as a CSV file."""
    customer = request.GET.get("customer", "").strip()[:1000].replace("\0", "")
    return _file(service.lines(service.all_of_customer(account_id(request), customer)), "record.csv")


@require_GET
@page
def sending_file(request: HttpRequest, sending_id: int) -> HttpResponse:
    """A sending's rows as a CSV file."""
    account = account_id(request)
    delivery.get_sending(account, sending_id)
    return _file(service.lines(service.all_of_sending(account, sending_id)), f"sending-{sending_id}.csv")


def _file(lines: Iterator[str], name: str) -> HttpResponse:
    answer = StreamingHttpResponse((line.encode() for line in lines), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return cast(HttpResponse, answer)
