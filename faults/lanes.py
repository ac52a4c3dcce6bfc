"""Lanes of faults side by side: each a process like this one, with a home of its own, whose document is taken over."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from faults.plan import NAMES
from faults.report import Tally


def run_all(lanes: Sequence[Sequence[str]], seed: int, tally: Tally) -> None:
    """Run them to their end. An interrupt is passed on, and what each has done so far is taken."""
    processes = [_started(lane, seed) for lane in lanes]
    try:
        for process in processes:
            process.wait()
    except KeyboardInterrupt:
        tally.interrupted = True
        for process in processes:
            process.send_signal(signal.SIGINT)
    for process, lane in zip(processes, lanes, strict=True):
        _take(process, lane, tally)
    order = {name.rstrip("MP"): place for place, name in enumerate(NAMES)}
    tally.rows.sort(key=lambda row: order.get(row.fault, len(order)))


def _started(lane: Sequence[str], seed: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "faults.run"],
        env={**os.environ, "ONLY": ",".join(lane), "SEED": str(seed), "LANE": "1", "JSON": "1"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # an interrupt reaches it once, from here
    )


def _take(process: subprocess.Popen[str], lane: Sequence[str], tally: Tally) -> None:
    output, _ = process.communicate()
    last = output.strip().splitlines()[-1:]
    if last:
        tally.take(json.loads(last[0]))
    else:
        tally.row(",".join(lane), "did not begin").break_off(f"The lane ended with {process.returncode}.")
