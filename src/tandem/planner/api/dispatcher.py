"""One view for every function and version of the vendor's API: finds it, knows the caller, answers byte for byte."""

import logging
from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from tandem.contract.planner_api import EXPIRED, KEY_HEADER, ONCE_HEADER, ONCE_OFFERED, TOKEN_HEADER
from tandem.contract.reading import ContractBroken
from tandem.kit import clock as clocks
from tandem.kit.clock import Clock
from tandem.kit.http import loads_strictly
from tandem.kit.problems import Problem
from tandem.kit.web import client_address
from tandem.planner.accounts import service as accounts
from tandem.planner.accounts.domain import Caller, Rights
from tandem.planner.accounts.errors import (
    NotFromHere,
    TokenExpired,
    TooManyCalls,
    TooManyFailures,
    TooManyLogins,
    WrongCredentials,
)
from tandem.planner.api.attributes import add_attributes
from tandem.planner.api.call import ApiError, Call, Expired, page
from tandem.planner.api.function import Function
from tandem.planner.api.reading import read_body, read_query
from tandem.planner.api.table import find

log = logging.getLogger(__name__)

_TOO_MANY = {
    "status": 429,
    "error": "Too Many Requests",
    "message": "You have exceeded the rate limit for this API group. Please retry later.",
}


@csrf_exempt
def dispatch(request: HttpRequest, path: str) -> HttpResponse:
    """Answer one call."""
    response = _respond(request, path)
    response.headers[ONCE_OFFERED] = "1"
    return response


def _respond(request: HttpRequest, path: str) -> HttpResponse:
    try:
        return _ok(_answer(request, path, clocks.from_environment()))
    except ApiError as error:
        return _json(error.words, error.status, error.headers)
    except Expired:
        return HttpResponse(EXPIRED, status=403, content_type="text/plain; charset=utf-8")
    except (ContractBroken, Problem) as error:
        return _refusal(error)
    except Exception:
        log.exception("api.call.failed")
        return _json("Internal Server Error", 500)


def _answer(request: HttpRequest, path: str, clock: Clock) -> Any:
    found = find(path)
    if found is None:
        raise ApiError(404, "Not Found")
    function, version, given = found
    caller = None if function.open else _caller(request, clock)
    _check(function, caller, request.method or "")
    query = {key.lower(): values[-1] for key, values in request.GET.lists()}
    return _run(function, _read(function, caller, version, query | given, request, clock))


def _read(
    function: Function,
    caller: Caller | None,
    version: str,
    query: dict[str, str],
    request: HttpRequest,
    clock: Clock,
) -> Call:
    skip, top = page(query, function.page)
    reads_body = function.body is not None and request.method != "GET"
    return Call(
        caller=caller,
        version=version,
        query=query,
        args=read_query(function.params, query),
        bodies=read_body(function.body, _body(request, function.body.size))
        if function.body and reads_body
        else (),
        skip=skip,
        top=top,
        clock=clock,
        address=client_address(request),
        once=request.headers.get(ONCE_HEADER, "")[:200],
    )


def _run(function: Function, call: Call) -> Any:
    assert function.answer is not None  # noqa: S101 - _check answered 404
    found = function.answer(call)
    if not function.page:
        return found
    if isinstance(found, bytes):
        return found
    rows = found if function.pages_itself else list(found)[call.skip : call.skip + call.top]
    if function.attributes:
        add_attributes(call, rows)
    return rows


def _caller(request: HttpRequest, clock: Clock) -> Caller:
    key, token = request.headers.get(KEY_HEADER, ""), request.headers.get(TOKEN_HEADER, "")
    address = client_address(request)
    if key:
        return accounts.caller_of_key(key, address=address, clock=clock)
    if not token:
        raise ApiError(401, "Unauthorized")
    try:
        return accounts.caller_of_token(token, address=address, clock=clock)
    except TokenExpired as error:
        raise Expired from error


def _check(function: Function, caller: Caller | None, method: str) -> None:
    if caller is not None and not _may_call(caller, function):
        raise ApiError(403, "Forbidden")
    if function.answer is None:
        raise ApiError(404, "Not Found")
    if method not in function.methods:
        raise ApiError(405, "Method Not Allowed", {"Allow": ", ".join(function.methods)})


def _may_call(caller: Caller, function: Function) -> bool:
    if caller.rights is Rights.THIRD_PARTY and not function.third_party:
        return False
    return function.of_the_key or caller.may_call(function.group, function.name)


def _body(request: HttpRequest, most: int) -> Any:
    if len(request.body) > most:
        raise ApiError(400, "Bad Request")
    if not request.body.strip():
        raise ApiError(400, "Bad Request")
    try:
        return loads_strictly(request.body)
    except ValueError as error:
        raise ApiError(400, "Bad Request") from error


def _refusal(error: ContractBroken | Problem) -> HttpResponse:
    if isinstance(error, ContractBroken):
        return _json(str(error) or "Bad Request", 400)
    if isinstance(error, WrongCredentials):
        return _json("Unauthorized", 401)
    if isinstance(error, NotFromHere):
        return _json("Forbidden", 403)
    if isinstance(error, TooManyCalls):
        return _json(_TOO_MANY, 429, {"Retry-After": str(error.wait)})
    if isinstance(error, TooManyFailures | TooManyLogins):
        wait = "900" if isinstance(error, TooManyFailures) else "1"
        return _json(_TOO_MANY, 429, {"Retry-After": wait})
    if error.status == 404:
        return _json("Not Found", 404)
    if error.status in (400, 409, 422):
        return _json(error.detail, 400)
    log.error("api.call.failed", exc_info=error)
    return _json("Internal Server Error", 500)


def _ok(answer: Any) -> HttpResponse:
    if answer is None:
        return HttpResponse(b"", content_type="application/json; charset=utf-8")
    return _json(answer, 200)


def _json(document: object, status: int, headers: Mapping[str, str] | None = None) -> HttpResponse:
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    response = HttpResponse(body, status=status, content_type="application/json; charset=utf-8")
    response.headers["Content-Length"] = str(len(body))
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response
