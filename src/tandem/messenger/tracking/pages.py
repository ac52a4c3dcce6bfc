"""Pages of the recipients' door that change nothing: a message again, how one leaves a list."""

import html

from starlette.requests import Request
from starlette.responses import Response

from tandem.kit import clock as clocks
from tandem.messenger.messages import service as messages
from tandem.messenger.tracking import shown
from tandem.messenger.tracking.answers import HEADERS, answered, plain_page


async def see(request: Request) -> Response:
    """A message again, as it was sent."""
    return await answered(lambda: _see(request.path_params["token"]))


async def list_page(request: Request) -> Response:
    """How one leaves a list."""
    return await answered(lambda: _list(request.path_params["token"]))


def _see(token: str) -> Response:
    return shown.answer(messages.show(token, clock=clocks.from_environment()), HEADERS)


def _list(token: str) -> Response:
    name = html.escape(messages.list_name(token))
    words = f"Open the unsubscribe link in any message from {name}. It is yours alone, and ends the messages to you."
    return plain_page(200, "Unsubscribe", words)
