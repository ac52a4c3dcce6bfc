"""Pages of the recipients' door that change nothing: a message again, how one leaves a list."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from tandem.kit import clock as clocks
from tandem.messenger.messages import service as messages
from tandem.messenger.subscriptions import showing
from tandem.messenger.subscriptions.domain import chosen_language
from tandem.messenger.tracking import shown
from tandem.messenger.tracking.answers import HEADERS, answered


async def see(request: Request) -> Response:
    """A message again, as it was sent."""
    return await answered(lambda: _see(request.path_params["token"]))


async def list_page(request: Request) -> Response:
    """How one leaves a list."""
    language = chosen_language(
        asked=request.query_params.get("lang", "")[:12],
        attribute="",
        country="",
        header=request.headers.get("accept-language", ""),
        usual="",
    )
    return await answered(lambda: _list(request.path_params["token"], language))


def _see(token: str) -> Response:
    return shown.answer(messages.show(token, clock=clocks.from_environment()), HEADERS)


def _list(token: str, language: str) -> Response:
    page = showing.leave_page(language, messages.list_name(token))
    return HTMLResponse(page, headers=HEADERS)
