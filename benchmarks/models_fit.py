"""BG/NBD and Gamma-Gamma on arrays of a folder, in the product: `python -m benchmarks.models_fit FOLDER`."""

import json
import sys
import time
from pathlib import Path

import numpy as np

from tandem.planner.modelling.value import Histories, fit, fit_spend


def main() -> None:
    """Fit, and print one JSON document of parameters (weeks, money) and CPU seconds of the parts."""
    folder = Path(sys.argv[1])
    x, tx, T, m = (np.load(folder / f"{name}.npy") for name in ("x", "tx", "T", "m"))
    marks = [time.process_time()]
    model = fit("bg", Histories(x, tx, T))
    marks.append(time.process_time())
    spend = fit_spend(x, m)
    marks.append(time.process_time())
    parts = np.round(np.diff([0, *marks]), 3)
    document = {
        "bg": [model.parameters[name] for name in ("r", "alpha", "a", "b")],
        "bg_log_likelihood": model.log_likelihood,
        "gamma_gamma": [spend.parameters[name] for name in ("p", "q", "g")],
        "gamma_gamma_log_likelihood": spend.log_likelihood,
        "rows": model.rows,
        "parts": dict(zip(("imports_and_reading", "bg", "gamma_gamma"), parts.tolist(), strict=True)),
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
