"""Send a test from a version's page, see the provider's answer; keep the addresses that tests may go to."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from tandem.kit.problems import NotFound, Problem
from tandem.kit.secrets import new_token
from tandem.kit.web import is_fragment
from tandem.messenger.accounts import prices
from tandem.messenger.accounts import service as accounts
from tandem.messenger.projects import service as projects
from tandem.messenger.testsends import service as testsends
from tandem.messenger.testsends.domain import MOST_AT_ONCE, Wish
from tandem.messenger.web.pages import account_id, actor, changes, may, now_clock, number, page, tell


@require_http_methods(["GET", "POST"])
@page
@changes("sending")
def send(request: HttpRequest, trigger_id: int, version_id: int) -> HttpResponse:
    """The form of a test, then its answers; asked for again with the same token it is not sent again."""
    account = account_id(request)
    trigger = projects.get_trigger(account, trigger_id)
    projects.check_version(account, trigger_id, version_id)
    if request.method == "GET":
        return _form(request, trigger, version_id, request.GET)
    wish = Wish(
        trigger_id=trigger_id,
        version_id=version_id,
        to=tuple(request.POST.getlist("to")),
        original_id=request.POST.get("contact", "").strip()[:150],
        key=request.POST.get("token", "")[:64],
    )
    try:
        done = testsends.send_test(account, wish, actor=actor(request), clock=now_clock())
    except Problem as problem:
        return _form(request, trigger, version_id, request.POST, problem=problem)
    if done.repeated:
        messages.info(request, _("This test was sent before; it was not sent again."))
    return redirect(_address("version-test", trigger_id, version_id, test=done.key, contact=wish.original_id))


def _form(
    request: HttpRequest, trigger: Any, version_id: int, said: Any, *, problem: Problem | None = None
) -> HttpResponse:
    account, clock = account_id(request), now_clock()
    context = {
        "trigger": trigger,
        "version": next(one for one in trigger.versions if one.id == version_id),
        "contact": said.get("contact", "")[:150],
        "chosen": said.getlist("to"),
        "addresses": testsends.list_addresses(account, channel=str(trigger.channel), verified_only=True),
        "most": MOST_AT_ONCE,
        "token": new_token(),
        "test": _test(request, said.get("test", ""), (trigger.id, version_id)),
        "problem": problem,
        "may_send": may(request, "sending"),
    }
    if is_fragment(request) and context["test"] is not None:
        return render(request, "testsends/_answers.html", context)
    context["recent"] = testsends.recent(account, trigger_id=trigger.id, limit=5, clock=clock)
    return render(request, "testsends/send.html", context, status=problem.status if problem else 200)


def _test(request: HttpRequest, key: str, of: tuple[int, int]) -> Any:
    if not key:
        return None
    try:
        found = testsends.show(account_id(request), key, clock=now_clock())
    except NotFound:
        return None
    return found if (found.trigger_id, found.version_id) == of else None


@require_GET
@page
def written(request: HttpRequest) -> HttpResponse:
    """Tests and codes that the file provider wrote."""
    return render(request, "testsends/written.html", {"rows": testsends.sent_messages(account_id(request))})


@require_http_methods(["GET", "POST"])
@page
@changes("users")
def addresses(request: HttpRequest) -> HttpResponse:
    """Where tests may go and what an SMS costs: add an address, take its code, send another one, remove it."""
    if request.method == "GET":
        return render(request, "settings/tests.html", _where_tests_go(request))
    try:
        messages.success(request, _do(request, request.POST.get("do", "")))
    except Problem as problem:
        tell(request, problem)
    return redirect("test-addresses")


def _where_tests_go(request: HttpRequest) -> dict[str, Any]:
    account = account_id(request)
    return {
        "account": accounts.get_account(account),
        "may_list": may(request, "users"),
        "test_addresses": testsends.list_addresses(account),
        "sms_price": prices.sms_price(account),
    }


def _do(request: HttpRequest, verb: str) -> str:
    account, who, clock = account_id(request), actor(request), now_clock()
    row = number(request.POST.get("address_id"))
    if verb == "add":
        made, line = testsends.add_address(account, request.POST.get("address", ""), actor=who, clock=clock)
        return _said(made.address, line)
    if verb == "code":
        line = testsends.send_code(account, row, actor=who, clock=clock)
        return _said(line.to, line)
    if verb == "verify":
        done = testsends.verify_address(account, row, request.POST.get("code", ""), actor=who, clock=clock)
        return _("%(address)s is verified; tests may go there.") % {"address": done.address}
    if verb == "price":
        prices.set_sms_price(account, request.POST.get("price", ""), actor=who, clock=clock)
        return _("The price is kept.")
    if verb == "remove":
        testsends.remove_address(account, row, actor=who, clock=clock)
        return _("Removed. Tests no longer go there.")
    raise NotFound(_("There is no such button."))


def _said(address: str, line: Any) -> str:
    said = _("The code for %(address)s: %(fate)s. %(answer)s")
    return said % {"address": address, "fate": line.fate, "answer": line.answer}


def _address(name: str, trigger_id: int, version_id: int, **query: str) -> str:
    return f"{reverse(name, args=[trigger_id, version_id])}?{urlencode(query)}"
