"""How fast an API key may call: a sliding window, per process."""

import math
import threading
from collections import deque
from datetime import datetime, timedelta


class SlidingWindow:
    """At most `most` calls of a key in `window`."""

    def __init__(self, most: int, window: timedelta) -> None:
        self._most, self._window = most, window
        self._calls: dict[int, deque[datetime]] = {}
        self._lock = threading.Lock()

    def wait(self, key: int, now: datetime) -> int:
        """Count a call; 0 if it may go ahead, else the whole seconds to wait (it is then not counted)."""
        with self._lock:
            calls = self._calls.setdefault(key, deque())
            while calls and calls[0] <= now - self._window:
                calls.popleft()
            if len(calls) >= self._most:
                return max(1, math.ceil((calls[0] + self._window - now).total_seconds()))
            calls.append(now)
            return 0

    def clear(self) -> None:
        """Forget all calls."""
        with self._lock:
            self._calls.clear()


KEY_LIMIT = SlidingWindow(50, timedelta(seconds=10))
