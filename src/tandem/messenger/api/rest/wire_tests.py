"""Test messages and their addresses on the wire: all of it our own."""

from typing import Any

from tandem.messenger.api.rest.wire import BadRequest, Json, ms
from tandem.messenger.testsends.domain import AddressView, Line, TestSend, Wish


def read_wish(document: Any, trigger_id: int, version_id: int, key: str) -> Wish:
    """The body of a test. Raises BadRequest."""
    if not isinstance(document, dict):
        raise BadRequest("The body is not an object.", 'Send {"to":["name@example.com"],"originalId":"c1"}.')
    to = document.get("to")
    if not isinstance(to, list) or not all(isinstance(one, str) for one in to):
        raise BadRequest("The field to must be a list of addresses.")
    original_id = document.get("originalId") or ""
    if not isinstance(original_id, str):
        raise BadRequest("The field originalId must be a text.")
    key = key or document.get("key") or ""
    if not isinstance(key, str):
        raise BadRequest("The field key must be a text.")
    return Wish(trigger_id=trigger_id, version_id=version_id, to=tuple(to), original_id=original_id, key=key)


def test_send(view: TestSend) -> Json:
    """A test and what became of it."""
    return {
        "id": view.key,
        "triggerId": view.trigger_id,
        "campaignId": view.version_id,
        "date": ms(view.at),
        "waiting": view.waiting,
        "repeated": view.repeated,
        "messages": [_line(line) for line in view.lines],
    }


def address(view: AddressView) -> Json:
    """An address that tests may go to."""
    return {
        "id": view.id,
        "channel": view.channel,
        "address": view.address,
        "verified": view.verified_at is not None,
    }


def _line(line: Line) -> Json:
    return {"to": line.to, "state": line.fate.value, "answer": line.answer, "note": line.note}
