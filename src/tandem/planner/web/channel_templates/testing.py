"""Test messages of a template: the form, and what the messenger's provider said."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from tandem.kit.problems import Problem
from tandem.kit.secrets import new_token
from tandem.kit.web import is_fragment
from tandem.planner.channels import service as channels
from tandem.planner.web.access import go, now, page
from tandem.planner.web.channel_templates.sampling import walk

MOST = 20


@page(write=True)
@require_http_methods(["GET", "POST"])
def test(request: HttpRequest, connection_id: int, template_id: int) -> HttpResponseBase:
    """The form, then the answers; posted again with the same token nothing is sent again."""
    account_id = request.user.account_id  # type: ignore[union-attr]
    connection = channels.get_account(account_id, connection_id)
    template = channels.get_template(account_id, connection_id, template_id)
    said = request.POST if request.method == "POST" else request.GET
    if request.method == "GET":
        return _form(request, connection, template, said)
    customer, group = said.get("customer", "").strip()[:150], said.get("group", "")
    try:
        made = channels.send_test(
            account_id, connection_id, template_id, customer, said.getlist("to"),
            version_id=_number(said.get("version", "")), key=said.get("token", "")[:64],
            actor=request.user.email, clock=now(),  # type: ignore[union-attr]
        )  # fmt: skip
    except Problem as problem:
        return _form(request, connection, template, said, problem=problem)
    if made.repeated:
        messages.info(request, _("This test was sent before; it was not sent again."))
    query = urlencode(
        {"test": made.id, "customer": customer, "group": group, "version": said.get("version", "")[:20]}
    )
    return go(request, f"/ui/templates/{connection_id}/{template_id}/test?{query}")


def _form(
    request: HttpRequest, connection: Any, template: Any, said: Any, *, problem: Problem | None = None
) -> HttpResponse:
    account_id = request.user.account_id  # type: ignore[union-attr]
    context: dict[str, Any] = {
        "connection": connection, "template": template, "problem": problem, "most": MOST, "token": new_token(),
        "chosen": said.getlist("to"),
    }  # fmt: skip
    test_id = said.get("test", "")[:100]
    if test_id and request.method == "GET":
        context |= _answers(account_id, connection.id, template.id, test_id, _number(said.get("version", "")))
        names = ("test", "customer", "group", "version")
        context["here"] = urlencode({name: said.get(name, "") for name in names})
        if is_fragment(request):
            return render(request, "channel_templates/_answers.html", context)
    context["walk"] = walk(account_id, said.get("group", ""), said.get("customer", ""))
    try:
        context["addresses"] = channels.test_addresses(account_id, connection.id, template.id)
        context["versions"] = channels.test_versions(account_id, connection.id, template.id)
        context["version"] = _number(said.get("version", ""))
    except Problem as found:
        context["no_tests"] = found
    status = problem.status if problem else 200
    return render(request, "channel_templates/test.html", context, status=status)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0


def _answers(
    account_id: int, connection_id: int, template_id: int, test_id: str, version_id: int
) -> dict[str, Any]:
    try:
        return {"test": channels.show_test(account_id, connection_id, template_id, test_id, version_id)}
    except Problem as problem:
        return {"answers_problem": problem}
