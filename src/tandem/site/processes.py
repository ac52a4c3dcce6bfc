"""A small supervisor: starts child processes, restarts what dies, stops them together.

A child dies with its supervisor (Linux: parent-death signal), so a killed `tandem up` leaves no orphans.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
CALM_SECONDS = 5.0


@dataclass(frozen=True)
class Child:
    """One process to keep running: its name in logs, its arguments, what its environment adds."""

    name: str
    arguments: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


class Supervisor:
    """Keeps children running until `stop`."""

    def __init__(self, children: list[Child], logs: Path | None = None) -> None:
        self._children = children
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._started: dict[str, float] = {}
        self._stopping = threading.Event()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start every child once."""
        for child in self._children:
            self._spawn(child)

    def watch(self) -> None:
        """Start what is not running, then restart what dies, until `stop` is called."""
        while not self._stopping.wait(0.5):
            for child in self._children:
                self._revive(child)

    def stop(self, grace: float = 10.0) -> None:
        """Ask every child to end, then insist."""
        self._stopping.set()
        with self._lock:
            for process in self._running.values():
                if process.poll() is None:
                    process.terminate()
            deadline = time.monotonic() + grace
            for process in self._running.values():
                try:
                    process.wait(max(0.1, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def run_until_signal(self) -> None:
        """Run in the foreground; SIGINT and SIGTERM end it and the children."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stopping.set())
        self.start()
        self.watch()
        self.stop()

    def _revive(self, child: Child) -> None:
        process = self._running.get(child.name)
        if process is not None and process.poll() is None:
            return
        if time.monotonic() - self._started.get(child.name, 0.0) < CALM_SECONDS:
            return  # it died young: give it, and the database, a moment
        with self._lock:
            if not self._stopping.is_set():
                self._spawn(child)

    def _spawn(self, child: Child) -> None:
        output = None
        if self._logs is not None:
            self._logs.mkdir(parents=True, exist_ok=True)
            output = (self._logs / f"{child.name}.log").open("ab")
        self._started[child.name] = time.monotonic()
        self._running[child.name] = subprocess.Popen(
            child.arguments,
            env={**os.environ, **child.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=_die_with_parent,
        )
        if output is not None:
            output.close()


def _die_with_parent() -> None:
    if _prctl is not None:
        _prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None
