"""The unsubscribe link of a message. GET shows a page, only POST acts (RFC 8058)."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from tandem.kit import clock as clocks
from tandem.messenger.delivery import service as delivery
from tandem.messenger.reporting import unsubscribes
from tandem.messenger.tracking.answers import HEADERS, answered, plain_page

MAX_BODY = 16 * 1024
FORM = '<form method="post"><button type="submit">Unsubscribe</button></form>'


async def ask(request: Request) -> Response:
    """The confirmation page; link scanners that fetch it change nothing."""
    return await answered(lambda: _look(request.path_params["token"]))


async def unsubscribe(request: Request) -> Response:
    """End the subscription; the answer comes after the commit, the same however often it is asked."""
    if int(request.headers.get("content-length") or 0) > MAX_BODY:
        return PlainTextResponse("Too large.", status_code=413, headers=HEADERS)
    return await answered(lambda: _unsubscribe(request.path_params["token"]))


def _look(token: str) -> Response:
    delivery.check_token(token)
    return plain_page(200, "Unsubscribe", "Do you want no more messages from this list?", FORM)


def _unsubscribe(token: str) -> Response:
    unsubscribes.unsubscribe_by_token(token, clock=clocks.from_environment())
    return plain_page(200, "You are unsubscribed", "You get no more messages from this list.")
