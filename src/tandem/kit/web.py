"""What the pages of both halves share: security headers, the clock on every page, the way home."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from tandem.kit import clock

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; frame-src 'self'"
)


class SecurityHeadersMiddleware:
    """A strict Content-Security-Policy on every answer that does not set its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add the headers."""
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        return response


def page_context(request: HttpRequest) -> dict[str, object]:
    """What every template may show: the half, business time, whether that time is moved."""
    now = clock.from_environment()
    return {"half": settings.TANDEM_HALF, "business_now": now.business(), "clock_moved": bool(now.offset)}


def go_home(request: HttpRequest) -> HttpResponse:
    """`/` leads to the pages."""
    return HttpResponseRedirect("/ui/")
