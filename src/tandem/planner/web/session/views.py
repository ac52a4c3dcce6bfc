"""Signing in, with one answer for every wrong pair, and out."""

from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from tandem.kit.problems import Problem
from tandem.kit.web import client_address
from tandem.planner.accounts import service as accounts
from tandem.planner.web.access import now
from tandem.planner.web.session.forms import SignInForm

_BACKEND = "django.contrib.auth.backends.ModelBackend"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page."""
    if request.user.is_authenticated:
        return HttpResponseRedirect(_next(request))
    form = SignInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = accounts.authenticate(
                form.cleaned_data["email"],
                form.cleaned_data["password"],
                address=client_address(request),
                clock=now(),
            )
        except Problem as problem:
            form.problem(problem)
            return _page(request, form, problem.status)
        login(request, user, backend=_BACKEND)
        return HttpResponseRedirect(_next(request))
    return _page(request, form, 422 if request.method == "POST" else 200)


def _page(request: HttpRequest, form: SignInForm, status: int) -> HttpResponse:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    return render(request, "session/sign_in.html", {"form": form, "next": wanted}, status=status)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return HttpResponseRedirect("/ui/sign-in")


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    return wanted if url_has_allowed_host_and_scheme(wanted, {request.get_host()}) else "/ui/"
