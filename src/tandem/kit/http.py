"""Outgoing HTTP to addresses that others gave us: checked where the connection is made, bounded in time and size.

The address is resolved and checked inside the connection's own network backend, so a name cannot point elsewhere
between check and use. No redirects, no proxy environment, no credentials in URLs.
"""

import contextvars
import functools
import json as standard_json
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as ResolverTimeout
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx
import orjson

from tandem.kit import addresses
from tandem.kit.problems import OtherSideFailed, Refused

DEFAULT_PORTS = frozenset({80, 443, 8080, 8443})
MEBIBYTE = 1024 * 1024

_deadline: contextvars.ContextVar[float] = contextvars.ContextVar("deadline")
_resolver = ThreadPoolExecutor(max_workers=4, thread_name_prefix="resolver")


class AddressRefused(Refused):
    """The address may not be called from here."""

    title = "The address may not be called"


class Unreachable(OtherSideFailed):
    """Nobody answered at the address, or not in HTTP. sent: whether the request may have reached it."""

    title = "The address did not answer"
    sent = False


class DeadlinePassed(Unreachable):
    """The answer was not complete in time."""

    title = "The address did not answer in time"


class AnswerTooLarge(OtherSideFailed):
    """The answer is larger than we read."""

    title = "The answer is too large"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer, read to its end. seconds: from the call to the last byte; address: host and port called."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    address: str

    @property
    def text(self) -> str:
        """The body as text, whatever it holds."""
        return self.body.decode("utf-8", "replace")

    @property
    def is_html(self) -> bool:
        """Whether a web page came instead of data."""
        kind = self.headers.get("content-type", "").lower()
        return "html" in kind or self.body[:300].lstrip().lower().startswith((b"<!doctype html", b"<html"))

    def json(self) -> Any:
        """The body as JSON. ValueError if it is not."""
        if not self.body.strip():
            raise ValueError("The body is empty.")
        try:
            return orjson.loads(self.body)
        except RecursionError as error:  # pragma: no cover - orjson stops earlier
            raise ValueError("The JSON is nested too deeply.") from error


class Http:
    """A caller with its own rules. allow_private: `address:port` pairs that may be reached in private ranges.

    ports: which ports may be called, besides those of allow_private. timeout: seconds for the whole call.
    limit: bytes of an answer. Safe to share between threads.
    """

    def __init__(
        self,
        *,
        allow_private: Iterable[str] = (),
        ports: frozenset[int] | None = None,
        timeout: float = 15,
        limit: int = MEBIBYTE,
        user_agent: str = "Tandem",
    ) -> None:
        self._timeout, self._limit = timeout, limit
        backend = _GuardedBackend(addresses.parse_pairs(tuple(allow_private)), ports or DEFAULT_PORTS)
        self._client = httpx.Client(
            transport=_Transport(backend),
            follow_redirects=False,
            trust_env=False,
            timeout=timeout,
            headers={"User-Agent": user_agent, "Accept-Encoding": "identity"},
        )

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        auth: tuple[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        timeout: float | None = None,
        limit: int | None = None,
    ) -> Answer:
        """Call and read the answer, whatever its status. The query of `url` stays unless `params` is given.

        Raises AddressRefused, Unreachable, DeadlinePassed, AnswerTooLarge.
        """
        target = _target(url)
        shown = _shown(target)
        seconds = self._timeout if timeout is None else timeout
        started = time.monotonic()
        with _within(seconds), _explained(shown, seconds):
            if params is not None:
                target = target.copy_merge_params(params)
            with self._client.stream(
                method, target, headers=dict(headers or {}), content=content, auth=auth, timeout=seconds
            ) as response:
                body = _read(response, self._limit if limit is None else limit, shown)
        return Answer(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=body,
            seconds=time.monotonic() - started,
            address=shown,
        )

    def close(self) -> None:
        """Close the kept connections."""
        self._client.close()


def dump_json(document: object) -> bytes:
    """A JSON body."""
    return orjson.dumps(document)


def loads_strictly(body: bytes) -> Any:
    """JSON in which no object names a key twice. ValueError otherwise."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("A key stands twice.")
        return found

    orjson.loads(body)  # refuses NaN, infinities and lone surrogates, which the standard module takes
    try:
        return standard_json.loads(body, object_pairs_hook=once)
    except RecursionError as error:
        raise ValueError("The JSON is nested too deeply.") from error


def check_address(url: str) -> None:
    """Raise AddressRefused for what cannot be an address; where it leads is checked when it is called."""
    _target(url)


def _target(url: str) -> httpx.URL:
    advice = "Give an address like https://host/path."
    if any(ord(char) <= 32 or ord(char) == 127 for char in url):
        raise AddressRefused("The address holds a space or a control character.", advice)
    try:
        target = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise AddressRefused("The address cannot be read.", advice) from error
    if target.scheme not in ("http", "https") or not target.host:
        raise AddressRefused("The address does not start with http:// or https://.", advice)
    if target.userinfo:
        raise AddressRefused(
            "The address holds a user name or a password.", "Enter them in their own fields."
        )
    return target


def _shown(target: httpx.URL) -> str:
    return f"{target.host}:{target.port or {'http': 80, 'https': 443}[target.scheme]}"


def _read(response: httpx.Response, limit: int, shown: str) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in response.iter_bytes():
        size += len(part)
        if size > limit:
            raise AnswerTooLarge(f"{shown} answered with more than {limit:,} bytes.")
        parts.append(part)
    return b"".join(parts)


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


@contextmanager
def _explained(shown: str, seconds: float) -> Iterator[None]:
    try:
        yield
    except (httpx.TimeoutException, httpcore.TimeoutException, ResolverTimeout) as error:
        problem: Unreachable = DeadlinePassed(f"{shown} did not answer within {seconds:g} seconds.")
        problem.sent = not isinstance(error, httpcore.ConnectTimeout | ResolverTimeout)
        raise problem from error
    except (httpx.HTTPError, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        problem = Unreachable(f"{shown} could not be reached: {str(error) or type(error).__name__}.")
        problem.sent = not isinstance(error, httpcore.ConnectError)
        raise problem from error


def _remaining(timeout: float | None) -> float:
    left = _deadline.get(time.monotonic() + 15) - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("The deadline has passed.")
    return left if timeout is None else min(left, timeout)


@functools.cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted, read once: 150 of them take 20 milliseconds of each caller's making."""
    return httpx.create_ssl_context(trust_env=False)


class _Transport(httpx.BaseTransport):
    """httpx on a pool whose connections are made by the guarded backend."""

    def __init__(self, backend: "_GuardedBackend") -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=_trusted(),
            max_connections=20,
            max_keepalive_connections=5,
            keepalive_expiry=5,
            network_backend=backend,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; errors of the network are those of httpcore."""
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Body(answer),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close the pool."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _GuardedBackend(httpcore.NetworkBackend):
    """Resolves, checks and connects in one step; keeps every wait inside the call's deadline."""

    def __init__(self, private: frozenset[tuple[addresses.Address, int]], ports: frozenset[int]) -> None:
        self._private, self._ports = private, ports
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first permitted address of the name."""
        failure: Exception | None = None
        for address in self._permitted(host, port, timeout):
            try:
                stream = self._inner.connect_tcp(
                    address, port, _remaining(timeout), local_address, socket_options
                )
                return _TimedStream(stream)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError("The name has no address.")

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        """Never: HTTP addresses only."""
        raise AddressRefused("Unix sockets are not called.")

    def _permitted(self, host: str, port: int, timeout: float | None) -> list[str]:
        lookup = _resolver.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        try:
            found = lookup.result(_remaining(timeout))
        except (socket.gaierror, UnicodeError) as error:
            raise httpcore.ConnectError(f"the name {host} has no address") from error
        texts = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        permitted = [text for text in texts if self._may(addresses.parse(text), port)]
        if texts and not permitted:
            raise AddressRefused(
                f"{host}:{port} is in a private or reserved range, or on a port that is not called.",
                "Name it in TANDEM_ALLOW_PRIVATE as address:port if you trust it.",
            )
        return permitted

    def _may(self, address: addresses.Address, port: int) -> bool:
        if (address, port) in self._private:
            return True
        return port in self._ports and addresses.is_public(address)


class _TimedStream(httpcore.NetworkStream):
    """A stream whose every wait ends with the call's deadline."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _remaining(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _remaining(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _TimedStream(self._inner.start_tls(ssl_context, server_hostname, _remaining(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
