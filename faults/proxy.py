"""A TCP proxy that breaks what passes: cuts at the n-th piece, waits, hands on byte by byte, goes silent."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
PIECE = 65_536


@dataclass(frozen=True, kw_only=True)
class Chaos:
    """What goes wrong. cut_at: the n-th piece from the client is the last, once; whole: it still arrives."""

    cut_at: int = 0
    whole: bool = False
    delay: float = 0.0
    bytewise: bool = False
    silent: bool = False


class Proxy:
    """Between a client and a server, each at a TCP port or a Unix socket."""

    def __init__(self, target: int | Path, listen: Path | None = None) -> None:
        self._target, self._listen = target, listen
        self.port = 0
        self.pieces = self.cuts = 0
        #: when it cut the last time (monotonic)
        self.cut_when = 0.0
        self._chaos = Chaos()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[Any]] = set()
        self._thread: threading.Thread | None = None

    def tell(self, chaos: Chaos) -> None:
        """From now on do this; pieces are counted from here."""
        self._chaos, self.pieces, self.cuts = chaos, 0, 0

    def hang_up(self) -> None:
        """Cut every connection there is."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._cut_all)

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        ready.wait(10)
        return self

    def __exit__(self, *error: object) -> None:
        assert self._loop is not None and self._thread is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        if self._listen is not None:
            server: asyncio.Server = await asyncio.start_unix_server(self._pass, self._listen)
            self._listen.chmod(0o777)
        else:
            server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stop.wait()
        server.close()
        self._cut_all()
        if self._passing:
            await asyncio.wait(self._passing, timeout=5)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)
        try:
            far_reader, far_writer = await self._far()
        except OSError:
            writer.close()
            return
        self._open |= {writer, far_writer}
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await asyncio.gather(
                self._pump(reader, far_writer, lambda: self._cut(writer, far_writer), counted=True),
                self._pump(far_reader, writer, lambda: self._cut(writer, far_writer), counted=False),
            )
        self._cut(writer, far_writer)

    def _far(self) -> Coroutine[Any, Any, Streams]:
        if isinstance(self._target, Path):
            return asyncio.open_unix_connection(self._target)
        return asyncio.open_connection("127.0.0.1", self._target)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        cut: Callable[[], None],
        *,
        counted: bool,
    ) -> None:
        while piece := await reader.read(PIECE):
            chaos = self._chaos
            self.pieces += counted
            if counted and chaos.cut_at and self.pieces == chaos.cut_at:
                self.cuts, self.cut_when = self.cuts + 1, time.monotonic()
                if chaos.whole:
                    writer.write(piece)
                    await writer.drain()
                cut()
                return
            if chaos.silent:
                continue
            if chaos.delay:
                await asyncio.sleep(chaos.delay)
            for part in (bytes([one]) for one in piece) if chaos.bytewise else (piece,):
                writer.write(part)
                await writer.drain()
        cut()

    def _cut(self, *writers: asyncio.StreamWriter) -> None:
        for writer in writers:
            self._open.discard(writer)
            transport = writer.transport
            if transport is not None:
                transport.abort()

    def _cut_all(self) -> None:
        self._cut(*self._open)
