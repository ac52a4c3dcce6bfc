"""Lanes: each key's work in a thread of its own, never twice at once, so that a slow address holds nobody else up."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connection

log = logging.getLogger("tandem.webhooks")


class Lanes:
    """At most `most` threads; a key that is busy is not started again."""

    def __init__(self, most: int, name: str) -> None:
        self._most, self._name = most, name
        self._pool = self._new()
        self._busy: set[int] = set()
        self._guard = threading.Lock()

    def start(self, key: int, work: Callable[[], object]) -> None:
        """Begin unless the key's work is under way; the caller does not wait."""
        with self._guard:
            if key in self._busy:
                return
            self._busy.add(key)
        self._pool.submit(self._run, key, work)

    def drain(self) -> None:
        """Wait until all that was started has ended."""
        self._pool.shutdown(wait=True)
        self._pool = self._new()

    def _new(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(max_workers=self._most, thread_name_prefix=self._name)

    def _run(self, key: int, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception:
            log.exception("lane.stopped name=%s key=%s", self._name, key)  # the next tick begins anew
        finally:
            connection.close()
            with self._guard:
                self._busy.discard(key)
