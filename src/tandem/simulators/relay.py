"""A mail relay as a simulator: takes mail quickly, writes the truth down before it answers, misbehaves on request.

The log has one line of JSON per message and recipient: `at`, `to`, `from`, `campaign` (X-Tandem-Campaign), `id`
(Message-ID), `addressed` (To), `size`, and whose content it is, `marks` and `keys` of `relay_marks`. In a test:
`with Relay(log=path) as relay:`, rules may change meanwhile.
"""

import asyncio
import contextlib
import os
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Self

import orjson

from tandem.simulators import relay_marks, relay_script
from tandem.simulators.relay_certificate import write_certificate
from tandem.simulators.relay_script import Rule, Script, Turns
from tandem.simulators.relay_session import Session


class Relay:
    """The server, its log and its script. `file`: a script that is read again when it has changed."""

    def __init__(
        self,
        *,
        log: Path,
        script: Script | None = None,
        file: Path | None = None,
        maildir: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.log, self.host, self.port, self._file = log, host, port, file
        self.open: set[Session] = set()
        self.connections = self.messages = 0
        self.certificate = Path(tempfile.mkdtemp(prefix="relay-")) / "certificate.pem"
        self._context: ssl.SSLContext | None = None
        self._handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._maildir = maildir
        for part in ("tmp", "new", "cur") if maildir else ():
            (maildir / part).mkdir(parents=True, exist_ok=True)  # type: ignore[operator]
        self._read_at = 0
        self.tell(relay_script.read(file) if file else script or Script())
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def tell(self, script: Script) -> None:
        """From now on behave like this; counts begin again. Connections that are open keep the script they had."""
        self.script, self._turns = script, Turns(script=script)
        self._early = min((one.after_bytes for one in script.rules if one.at == "content"), default=None)
        if (script.starttls or script.implicit_tls) and not self.certificate.exists():
            write_certificate(self.certificate)

    def rules(self, *rules: Rule) -> None:
        """From now on these things go wrong, and nothing else."""
        self.tell(relay_script.with_rules(self.script, rules))

    def rules_at_once(self, *rules: Rule) -> None:
        """The same, for connections that are open too."""
        self.rules(*rules)

        def follow() -> None:
            for session in [*self.open]:
                session.follow(self._turns)

        self._soon(follow)

    def hang_up(self) -> None:
        """End every connection there is; who comes again gets the script of now."""

        def hang_up() -> None:
            for session in [*self.open]:
                session.hang_up()

        self._soon(hang_up)

    def used(self, rule: Rule | None = None) -> int:
        """How often this rule, or any, of the script of now was followed."""
        return self._turns.used(rule)

    def _soon(self, work: Callable[[], object]) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(work)

    def facts(self) -> list[dict[str, Any]]:
        """The log's whole lines."""
        lines = self.log.read_bytes().splitlines(keepends=True)
        return [orjson.loads(line) for line in lines if line.endswith(b"\n")]

    def start(self) -> Self:
        """Serve in a thread of its own; returns when it listens."""
        ready = threading.Event()
        self._thread = threading.Thread(target=run, args=(self, ready.set), daemon=True, name="relay")
        self._thread.start()
        ready.wait(10)
        return self

    def stop(self) -> None:
        """End all connections and the thread."""
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join(10)
            self._thread = None
            os.close(self._handle)

    __enter__ = start

    def __exit__(self, *error: object) -> None:
        self.stop()

    async def serve(self, on_ready: Callable[[], None]) -> None:
        """Serve until `stop` or `end`."""
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(
            lambda: Session(self),
            self.host,
            self.port,
            backlog=1024,
            ssl=self.context() if self.script.implicit_tls else None,
        )
        self.port = server.sockets[0].getsockname()[1]
        on_ready()
        await self._stop.wait()
        server.close()
        for session in [*self.open]:
            session.hang_up()
        await asyncio.sleep(0)

    def end(self) -> None:
        """Stop serving; from the loop's own thread."""
        if self._stop is not None:
            self._stop.set()

    def turns(self) -> Turns:
        """The script of a new connection."""
        if self._file is not None:
            changed = self._file.stat().st_mtime_ns
            if changed != self._read_at:
                self._read_at = changed
                self.tell(relay_script.read(self._file))
        return self._turns

    def is_long_enough(self, size: int) -> bool:
        """Whether a rule about content could hold after so many bytes."""
        return self._early is not None and size >= self._early

    def context(self) -> ssl.SSLContext:
        """TLS with the certificate this relay made for itself."""
        if self._context is None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(self.certificate)
        return self._context

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it beside."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def note(self, sender: str, recipients: list[str], content: bytes) -> bytes:
        """The lines about one message."""
        self.messages += 1
        head = content[: content.find(b"\r\n\r\n") + 2]
        lower = b"\n" + head.lower()
        message_id = _header(head, lower, b"\nmessage-id:")
        fact = {
            "at": time.time(),
            "from": sender,
            "campaign": _header(head, lower, b"\nx-tandem-campaign:"),
            "id": message_id,
            "addressed": _header(head, lower, b"\nto:"),
            **relay_marks.seen(message_id, content),
            "size": len(content),
        }
        if self._maildir is not None:
            self._keep(content)
        return b"".join(
            [orjson.dumps({**fact, "to": to}, option=orjson.OPT_APPEND_NEWLINE) for to in recipients]
        )

    def write_down(self, lines: list[bytes]) -> None:
        """Append to the log; a kill of this process loses nothing of it."""
        os.write(self._handle, b"".join(lines))

    def _keep(self, content: bytes) -> None:
        plain = content.replace(b"\r\n..", b"\r\n.")
        name = f"{time.time_ns()}.{self.messages}.relay"
        assert self._maildir is not None  # noqa: S101
        (self._maildir / "tmp" / name).write_bytes(plain[1:] if plain.startswith(b"..") else plain)
        (self._maildir / "tmp" / name).rename(self._maildir / "new" / name)


def run(relay: Relay, on_ready: Callable[[], None]) -> None:
    """Serve in this thread, on uvloop where it is."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(relay.serve(on_ready))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def _header(head: bytes, lower: bytes, name: bytes) -> str | None:
    at = lower.find(name)
    if at < 0:
        return None
    start = at + len(name) - 1
    return head[start : head.find(b"\r\n", start)].decode("latin-1").strip()
