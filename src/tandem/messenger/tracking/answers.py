"""What every answer of the recipients' door shares: headers, the plain page, the database behind it."""

import logging
from collections.abc import Callable

from django.db import OperationalError, close_old_connections
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response

from tandem.kit.problems import NotFound
from tandem.messenger.subscriptions import showing

log = logging.getLogger("tandem.tracking")
HEADERS = {
    "Content-Security-Policy": showing.POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}


def plain_page(status: int, title: str, words: str) -> HTMLResponse:
    """A heading and a sentence, plain text both."""
    return HTMLResponse(showing.note_page(title, words), status_code=status, headers=HEADERS)


async def answered(work: Callable[[], Response]) -> Response:
    """The answer of work that reads or writes the database."""
    try:
        return await run_in_threadpool(_with_connection, work)
    except NotFound as problem:
        return plain_page(404, problem.title, f"{problem.detail} {problem.advice}")
    except OperationalError:
        log.exception("tracking.database.unavailable")
        return plain_page(
            503, "Please try again", "Your request was not stored. Please try again in a minute."
        )


def _with_connection(work: Callable[[], Response]) -> Response:
    close_old_connections()
    try:
        return work()
    finally:
        close_old_connections()
