"""A brake for guesses: counts failures per key in a sliding window, in this process."""

import threading
from collections import deque
from datetime import datetime, timedelta


class Throttle:
    """At most `limit` failures per key in `window`; then the key waits until the oldest one is out of it."""

    def __init__(self, limit: int, window: timedelta, *, keys: int = 20_000) -> None:
        self._limit, self._window, self._keys = limit, window, keys
        self._failures: dict[str, deque[datetime]] = {}
        self._lock = threading.Lock()

    def wait(self, key: str, now: datetime) -> timedelta:
        """How long the key must wait; zero if it may try."""
        with self._lock:
            failures = self._recent(key, now)
            if len(failures) < self._limit:
                return timedelta(0)
            return failures[-self._limit] + self._window - now

    def failed(self, key: str, now: datetime) -> None:
        """Count one failure."""
        with self._lock:
            failures = self._recent(key, now)
            failures.append(now)
            self._failures[key] = failures
            if len(self._failures) > self._keys:
                self._sweep(now)

    def forget(self, key: str) -> None:
        """Start the key anew, after a success."""
        with self._lock:
            self._failures.pop(key, None)

    def _recent(self, key: str, now: datetime) -> deque[datetime]:
        failures = self._failures.get(key, deque())
        while failures and failures[0] <= now - self._window:
            failures.popleft()
        return failures

    def _sweep(self, now: datetime) -> None:
        for key in [
            key for key, seen in self._failures.items() if not seen or seen[-1] <= now - self._window
        ]:
            del self._failures[key]
        while len(self._failures) > self._keys:  # a flood of new keys: the oldest give way
            del self._failures[next(iter(self._failures))]
