"""What was asked for, by the environment; words for which fault is run how."""

import os
import random
from collections.abc import Sequence

#: every fault, in the order of the page. A letter behind the number: M the messenger's processes, P the planner's
NAMES = ("F1P", "F1M", "F2", "F2R", "F3M", "F3P", "F4", "F8", "F16", "F17")
#: each step is killed, and the database stopped, so often
OFTEN = 20
#: what runs side by side, each lane in a home of its own; most of the time each waits
LANES = (("F2", "F2R", "F3M", "F4"), ("F1M", "F8", "F16"), ("F1P", "F3P", "F17"))


class Plan:
    """Sizes and choices. A small one (EACH below OFTEN) is for looking at the faults themselves."""

    def __init__(self) -> None:
        self.kills = int(os.environ.get("KILLS") or 200)
        self.recipients = int(os.environ.get("N") or 10_000)
        #: how often each step is killed, and the database stopped
        self.each = int(os.environ.get("EACH") or OFTEN)
        #: seconds that a process stands still, or a database is away
        self.away = float(os.environ.get("AWAY") or 60)
        #: the last piece that F17 cuts off, 0 = as many as there are
        self.pieces = int(os.environ.get("PIECES") or 0)
        self.seed = int(os.environ.get("SEED") or random.randrange(10**6))
        self.only = chosen((os.environ.get("ONLY") or "").upper().split(","))
        self.chance = random.Random(self.seed)

    @property
    def is_whole(self) -> bool:
        """Whether every fault runs, each as often as the page says."""
        return self.only == NAMES and self.each >= OFTEN and not self.pieces

    def lanes(self) -> list[tuple[str, ...]]:
        """What was asked for, by lane."""
        lanes = [tuple(name for name in lane if name in self.only) for lane in LANES]
        return [lane for lane in lanes if lane]


def chosen(words: Sequence[str]) -> tuple[str, ...]:
    """Faults by name; `F1` are those of both halves. ValueError if one is not known."""
    words = [word.strip() for word in words if word.strip()]
    found = {word: [name for name in NAMES if word in (name, name.rstrip("MP"))] for word in words}
    if not all(found.values()):
        raise ValueError(f"ONLY must be of {', '.join(NAMES)}.")
    return tuple(name for names in found.values() for name in names) or NAMES
