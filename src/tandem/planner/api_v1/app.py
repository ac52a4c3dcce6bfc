"""The API itself: keys, strict JSON in, problems of RFC 9457 out."""

import logging
from http import HTTPStatus
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.parser import Parser
from ninja.security import APIKeyHeader

from tandem.contract.planner_api import KEY_HEADER
from tandem.kit import clock as clocks
from tandem.kit.clock import Clock
from tandem.kit.http import loads_strictly
from tandem.kit.problems import Problem
from tandem.kit.web import client_address
from tandem.planner.accounts import service as accounts
from tandem.planner.accounts.domain import OWN_API, Caller, Rights
from tandem.planner.accounts.errors import TooManyCalls, WrongCredentials

log = logging.getLogger(__name__)
PROBLEM_TYPE = "application/problem+json"
MOST_BYTES = 1024 * 1024
DEEPEST = 64


class ProblemOut(Schema):
    """What went wrong (RFC 9457): words for people, and the field where it is one field's fault."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    advice: str = ""
    field: str = ""


class NotForThirdParties(Problem):
    """The key is for one channel's vendor functions only."""

    title = "Not allowed"
    status = 403


class BodyUnreadable(Problem):
    """The body is too large, or no JSON."""

    title = "The body cannot be read"


class StrictParser(Parser):
    """JSON within limits, no key twice, no NaN."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The document. Raises BodyUnreadable."""
        if len(request.body) > MOST_BYTES:
            raise BodyUnreadable("The body is larger than 1 MiB.", "Send less at a time.")
        try:
            document = loads_strictly(request.body)
        except ValueError as error:
            raise BodyUnreadable("The body is not JSON.", "Send one JSON object in UTF-8.") from error
        if _depth(document) > DEEPEST:
            raise BodyUnreadable("The body is nested too deeply.")
        return document


class ApiKey(APIKeyHeader):
    """The keys of the account's credentials, with their limits."""

    param_name = KEY_HEADER

    def authenticate(self, request: HttpRequest, key: str | None) -> Caller:
        """Who calls. Raises WrongCredentials, NotForThirdParties, NotFromHere, TooManyCalls."""
        if not key:
            raise WrongCredentials("The call carries no key.", f"Send it in the header {KEY_HEADER}.")
        caller = accounts.caller_of_key(key, address=client_address(request), clock=clock())
        if caller.rights is Rights.THIRD_PARTY or not caller.may_call(OWN_API, "*"):
            raise NotForThirdParties(
                "This key is held to functions of the vendor's API.", "Use a key with full rights."
            )
        return caller


api = NinjaAPI(
    title="Tandem planner",
    version="1",
    description="The planner's own API. Every answer that is not 2xx is a problem (RFC 9457) with words for people. "
    "Lists come in pages: `next` of one page is `after` of the following one, and null on the last.",
    docs_url=None,
    urls_namespace="planner_v1",
    auth=ApiKey(),
    parser=StrictParser(),
)


def clock() -> Clock:
    """The clock of this process."""
    return clocks.from_environment()


def caller(request: HttpRequest) -> Caller:
    """Who calls."""
    found: Caller = request.auth  # type: ignore[attr-defined]
    return found


def actor(request: HttpRequest) -> str:
    """The caller's name in the record of who did what."""
    return f"api {caller(request).user_name}"


def problem(status: int, title: str, detail: str, *, advice: str = "", field: str = "") -> HttpResponse:
    """A problem as an answer."""
    document = {
        "type": "about:blank", "title": title, "status": status, "detail": detail, "advice": advice, "field": field,
    }  # fmt: skip
    return HttpResponse(orjson.dumps(document), status=status, content_type=PROBLEM_TYPE)


@api.exception_handler(Problem)
def _problem(request: HttpRequest, error: Problem) -> HttpResponse:
    title = "Wrong API key" if isinstance(error, WrongCredentials) else error.title
    response = problem(error.status, title, error.detail, advice=error.advice, field=error.field)
    if isinstance(error, TooManyCalls):
        response.headers["Retry-After"] = str(error.wait)
    if error.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = f'ApiKey header="{KEY_HEADER}"'
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("api_v1.call.failed %s", error.title, exc_info=error)
    return response


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    first = error.errors[0]
    place = [str(part) for part in first["loc"][1:]]
    field = ".".join(place[1:] if first["loc"][0] == "body" and len(place) > 1 else place)
    words = f"{field or 'The body'}: {first['msg'][:1].lower()}{first['msg'][1:]}."
    return problem(422, "Refused", words, advice="See /api/v1/docs.", field=field)


@api.exception_handler(AuthenticationError)
def _unauthorised(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return problem(401, "Wrong API key", "The key is not known.")


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem(error.status_code, HTTPStatus(error.status_code).phrase, error.message)


@api.exception_handler(Exception)
def _failed(request: HttpRequest, error: Exception) -> HttpResponse:
    log.exception("api_v1.call.failed", exc_info=error)
    return problem(
        500, "The planner failed", "Something went wrong here, not with your call.", advice="Try again later."
    )


def _depth(document: Any) -> int:
    deepest, row = 0, [document]
    while row and deepest <= DEEPEST:
        deepest += 1
        row = [
            inner
            for outer in row
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return deepest
