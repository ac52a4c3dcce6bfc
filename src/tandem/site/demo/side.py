"""What both sides of the demonstration share: `python -m tandem.site.demo.<half>_side STEP < facts > answer`."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from tandem.kit.commands import guarded, print_json, use_half

Step = Callable[[dict[str, Any]], dict[str, Any]]


@guarded
def serve(half: str, steps: Mapping[str, Step]) -> None:
    """Run one step of one half: facts in on stdin, one JSON answer out on stdout."""
    facts = orjson.loads(sys.stdin.buffer.read() or b"{}")
    use_half(half)
    print_json(steps[sys.argv[1]](facts))
