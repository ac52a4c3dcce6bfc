"""The HTTP server under both simulators: requests in, replies out, faults on the way, a log of what was asked."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

import orjson

MOST_BODY = 64 * 1024 * 1024
LOGGED = 1000
#: what can go wrong on request
FAULTS = {
    "slow": "answers after some seconds",
    "500": "answers 500",
    "429": "answers 429",
    "401": "answers 401",
    "expired": "answers 403 with the words of an expired token",
    "truncated": "breaks off in the middle of the answer",
    "html": "answers a web page",
    "hangup": "closes the connection without an answer",
    "page-twice": "answers a page once more, whatever was skipped",
    "empty": "answers an empty body",
}


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request. query: keys as they were sent; headers: lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON. ValueError if it is none."""
        return orjson.loads(self.body)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer. cut: whether it breaks off in the middle; hang_up: whether there is none at all."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "application/json; charset=utf-8"
    cut: bool = False
    hang_up: bool = False


@dataclass(kw_only=True)
class Fault:
    """Something to go wrong. function: end of the path, empty = any; times: how often, -1 = always."""

    kind: str
    function: str = ""
    times: int = -1
    seconds: float = 5.0


class Half(Protocol):
    """What a simulator does with a request that no fault takes."""

    def answer(self, request: Request) -> Reply:
        """The answer."""
        ...

    def control(self, verb: str, fields: dict[str, Any]) -> Any:
        """A request at `/_simulator/<verb>`; KeyError if there is no such verb."""
        ...


def json_reply(document: Any, status: int = 200, **headers: str) -> Reply:
    """A JSON answer."""
    return Reply(status=status, body=orjson.dumps(document), headers=headers)


class Simulator:
    """A half with its faults and its log, ready to be served."""

    def __init__(self, half: Half, faults: tuple[Fault, ...] = ()) -> None:
        self.half = half
        self.faults = list(faults)
        self.log: deque[dict[str, Any]] = deque(maxlen=LOGGED)
        self._last: dict[str, Reply] = {}
        self._lock = threading.Lock()

    def respond(self, request: Request) -> Reply:
        """Answer one request."""
        if request.path.startswith("/_simulator/"):
            return self._control(request)
        fault = self._fault_for(request.path)
        reply = self._with(fault, request) if fault else self.half.answer(request)
        self._last[request.path] = reply
        self.log.append(
            {
                "method": request.method,
                "path": request.path,
                "query": dict(request.query),
                "status": reply.status,
            }
        )
        return reply

    def _fault_for(self, path: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.times and path.lower().endswith(fault.function.lower()):
                    fault.times -= fault.times > 0
                    return fault
        return None

    def _with(self, fault: Fault, request: Request) -> Reply:
        if fault.kind == "slow":
            time.sleep(fault.seconds)
        if fault.kind == "page-twice" and request.path in self._last:
            return self._last[request.path]
        if fault.kind == "truncated":
            return replace(self.half.answer(request), cut=True)
        return _FAULT_REPLIES.get(fault.kind) or self.half.answer(request)

    def _control(self, request: Request) -> Reply:
        verb = request.path.removeprefix("/_simulator/").strip("/")
        try:
            fields = request.json() if request.body.strip() else {}
            return json_reply(self._do(verb, request.method, fields))
        except KeyError as error:
            return json_reply({"error": f"{error} is missing or unknown."}, 404)
        except (TypeError, ValueError) as error:
            return json_reply({"error": str(error)}, 400)

    def _do(self, verb: str, method: str, fields: dict[str, Any]) -> Any:
        if verb == "log":
            return list(self.log)
        if verb == "fault" and method == "DELETE":
            self.faults.clear()
        elif verb == "fault":
            self.faults.append(fault_of(fields["fault"], **{k: v for k, v in fields.items() if k != "fault"}))
        else:
            return self.half.control(verb, fields)
        return {"faults": [vars(fault) for fault in self.faults]}


def fault_of(kind: str, **more: Any) -> Fault:
    """A fault by its name. ValueError if there is none of that name."""
    if kind not in FAULTS:
        raise ValueError(f"There is no fault {kind!r}; there are {', '.join(FAULTS)}.")
    return Fault(kind=kind, **more)


_FAULT_REPLIES = {
    "500": json_reply("Internal Server Error", 500),
    "429": json_reply({"status": 429, "error": "Too Many Requests"}, 429, **{"Retry-After": "1"}),
    "401": json_reply("Unauthorized", 401),
    "expired": Reply(status=403, body=b"Authorization-Token Expired", kind="text/plain"),
    "html": Reply(body=b"<!doctype html><html><body>Sign in</body></html>", kind="text/html"),
    "hangup": Reply(hang_up=True),
    "empty": Reply(),
}


class Server:
    """A simulator on a port of this machine, in threads; `with` starts and stops it."""

    def __init__(self, simulator: Simulator, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._http = _Http((host, port), _handler(simulator.respond))
        self.simulator = simulator
        self.host, self.port = host, int(self._http.server_address[1])
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        """Its base address."""
        return f"http://{self.host}:{self.port}"

    def run(self) -> None:
        """Serve until interrupted."""
        try:
            self._http.serve_forever(poll_interval=0.2)
        finally:
            self._http.server_close()

    def __enter__(self) -> "Server":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


def _handler(respond: Callable[[Request], Reply]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = 60

        def _serve(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            if size > MOST_BODY:
                self._send(json_reply("Bad Request", 413))
                self.close_connection = True
                return
            parts = urlsplit(self.path)
            request = Request(
                method=self.command,
                path=parts.path,
                query=dict(parse_qsl(parts.query, keep_blank_values=True)),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(size),
            )
            self._send(respond(request))

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve

        def _send(self, reply: Reply) -> None:
            if reply.hang_up:
                self.close_connection = True
                return
            head = {"Content-Type": reply.kind, "Content-Length": str(len(reply.body)), **reply.headers}
            lines = [
                f"HTTP/1.1 {reply.status} {_phrase(reply.status)}",
                *(f"{k}: {v}" for k, v in head.items()),
            ]
            body = reply.body[: len(reply.body) // 2] if reply.cut else reply.body
            self.wfile.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
            self.close_connection = self.close_connection or reply.cut

        def log_message(self, *words: Any) -> None:
            """The log is at /_simulator/log."""

    return Handler


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
