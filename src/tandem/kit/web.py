"""What the pages of both halves share: security headers, the clock, refusals as pages, the way home."""

import contextlib
import ipaddress
from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from tandem.kit import clock
from tandem.kit.problems import Problem

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; frame-src 'self'"
)

MOST_UNREAD = 64 * 1024


class ReadToEndMiddleware:
    """Reads what a refused call still sends, up to MOST_UNREAD bytes.

    A server closes a connection whose request was not read whole; a client that goes on with the next call on it at
    that moment is cut off without an answer.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, then read the rest."""
        response = self.get_response(request)
        with contextlib.suppress(OSError, ValueError):
            request.read(MOST_UNREAD)
        return response


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


class ProblemPagesMiddleware:
    """A Problem that leaves a view becomes a page (for htmx a fragment) with its words and status."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer a Problem under /ui/; leave all else alone."""
        if not isinstance(exception, Problem) or not request.path.startswith("/ui/"):
            return None
        template = "_problem.html" if is_fragment(request) else "problem.html"
        return render(request, template, {"problem": exception}, status=exception.status)


def client_address(request: HttpRequest) -> str:
    """The caller's network address; empty if it cannot be told."""
    return address_behind(request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For", ""))


def address_behind(peer: str, forwarded: str) -> str:
    """The caller's address behind the proxies of the setting; empty if it cannot be told.

    What such a proxy says of whom it spoke to is believed, from the nearest hop outwards.
    """
    trusted = _networks(settings.TANDEM_PROXIES)
    return _behind(peer, forwarded if trusted else "", trusted)


@lru_cache(maxsize=4096)
def _behind(
    peer: str, forwarded: str, trusted: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
) -> str:
    said = forwarded.split(",")
    address = _address(peer)
    while address and said and any(address in network for network in trusted):
        address = _address(said.pop())
    return str(address or "")


@lru_cache(maxsize=4)
def _networks(texts: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of a page."""
    return request.headers.get("HX-Request") == "true"


def page_context(request: HttpRequest) -> dict[str, object]:
    """What every template may show: the half, business time in the account's zone, demo mode."""
    now = clock.from_environment()
    account = getattr(getattr(request, "user", None), "account", None)
    return {
        "half": settings.TANDEM_HALF,
        "business_now": now.business(),
        "clock_moved": bool(now.offset),
        "zone": getattr(account, "zone", "UTC"),
        "demo_mode": (settings.TANDEM_HOME / "demo.json").exists(),
    }


def go_home(request: HttpRequest) -> HttpResponse:
    """`/` leads to the pages."""
    return HttpResponseRedirect("/ui/")
