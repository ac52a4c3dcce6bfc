"""The fits of a night: n synthetic customers, BG/NBD and Gamma-Gamma as a process of their own, beside `lifetimes`.

RUNS (3) of ours, of which the median counts, and one of the peer's, on the same arrays; scoring in this process.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure

HALF = ""
SEED = 26
ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "requirements" / "peers.txt"
#: what the customers are drawn from, times in weeks
TRUTH = {"r": 0.5, "alpha": 8.0, "a": 0.8, "b": 2.5, "p": 6.25, "q": 3.74, "g": 15.44}


def run(n: int) -> dict[str, Any]:
    """Fit in processes, score here, compare with the peer where it can be installed."""
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        arrays = synthetic(n, np.random.default_rng(SEED))
        for part, values in zip(("x", "tx", "T", "m"), arrays, strict=True):
            np.save(folder / f"{part}.npy", values)
        runs = []
        for _run in range(int(os.environ.get("RUNS", "3"))):
            with measure.part():
                runs.append(_fitted([sys.executable, "-m", "benchmarks.models_fit", name]))
        ours = sorted(runs, key=lambda one: one["cpu_s"])[len(runs) // 2]
        cpu = statistics.median(one["cpu_s"] for one in runs)
        found = {"customers": n, "fit_cpu_s": cpu, "fit_peak_mb": ours["peak_mb"], "fit_runs": len(runs)}
        found |= {key: value for key, value in ours.items() if key not in ("cpu_s", "peak_mb")}
        found |= _scored(arrays, ours) | _beside_peer(name, arrays, ours, cpu)
    return {**found, "load": load}


def synthetic(n: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """x, tx, T (days), m of customers who buy and stop as BG/NBD says, first seen on any day of two years."""
    T = rng.integers(1, 729, n).astype(float)
    rate, stop = rng.gamma(TRUTH["r"], 1 / (7 * TRUTH["alpha"]), n), rng.beta(TRUTH["a"], TRUTH["b"], n)
    day, x, tx, there = np.zeros(n), np.zeros(n), np.zeros(n), np.arange(n)
    while len(there):
        day[there] += rng.exponential(1 / rate[there])
        there = there[day[there] <= T[there]]
        x[there] += 1
        tx[there] = np.rint(day[there])
        there = there[rng.random(len(there)) >= stop[there]]
    times = np.maximum(x, 1)
    m = rng.gamma(TRUTH["p"] * times) / rng.gamma(TRUTH["q"], 1 / TRUTH["g"], n) / times
    return x, tx, T, np.where(x > 0, np.round(m, 2), np.nan)


def _fitted(command: list[str]) -> dict[str, Any]:
    """A process's JSON, with its own CPU seconds (imports included) and peak memory."""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout
        text = process.stdout.read()
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:3])} failed.")
    cpu = round(usage.ru_utime + usage.ru_stime, 3)
    return {"cpu_s": cpu, "peak_mb": round(usage.ru_maxrss / 1024, 1), **json.loads(text)}


def _scored(arrays: tuple[np.ndarray, ...], ours: dict[str, Any]) -> dict[str, Any]:
    """CPU seconds of P(alive) and of the values of 30, 90 and 365 days for all customers."""
    from tandem.planner.modelling.value import Fitted, GammaGamma, Histories, Kind, future_value

    histories = Histories(*arrays)
    model = Fitted(
        kind=Kind.BG,
        parameters=dict(zip(("r", "alpha", "a", "b"), ours["bg"], strict=True)),
        log_likelihood=ours["bg_log_likelihood"],
        converged=True,
        unit_days=7,
        rows=ours["rows"],
        customers=histories.customers,
    )
    spend = GammaGamma(
        parameters=dict(zip(("p", "q", "g"), ours["gamma_gamma"], strict=True)),
        log_likelihood=0,
        converged=True,
        repeaters=0,
        correlation=0,
    )
    model.expected(Histories([1], [1], [2]), 30)  # the imports are counted with the fit
    started = time.process_time()
    alive = model.p_alive(histories)
    value = future_value(model, spend, histories)
    return {
        "score_cpu_s": round(time.process_time() - started, 3),
        "mean_p_alive": round(float(alive.mean()), 5),
        "mean_value_365": round(float(value[365].mean()), 4),
    }


def _beside_peer(
    folder: str, arrays: tuple[np.ndarray, ...], ours: dict[str, Any], cpu: float
) -> dict[str, Any]:
    python, missing = _environment()
    if missing:
        return {"ratio_vs_lifetimes": None, "checked": f"Not compared with lifetimes: {missing}"}
    peer = _fitted([str(python), str(ROOT / "benchmarks" / "models_peer.py"), folder])
    return {
        "ratio_vs_lifetimes": round(peer["cpu_s"] / cpu, 1),
        "lifetimes_cpu_s": peer["cpu_s"],
        "lifetimes_peak_mb": peer["peak_mb"],
        "lifetimes_bg": peer["bg"],
        "lifetimes_gamma_gamma": peer["gamma_gamma"],
        "checked": _compared(arrays, ours, peer),
    }


def _compared(arrays: tuple[np.ndarray, ...], ours: dict[str, Any], peer: dict[str, Any]) -> str:
    """Both likelihoods at both sets of parameters: ours must not be the lower; parameters to a hundredth."""
    from tandem.planner.modelling.value import Histories, bg
    from tandem.planner.modelling.value.counting import Counted
    from tandem.planner.modelling.value.gamma_gamma import _Spend

    x, tx, T, m = arrays
    rows = Counted.of(Histories(x, tx, T).collapsed(), 7.0)
    spend = _Spend(x[x > 0], m[x > 0], np.ones(int((x > 0).sum())))
    gains = {
        "bg": bg.likelihood(ours["bg"], rows)[0] - bg.likelihood(peer["bg"], rows)[0],
        "gamma_gamma": spend.likelihood(ours["gamma_gamma"])[0] - spend.likelihood(peer["gamma_gamma"])[0],
    }
    for name, gain in gains.items():
        apart = float(np.max(np.abs(np.array(ours[name]) / np.array(peer[name]) - 1)))
        if gain < -0.01 or apart > 0.01:
            raise SystemExit(f"{name}: {ours[name]}, lifetimes {peer[name]}, log-likelihood {gain:+.3f}")
    return (
        f"parameters equal lifetimes' within 1 %; log-likelihoods higher by {gains['bg']:.3f} (BG/NBD) "
        f"and {gains['gamma_gamma']:.3f} (Gamma-Gamma)"
    )


def _environment() -> tuple[Path, str]:
    """The interpreter with the peers, made in the benchmarks' home from the hash-locked list; else why not."""
    home = Path(os.environ.get("TANDEM_HOME", Path(tempfile.gettempdir()) / "tandem-benchmarks")) / "peers"
    python, stamp = home / "bin" / "python", home / "peers.txt"
    if stamp.is_file() and stamp.read_bytes() == PEERS.read_bytes():
        return python, ""
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "-q", "install"]
    locked = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(PEERS)]
    for command in ([sys.executable, "-m", "venv", "--clear", str(home)], [*pip, *locked]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return python, f"it cannot be installed here ({(done.stderr or done.stdout).strip()[-200:]})."
    stamp.write_bytes(PEERS.read_bytes())
    return python, ""
