"""The recipients' door, a small ASGI app of its own: its routes and its start."""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tandem.kit.commands import use_half

use_half("messenger")

from tandem.messenger.tracking import pages, preferences, unsubscribing  # noqa: E402 - settings come first
from tandem.messenger.tracking.answers import plain_page  # noqa: E402


async def health(request: Request) -> Response:
    """That the door is open."""
    return PlainTextResponse("ok")


async def _not_found(request: Request, error: Exception) -> Response:
    return plain_page(404, "Not found", "There is nothing at this address.")


_handlers: dict[int, Callable[[Request, Exception], Awaitable[Response]]] = {404: _not_found}
application = Starlette(
    routes=[
        Route("/u/{token}", unsubscribing.ask, methods=["GET"]),
        Route("/u/{token}", unsubscribing.unsubscribe, methods=["POST"]),
        Route("/p/{token}", preferences.look, methods=["GET"]),
        Route("/p/{token}", preferences.change, methods=["POST"]),
        Route("/v/{token}", pages.see, methods=["GET"]),
        Route("/l/{token}", pages.list_page, methods=["GET"]),
        Route("/health", health, methods=["GET"]),
    ],
    exception_handlers=_handlers,  # type: ignore[arg-type]
)
