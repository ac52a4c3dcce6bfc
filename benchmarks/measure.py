"""What a measured part cost, and the home in which benchmarks run."""

import contextlib
import os
import platform
import resource
import tempfile
import threading
import time
import timeit
from collections.abc import Iterator
from pathlib import Path

_figures: dict[str, float] = {}


def set_up(half: str) -> None:
    """One half in the benchmarks' own home (TANDEM_HOME, else one in the temporary folder); none: nothing is made."""
    if not half:
        return
    os.environ.setdefault("TANDEM_HOME", str(Path(tempfile.gettempdir()) / "tandem-benchmarks"))
    from tandem.kit.commands import use_half

    use_half(half)
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


@contextlib.contextmanager
def part() -> Iterator[None]:
    """Measure what is inside; several parts add up."""
    peak, over = [0.0], threading.Event()
    watcher = threading.Thread(target=_watch, args=(peak, over), daemon=True)
    watcher.start()
    wall, cpu = time.perf_counter(), _cpu()
    try:
        yield
    finally:
        wall, cpu = time.perf_counter() - wall, _cpu() - cpu
        over.set()
        watcher.join()
        _figures["wall_s"] = round(_figures.get("wall_s", 0) + wall, 3)
        _figures["cpu_s"] = round(_figures.get("cpu_s", 0) + cpu, 3)
        _figures["peak_mb"] = round(max(_figures.get("peak_mb", 0), peak[0]), 1)


def figures() -> dict[str, float]:
    """wall_s, cpu_s, peak_mb of the measured parts."""
    return {"wall_s": 0.0, "cpu_s": 0.0, "peak_mb": 0.0, **_figures}


def interpreter() -> dict[str, str | float]:
    """Which Python ran, and nanoseconds of a step of a plain loop: a build without optimisations needs more."""

    def loop() -> int:
        total = 0
        for number in range(100_000):
            total += number * number % 7
        return total

    took = min(timeit.repeat(loop, number=1, repeat=9))
    return {"python": platform.python_version(), "loop_ns": round(took / 100_000 * 1e9, 1)}


def _cpu() -> float:
    mine, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return mine.ru_utime + mine.ru_stime + children.ru_utime + children.ru_stime


def _watch(peak: list[float], over: threading.Event) -> None:
    page = os.sysconf("SC_PAGE_SIZE") / 2**20
    while True:
        peak[0] = max(peak[0], int(Path("/proc/self/statm").read_text().split()[1]) * page)
        if over.wait(0.05):
            return
