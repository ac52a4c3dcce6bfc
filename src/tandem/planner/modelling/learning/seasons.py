"""Whether the season is used: past days answer, each with the season that was known on it, and without."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

import duckdb

from tandem.planner.modelling.learning import season
from tandem.planner.modelling.learning.choosing import TIE, choose
from tandem.planner.modelling.learning.domain import Season
from tandem.planner.modelling.learning.folding import Fold
from tandem.planner.modelling.learning.questions import Question
from tandem.planner.modelling.learning.season import Array, Bought, Index, Stand

NONE = "Looked for and not found: the parts of a year differ no more than chance explains."
NEVER = "Looked for and not used: on no past day was the log long enough to try it."
SAME = (
    "Looked for and not used: with the season the error of value on {n} earlier days was {error:,.2f}, without it "
    "{plain:,.2f}; it is taken only where it does clearly better."
)
USED = (
    "Used: on {n} earlier days the error of value was {error:,.2f} with the season of the years before, {plain:,.2f} "
    "without."
)


@dataclass(kw_only=True, eq=False)
class Seasons:
    """The seasons of a log by what was known on each day; of the table `sampled`, from `first` to `day`."""

    session: duckdb.DuckDBPyConnection
    first: date
    day: date
    _indices: dict[date, Index | None] = field(default_factory=dict)

    @property
    def long_enough(self) -> bool:
        """Whether each part of a year was seen twice."""
        return (self.day - self.first).days >= season.LEAST_LOG

    def exposure(self, day: date) -> Array | None:
        """Repeat purchases expected up to a day in each window of the year; None: the log is too short."""
        return season.exposure(self._bought, self.first, day) if self.long_enough else None

    def index(self, day: date) -> Index | None:
        """The season by what was known on a day; None: too little."""
        if day not in self._indices:
            found = season.measured(self._bought, self.first, day) if self.long_enough else None
            self._indices[day] = found
        return self._indices[day]

    def settle(
        self, question: Question, folds: Sequence[Fold], trained: Sequence[date], shown: Sequence[int]
    ) -> tuple[Season | None, Index | None]:
        """What the season of today is and whether it is used (None: not money); the index only if it is.

        trained: the days learnt from; shown: days ahead that are told.
        """
        if not question.is_value:
            return None, None
        span, index = (self.day - self.first).days, self.index(self.day)
        exposure = self.exposure(self.day)
        if index is None or exposure is None:
            why = season.TOO_SHORT.format(days=span, least=season.LEAST_LOG)
            return Season(used=False, why=why), None
        stand = Stand(day=self.day, age=span + 1, exposure=exposure, trained=tuple(trained))
        figures = season.described(index, stand, question.rungs, question.horizon, shown=shown)
        found = replace(weighed(folds), **figures)
        if (index.value == 1).all():
            found = replace(found, used=False, why=NONE)
        return found, index if found.used else None

    @cached_property
    def _bought(self) -> Bought:
        return season.count(self.session, self.first)


def weighed(folds: Sequence[Fold]) -> Season:
    """What past days say of a season: the least error over all stages with and without it."""
    tried = sum(one.season is not None for one in folds)
    plain, seasonal = _least(without(folds)), _least(folds)
    if not tried or plain is None or seasonal is None:
        return Season(used=False, why=NEVER)
    used = seasonal < plain * (1 - TIE)
    why = (USED if used else SAME).format(n=tried, error=seasonal, plain=plain)
    return Season(used=used, why=why, error=seasonal, plain_error=plain, backtests=tried)


def without(folds: Sequence[Fold]) -> list[Fold]:
    """The same without their season."""
    return [replace(one, season=None) for one in folds]


def settled(folds: Sequence[Fold]) -> list[Fold]:
    """The same with their season if that did better on them."""
    return list(folds) if weighed(folds).used else without(folds)


def _least(folds: Sequence[Fold]) -> float | None:
    choice = choose([one.whole for one in folds], value=True)
    taken = next((one for one in choice.candidates if one.rung is choice.rung), None)
    return taken.error if taken else None
