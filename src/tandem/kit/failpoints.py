"""Failpoints for fault tests: TANDEM_FAILPOINT=step:nth:kill|raise|hang|slow, test builds only.

TANDEM_FAILPOINT_ONCE names a file that is made when it happens; where the file is, nothing happens any more, so that a
process that is started again gets past the step.
"""

import os
import signal
import time
from collections import Counter

_ENABLED = os.environ.get("TANDEM_TEST_BUILD") == "1"
_STEP, _NTH, _ACTION = (os.environ.get("TANDEM_FAILPOINT", "") + "::").split(":")[:3]
_ONCE = os.environ.get("TANDEM_FAILPOINT_ONCE", "")
_seen: Counter[str] = Counter()


class FailpointReached(RuntimeError):
    """Raised by the action `raise`."""


def failpoint(step: str) -> None:
    """Do nothing, unless this is the n-th pass of the step that the environment names."""
    if not _ENABLED or step != _STEP:
        return
    _seen[step] += 1
    if _seen[step] != int(_NTH or 1) or not _first():
        return
    if _ACTION == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif _ACTION == "hang":
        time.sleep(3600)
    elif _ACTION == "slow":
        time.sleep(2)
    else:
        raise FailpointReached(step)


def _first() -> bool:
    """Whether nobody was here before; the file is made by one process alone."""
    if not _ONCE:
        return True
    try:
        os.close(os.open(_ONCE, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    return True
