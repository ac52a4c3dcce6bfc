"""Addresses of the own API, under /api/v1/."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, path, re_path
from django.views.decorators.csrf import csrf_exempt

from tandem.planner.api_v1.app import api, problem
from tandem.planner.api_v1.document import document, pages


def openapi(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document."""
    return JsonResponse(document())


def docs(request: HttpRequest) -> HttpResponse:
    """The same for people, on a page without foreign scripts."""
    return render(request, "api_v1/docs.html", {"document": document(), "sections": pages()})


@csrf_exempt
def nothing_here(request: HttpRequest, rest: str) -> HttpResponse:
    """An address that is none."""
    return problem(404, "Not found", "There is nothing at this address.", advice="See /api/v1/docs.")


def _with_words(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A method that is not allowed is a problem like the others."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if response.status_code != 405:
            return response
        allowed = ", ".join(sorted(response.headers["Allow"].replace(" ", "").split(",")))
        told = problem(
            405, "Method not allowed", f"This address takes {allowed}.", advice="See /api/v1/docs."
        )
        told.headers["Allow"] = allowed
        return told

    return answer


def _own() -> list[URLPattern | URLResolver]:
    found: list[URLPattern | URLResolver] = []
    for pattern in api.urls[0]:
        if isinstance(pattern, URLPattern) and pattern.name not in ("openapi-json", "api-root"):
            pattern.callback = _with_words(pattern.callback)
            found.append(pattern)
    return found


urlpatterns: list[URLPattern | URLResolver] = [
    path("openapi.json", openapi),
    path("docs", docs),
    *_own(),
    re_path(r"^(?P<rest>[\s\S]*)\Z", nothing_here),
]
