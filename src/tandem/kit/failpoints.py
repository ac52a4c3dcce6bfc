"""Failpoints for fault tests: TANDEM_FAILPOINT=step:nth:kill|stop|raise|hang|slow, test builds only.

TANDEM_FAILPOINT_FILE names a file with the same words, read at every step: it may come while the process runs.
One process alone, of all that look, takes it away and does what it says; one that is started again gets past the step.
"""

import os
import signal
import time
from collections import Counter

_ENABLED = os.environ.get("TANDEM_TEST_BUILD") == "1"
_FIXED = os.environ.get("TANDEM_FAILPOINT", "")
_FILE = os.environ.get("TANDEM_FAILPOINT_FILE", "")
_seen: Counter[tuple[int, str]] = Counter()


class FailpointReached(RuntimeError):
    """Raised by the action `raise`."""


def failpoint(step: str) -> None:
    """Do nothing, unless this is the n-th pass of the step that the environment names."""
    if not _ENABLED:
        return
    if _FIXED:
        _pass(step, _FIXED)
    if _FILE:
        _look(step)


def _pass(step: str, words: str) -> None:
    named, nth, action = (words + "::").split(":")[:3]
    if named == step and _is_nth(step, nth):
        _happen(step, action)


def _look(step: str) -> None:
    try:
        with open(_FILE) as file:
            words, made = file.read(), os.fstat(file.fileno()).st_mtime_ns
    except OSError:
        return
    named, nth, action = (words + "::").split(":")[:3]
    if named == step and _is_nth(step, nth, made) and _is_first():
        _happen(step, action)


def _is_nth(step: str, nth: str, since: int = 0) -> bool:
    _seen[since, step] += 1
    return _seen[since, step] == int(nth or 1)


def _is_first() -> bool:
    """Take the file away; whether nobody did before."""
    mine = f"{_FILE}.{os.getpid()}"
    try:
        os.rename(_FILE, mine)
        os.unlink(mine)
    except FileNotFoundError:
        return False
    return True


def _happen(step: str, action: str) -> None:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif action == "hang":
        time.sleep(3600)
    elif action == "slow":
        time.sleep(2)
    else:
        raise FailpointReached(step)
