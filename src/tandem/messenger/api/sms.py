"""The gateways' doors: POST /sms/<token>/receipt and /sms/<token>/incoming."""

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from tandem.kit import clock as clocks
from tandem.messenger.gateways.errors import BadSignature, GatewayWrong, UnknownDoor
from tandem.messenger.sms import service
from tandem.messenger.sms.service.doors import MOST_BODY


@csrf_exempt
def receive(request: HttpRequest, door: str, what: str) -> HttpResponse:
    """Keep the call-back and answer; gateways tell again what was not answered 2xx. Its body is empty: no reply."""
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    length = request.headers.get("Content-Length") or "0"
    if not length.isdigit() or int(length) > MOST_BODY:
        return _said(413, "The call-back is too large.")
    try:
        body = request.body
        if len(body) > MOST_BODY:
            return _said(413, "The call-back is too large.")
        service.take(
            door,
            what,
            query=request.META.get("QUERY_STRING", ""),
            body=body,
            kind=request.headers.get("Content-Type", "").lower(),
            headers={name.lower(): value for name, value in request.headers.items()},
            clock=clocks.from_environment(),
        )
    except UnknownDoor:
        return _said(404, "There is nothing at this address.")
    except (BadSignature, GatewayWrong) as problem:
        return _said(problem.status, problem.detail)
    except OperationalError:
        return _said(503, "It was not stored. Please tell it again.")
    return HttpResponse(status=204)


def _said(status: int, words: str) -> HttpResponse:
    return HttpResponse(words, status=status, content_type="text/plain; charset=utf-8")
