"""The two addresses a Send Gate is given: the contact file and the finishUri. Both are unguessable."""

import orjson
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from tandem.kit import clock as clocks
from tandem.kit.problems import Problem
from tandem.messenger.sendgate import service as gates

LARGEST = 64 * 1024 * 1024
HEADERS = {"Cache-Control": "no-store", "Content-Disposition": "attachment"}


@require_safe
def contacts(request: HttpRequest, token: str) -> HttpResponseBase:
    """The contacts of a held sending, JSON Lines, read as they are sent."""
    try:
        lines = gates.open_file(
            token,
            expires=request.GET.get("expires", ""),
            signature=request.GET.get("signature", ""),
            clock=clocks.from_environment(),
        )
    except Problem as problem:
        return _refused(problem)
    return StreamingHttpResponse(lines, content_type="application/jsonl", headers=HEADERS)


@csrf_exempt
@require_POST
def finish(request: HttpRequest, token: str) -> HttpResponse:
    """The gate's answer: which messages are rejected, what is added to others; the rest goes."""
    body = request.read(LARGEST + 1)
    if len(body) > LARGEST:
        return _json({"error": f"The body is larger than {LARGEST >> 20} MB."}, 413)
    try:
        view = gates.finish(token, body, clock=clocks.from_environment())
    except Problem as problem:
        return _refused(problem)
    words = (
        f"Sendout {view.sending_id} goes: {view.rejected} messages rejected, {view.added} with added data."
    )
    return _json({"message": words, "rejected": view.rejected, "added": view.added}, 200)


def _refused(problem: Problem) -> HttpResponse:
    return _json({"error": f"{problem.detail} {problem.advice}".strip()}, problem.status)


def _json(document: object, status: int) -> HttpResponse:
    return HttpResponse(
        orjson.dumps(document),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
