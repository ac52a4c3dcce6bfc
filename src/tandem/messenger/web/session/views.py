"""Signing in and out: slow for guessers, the same answer for every refusal."""

from datetime import timedelta

from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from tandem.kit.throttle import Throttle
from tandem.kit.web import client_address
from tandem.messenger.web.pages import now_clock

_by_address = Throttle(10, timedelta(minutes=15))
_by_origin = Throttle(50, timedelta(minutes=15))


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in form; a failure says the same whether the address is known or not."""
    following = _following(request)
    if request.user.is_authenticated:
        return redirect(following)
    error = _try(request) if request.method == "POST" else ""
    if request.user.is_authenticated:
        return redirect(following)
    context = {"error": error, "email": request.POST.get("email", "")[:254], "next": following}
    return render(request, "session/sign_in.html", context, status=422 if error else 200)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect("sign-in")


def _try(request: HttpRequest) -> str:
    email = request.POST.get("email", "").strip().lower()[:254]
    keys = ((_by_address, email), (_by_origin, client_address(request)))
    now = now_clock().system()
    if any(throttle.wait(key, now) for throttle, key in keys):
        return _("Too many tries. Wait 15 minutes, then try again.")
    user = authenticate(request, username=email, password=request.POST.get("password", ""))
    if user is None:
        for throttle, key in keys:
            throttle.failed(key, now)
        return _("The e-mail address and the password do not belong together. Check both and try again.")
    _by_address.forget(email)
    login(request, user)
    return ""


def _following(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else "/ui/"
