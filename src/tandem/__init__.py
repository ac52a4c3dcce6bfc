"""Tandem: a campaign planner and a messenger that meet only over HTTP."""

import sys

# httpx's own command line would bring click, pygments and half of rich into every process
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
