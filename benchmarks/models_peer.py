"""The same fits by `lifetimes` 0.11.3, run by an interpreter of its own environment: `python models_peer.py FOLDER`."""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from lifetimes import BetaGeoFitter, GammaGammaFitter


def main() -> None:
    """Fit, and print the parameters (weeks, money) as one JSON document."""
    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1])
    x, tx, T, m = (np.load(folder / f"{name}.npy") for name in ("x", "tx", "T", "m"))
    model = BetaGeoFitter().fit(pd.Series(x), pd.Series(tx / 7), pd.Series(T / 7))
    again = x > 0
    spend = GammaGammaFitter().fit(pd.Series(x[again]), pd.Series(m[again]))
    document = {
        "bg": [float(model.params_[name]) for name in ("r", "alpha", "a", "b")],
        "gamma_gamma": [float(spend.params_[name]) for name in ("p", "q", "v")],
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
