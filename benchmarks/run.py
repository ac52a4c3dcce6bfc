"""`make bench NAME=import N=1000000 JSON=1`: run one benchmark, one JSON document as the last line.

A benchmark is a module here with `run(n) -> dict`: it prepares outside the measured part and calls
`measure.part()` around what is measured. Figures: wall and CPU seconds of this process and its children, peak
resident memory of this process, and `checked` = what was compared with what.
"""

import importlib
import os
import sys

import orjson

from benchmarks import measure

MODULES = {
    "import": "import_",
    "snapshot": "snapshot",
    "count": "count",
    "list": "list_",
    "send": "send",
    "contacts": "contacts",
    "details": "details",
    "activation": "activation",
    "render": "render",
    "bridge": "bridge",
    "record": "record",
    "tracking": "tracking",
    "smtp": "smtp",
    "smpp": "smpp",
    "delivery": "delivery",
    "discovery": "discovery",
    "discovery-null": "discovery_null",
    "discovery-planted": "discovery_planted",
    "discovery-forward": "discovery_forward",
    "alarms": "alarms",
    "learning": "learning",
    "intervals": "intervals",
    "cycle": "cycle",
    "models": "models",
}


def main() -> int:
    """Read NAME, N and JSON from the environment and run."""
    name, n = os.environ.get("NAME", ""), int(os.environ.get("N", "1000000"))
    if name not in MODULES:
        print(f"NAME must be one of {', '.join(MODULES)}.", file=sys.stderr)
        return 2
    module = importlib.import_module(f"benchmarks.{MODULES[name]}")
    measure.set_up(getattr(module, "HALF", "planner"))
    found = module.run(n)
    document = {"name": name, "n": n, **measure.figures(), **found}
    if os.environ.get("JSON") != "1":
        for key, value in document.items():
            print(f"{key:12} {value}")
    print(orjson.dumps(document, default=str).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
