"""Who may open a page: signed in, of a role; and the clock of the pages."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect

from tandem.kit import clock
from tandem.kit.problems import Problem

View = Callable[..., HttpResponseBase]
EDITORS = frozenset({"administrator", "marketer", "approver", "engineer"})
TECHNICAL = frozenset({"administrator", "engineer"})
ADMINISTRATORS = frozenset({"administrator"})


class NotAllowed(Problem):
    """The user's role does not include this."""

    title = "Not allowed"
    status = 403


@dataclass(frozen=True, kw_only=True)
class Rights:
    """What the signed-in user may do; templates hide what is not allowed, views refuse it."""

    edit: bool
    technical: bool
    admin: bool

    @classmethod
    def of(cls, role: str) -> "Rights":
        """The rights of a role."""
        return cls(edit=role in EDITORS, technical=role in TECHNICAL, admin=role in ADMINISTRATORS)


def now() -> clock.Clock:
    """The clock of this process."""
    return clock.from_environment()


def page(*, write: bool = False, technical: bool = False, admin: bool = False) -> Callable[[View], View]:
    """A page of the signed-in user's account; a POST needs at least the right to edit."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            user: Any = request.user
            if not user.is_authenticated:
                return _to_sign_in(request)
            rights = Rights.of(user.role)
            request.rights = rights  # type: ignore[attr-defined]
            wants_edit = write or request.method not in {"GET", "HEAD"}
            if (
                (admin and not rights.admin)
                or (technical and not rights.technical)
                or (wants_edit and not rights.edit)
            ):
                raise NotAllowed(
                    f"Your role, {user.role}, does not include this.", "Ask an administrator of the account."
                )
            response = view(request, *args, **kwargs)
            response.headers.setdefault("Cache-Control", "no-store")
            return response

        return guarded

    return decorate


def _to_sign_in(request: HttpRequest) -> HttpResponseBase:
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=401, headers={"HX-Redirect": "/ui/sign-in"})
    return redirect_to_login(request.get_full_path(), "/ui/sign-in")


def go(request: HttpRequest, url: str) -> HttpResponseBase:
    """Lead the browser on after a change, with htmx or without."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=200, headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)
