"""The listener's door: POST /listener/<secret>."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from tandem.kit import clock as clocks
from tandem.kit.failpoints import failpoint
from tandem.messenger.listener import service
from tandem.messenger.listener.domain import MAX_EVENT_BYTES
from tandem.messenger.listener.errors import UnknownListener


@csrf_exempt
def receive(request: HttpRequest, secret: str) -> HttpResponse:
    """Keep the event and answer; the work comes after."""
    if request.method != "POST":
        answer = JsonResponse({"detail": "Events are POSTed here."}, status=405)
        answer.headers["Allow"] = "POST"
        return answer
    if int(request.headers.get("Content-Length") or 0) > MAX_EVENT_BYTES:
        return JsonResponse({"detail": "The event is too large."}, status=413)
    try:
        receipt = service.receive_event(
            secret,
            request.body,
            message_id=request.headers.get("webhook-id", ""),
            clock=clocks.from_environment(),
        )
    except UnknownListener:
        return JsonResponse({"detail": "There is nothing at this address."}, status=404)
    failpoint("m3")
    return JsonResponse({"detail": receipt.words}, status=receipt.status)
