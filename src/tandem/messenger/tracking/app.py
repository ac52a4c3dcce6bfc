"""The recipients' door: unsubscribe, see a message again. A small ASGI app of its own.

GET shows a page, only POST acts (RFC 8058).
"""

import html
import logging
from collections.abc import Awaitable, Callable
from importlib import resources
from string import Template

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from tandem.kit.commands import use_half

use_half("messenger")

from django.db import OperationalError, close_old_connections  # noqa: E402 - settings come first

from tandem.kit import clock as clocks  # noqa: E402
from tandem.kit.problems import NotFound  # noqa: E402
from tandem.messenger.delivery import service as delivery  # noqa: E402
from tandem.messenger.messages import service as messages  # noqa: E402
from tandem.messenger.reporting import unsubscribes  # noqa: E402
from tandem.messenger.tracking import shown  # noqa: E402

log = logging.getLogger("tandem.tracking")
MAX_BODY = 16 * 1024
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}
PAGE = Template(resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
FORM = '<form method="post"><button type="submit">Unsubscribe</button></form>'


def _page(status: int, title: str, words: str, form: str = "") -> HTMLResponse:
    content = PAGE.substitute(title=title, words=words, form=form)
    return HTMLResponse(content, status_code=status, headers=HEADERS)


async def ask(request: Request) -> Response:
    """The confirmation page; link scanners that fetch it change nothing."""
    return await _answered(lambda: _look(request.path_params["token"]))


async def unsubscribe(request: Request) -> Response:
    """End the subscription; the answer comes after the commit, the same however often it is asked."""
    if int(request.headers.get("content-length") or 0) > MAX_BODY:
        return PlainTextResponse("Too large.", status_code=413, headers=HEADERS)
    return await _answered(lambda: _unsubscribe(request.path_params["token"]))


async def see(request: Request) -> Response:
    """A message again, as it was sent."""
    return await _answered(lambda: _see(request.path_params["token"]))


async def list_page(request: Request) -> Response:
    """How one leaves a list."""
    return await _answered(lambda: _list(request.path_params["token"]))


async def health(request: Request) -> Response:
    """That the door is open."""
    return PlainTextResponse("ok")


async def _answered(work: Callable[[], Response]) -> Response:
    try:
        return await run_in_threadpool(_with_connection, work)
    except NotFound as problem:
        return _page(404, problem.title, f"{problem.detail} {problem.advice}")
    except OperationalError:
        log.exception("tracking.database.unavailable")
        return _page(503, "Please try again", "Your request was not stored. Please try again in a minute.")


def _with_connection(work: Callable[[], Response]) -> Response:
    close_old_connections()
    try:
        return work()
    finally:
        close_old_connections()


def _look(token: str) -> Response:
    delivery.check_token(token)
    return _page(200, "Unsubscribe", "Do you want no more messages from this list?", FORM)


def _unsubscribe(token: str) -> Response:
    unsubscribes.unsubscribe_by_token(token, clock=clocks.from_environment())
    return _page(200, "You are unsubscribed", "You get no more messages from this list.")


def _see(token: str) -> Response:
    return shown.answer(messages.show(token, clock=clocks.from_environment()), HEADERS)


def _list(token: str) -> Response:
    name = html.escape(messages.list_name(token))
    words = f"Open the unsubscribe link in any message from {name}. It is yours alone, and ends the messages to you."
    return _page(200, "Unsubscribe", words)


async def _not_found(request: Request, error: Exception) -> Response:
    return _page(404, "Not found", "There is nothing at this address.")


_handlers: dict[int, Callable[[Request, Exception], Awaitable[Response]]] = {404: _not_found}
application = Starlette(
    routes=[
        Route("/u/{token}", ask, methods=["GET"]),
        Route("/u/{token}", unsubscribe, methods=["POST"]),
        Route("/v/{token}", see, methods=["GET"]),
        Route("/l/{token}", list_page, methods=["GET"]),
        Route("/health", health, methods=["GET"]),
    ],
    exception_handlers=_handlers,  # type: ignore[arg-type]
)
