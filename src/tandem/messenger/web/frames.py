"""Foreign HTML in its own address: no scripts, no forms, no origin, nothing loaded but what the page allows."""

from django.http import HttpResponse


def framed(html: str, *, pictures: str) -> HttpResponse:
    """The document for `<iframe sandbox>`; `pictures` = the sources that CSP lets images come from."""
    answer = HttpResponse(html)
    answer["Content-Security-Policy"] = (
        f"sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src {pictures}; font-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
    answer["X-Frame-Options"] = "SAMEORIGIN"
    answer["Referrer-Policy"] = "no-referrer"
    answer["Cache-Control"] = "private, no-store"
    return answer
