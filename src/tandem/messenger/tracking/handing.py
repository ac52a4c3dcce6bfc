"""A request that the server gives in its own way (RSGI), handed to an ASGI application: the pages are one."""

from collections.abc import MutableMapping
from typing import Any

LONGEST_BODY = 64 * 1024


async def hand_over(application: Any, scope: Any, protocol: Any) -> None:
    """Let the application answer. Its answers are short: they are sent whole."""
    host, _, port = scope.client.rpartition(":")
    asked = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": scope.http_version,
        "method": scope.method,
        "scheme": scope.scheme,
        "path": scope.path,
        "raw_path": scope.path.encode(),
        "query_string": scope.query_string.encode("latin-1"),
        "root_path": "",
        "headers": [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in scope.headers.items()
        ],
        "client": (host, int(port) if port.isdecimal() else 0),
        "server": None,
    }
    status, headers, body = 500, [], b""

    asked_body = b"" if scope.method in ("GET", "HEAD") else await _body(protocol)
    if asked_body is None:
        protocol.response_str(413, [("content-type", "text/plain")], "Too large.")
        return

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": asked_body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal status, headers, body
        if message["type"] == "http.response.start":
            status, headers = message["status"], message["headers"]
        else:
            body += message.get("body", b"")

    await application(asked, receive, send)
    said = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    protocol.response_bytes(status, said, body)


async def _body(protocol: Any) -> bytes | None:
    """What was sent with the request; None if it is too long, whatever it says of itself."""
    found = b""
    async for piece in protocol:
        found += piece
        if len(found) > LONGEST_BODY:
            return None
    return found
