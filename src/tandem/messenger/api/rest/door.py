"""The door: signs the caller in, finds the handler by method and path, answers JSON always."""

import logging
from collections.abc import Callable
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from tandem.kit import clock as clocks
from tandem.kit.problems import Problem
from tandem.messenger.accounts.domain import Caller
from tandem.messenger.accounts.service import authenticate_api
from tandem.messenger.api.rest.call import Call, segments_of
from tandem.messenger.api.rest.endpoint import Endpoint
from tandem.messenger.api.rest.table import ENDPOINTS, KNOWN

logger = logging.getLogger(__name__)


class NotServed(Problem):
    """Nothing is done at this address, or not by this method."""

    title = "Nothing here"

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


@csrf_exempt
def answer(request: HttpRequest) -> HttpResponse:
    """Any request under /rest/. Never an empty body, never 204, never a redirect."""
    try:
        segments = segments_of(request)
        caller = _caller(request, segments[0])
        endpoint, path = _route(request.method or "GET", segments[1:])
        call = Call(request, caller.account_id, caller.user_name, path, clocks.from_environment())
        return _json(_of(endpoint)(call), 200)
    except Problem as problem:
        refused = _error(problem.status, f"{problem.detail} {problem.advice}".strip())
        if problem.status == 401:
            refused.headers["WWW-Authenticate"] = 'Basic realm="Symplify", charset="UTF-8"'
        if wait := getattr(problem, "retry_after", 0):
            refused.headers["Retry-After"] = str(wait)
        return refused
    except Exception:
        logger.exception("REST call failed")
        return _error(500, "Something went wrong here. It was logged.")


def _caller(request: HttpRequest, said: str) -> Caller:
    customer_id = int(said) if said.isascii() and said.isdigit() and len(said) < 16 else 0
    return authenticate_api(
        token=request.headers.get("X-Carma-Authentication-Token"),
        authorization=request.headers.get("Authorization"),
        customer_id=customer_id,
    )


def _route(method: str, segments: tuple[str, ...]) -> tuple[Endpoint, dict[str, str]]:
    """The call at this address and its path parameters. Raises NotServed."""
    if any("\0" in segment for segment in segments):
        raise NotServed(404, "A part of this address has a NUL character in it.")
    if segments and segments[-1] == "" and segments[-2:-1] != ("contacts",):
        segments = segments[:-1]  # one final slash is allowed
    method = "GET" if method == "HEAD" else method
    found = [(one, path) for one in ENDPOINTS if (path := one.read(segments)) is not None]
    for one, path in found:
        if one.method == method:
            return one, path
    if found and method not in ("POST", "PUT", "DELETE"):
        raise NotServed(405, f"This address takes {', '.join(sorted({one.method for one, _ in found}))}.")
    if "" in segments:
        raise NotServed(404, "A part of this address is empty.")
    if segments and segments[0].lower() in KNOWN:
        raise NotServed(501, "This messenger does not offer this call.")
    raise NotServed(404, "There is nothing at this address.")


def _of(endpoint: Endpoint) -> Callable[[Call], Any]:
    if endpoint.answer is None:
        raise NotServed(501, f"This messenger does not offer this call. {endpoint.meaning}".strip())
    return endpoint.answer


def _json(document: object, status: int) -> HttpResponse:
    return HttpResponse(orjson.dumps(document), status=status, content_type="application/json")


def _error(status: int, words: str) -> HttpResponse:
    return _json({"error": words}, status)
