"""The results of exports: behind a signed link that expires, without a sign-in, as one JSON array."""

from collections.abc import Iterator

import orjson
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from tandem.kit import clock as clocks
from tandem.kit.problems import Problem
from tandem.messenger.api.rest import bulk
from tandem.messenger.exports import service as exports
from tandem.messenger.exports.service import Record

HEADERS = {"Cache-Control": "no-store", "Content-Disposition": "attachment"}
TOGETHER = 500


@require_safe
def result(request: HttpRequest, account_id: int, export_id: int) -> HttpResponseBase:
    """The records, read as they are sent."""
    try:
        records = exports.open_result(
            account_id,
            export_id,
            expires=request.GET.get("expires", ""),
            signature=request.GET.get("signature", ""),
            clock=clocks.from_environment(),
        )
    except Problem as problem:
        words = {"error": f"{problem.detail} {problem.advice}".strip()}
        return HttpResponse(orjson.dumps(words), status=problem.status, content_type="application/json")
    return StreamingHttpResponse(_array(records), content_type="application/json", headers=HEADERS)


def _array(records: Iterator[Record]) -> Iterator[bytes]:
    before, parts = b"[", []
    for record in records:
        for dto in bulk.exported(record):
            parts.append(orjson.dumps(dto))
        if len(parts) >= TOGETHER:
            yield before + b",".join(parts)
            before, parts = b",", []
    if parts:
        yield before + b",".join(parts)
        before = b","
    yield b"]" if before == b"," else b"[]"
