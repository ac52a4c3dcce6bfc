"""Back-tests: what would have been said on past days, from what was known then, and what came."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from tandem.planner.modelling.learning.domain import Rung
from tandem.planner.modelling.learning.estimators import LEAST_POSITIVES
from tandem.planner.modelling.learning.frames import Frame
from tandem.planner.modelling.learning.lives import Lives
from tandem.planner.modelling.learning.questions import LEAST_HISTORY, Question, answers, train
from tandem.planner.modelling.learning.season import Index, Stand

Array = NDArray[np.float64]
MOST_FOLDS = 5
SILENT = f"A stage shows the rarer outcome in fewer than {LEAST_POSITIVES} cases."


@dataclass(frozen=True, kw_only=True, eq=False)
class Fold:
    """One back-test: answers per method for the customers asked about, and what came of them.

    stage: index into STAGES; past: their lifetime spend up to then; refused: why a method has no answer;
    stand: what the answers rest on; season: the index by what was known on the day, None: it is not used.
    """

    day: date
    horizon: int
    stage: NDArray[np.int8]
    answers: dict[Rung, Array]
    refused: dict[Rung, str]
    actual: Array
    past: Array
    stand: Stand | None = None
    season: Index | None = None

    @property
    def over(self) -> date:
        """The day on which it was known how right it was."""
        return self.day + timedelta(days=self.horizon)

    def of_stage(self, number: int) -> "Fold":
        """Only the customers of one stage, and the methods that answer for them."""
        return self._of(self.stage == number)

    @property
    def whole(self) -> "Fold":
        """All customers, and the methods that answer for each of them."""
        return self._of(np.ones(len(self.stage), dtype=bool))

    def _of(self, rows: NDArray[np.bool_]) -> "Fold":
        answers = {rung: made[rows] for rung, made in self.answers.items()}
        silent = [rung for rung, made in answers.items() if not np.isfinite(made).all()]
        return replace(
            self, stage=self.stage[rows], actual=self.actual[rows], past=self.past[rows],
            answers={rung: made for rung, made in answers.items() if rung not in silent},
            refused={**self.refused, **dict.fromkeys(silent, SILENT)},
        )  # fmt: skip

    def in_season(self, index: Index | None) -> "Fold":
        """The same with its answers multiplied by the season of the days after it."""
        if index is None or self.stand is None:
            return self
        stand = self.stand
        factors = {rung: index.factor(rung, stand, self.horizon) for rung in self.answers}
        return replace(self, answers={rung: made * factors[rung] for rung, made in self.answers.items()})


#: day -> the frame of that day and the purchase models fitted to what was known on it
Known = Callable[[date], tuple[Frame, Lives]]


def days_of(question: Question, first: date, day: date) -> tuple[date, ...]:
    """Days of its back-tests, newest first: the whole horizon has passed since, and enough was known then."""
    least = first + timedelta(days=LEAST_HISTORY)
    days = [day - timedelta(days=question.horizon + n * question.step) for n in range(MOST_FOLDS)]
    return tuple(one for one in days if one >= least)


def training_days(question: Question, first: date, day: date) -> tuple[date, ...]:
    """Days to learn from on `day`, newest first."""
    return days_of(question, first, day)[:3]


def fold(
    question: Question, day: date, first: date, known: Known, *, seed: int, exposure: Array | None = None
) -> Fold:
    """Look back at one day; exposure: repeat purchases expected up to it in each window of the year."""
    trained = train(question, [known(one) for one in training_days(question, first, day)], seed=seed)
    frame, lives = known(day)
    rows = question.members(frame)
    found, refused = answers(question, frame, rows, lives, trained)
    stand = (
        None if exposure is None else Stand(day=day, age=frame.age, exposure=exposure, trained=trained.days)
    )
    return Fold(
        day=day, horizon=question.horizon, stage=frame.stage[rows], answers=found, refused=refused,
        actual=question.actual(frame, rows), past=frame.of("total_spent")[rows], stand=stand,
    )  # fmt: skip


def completed(folds: Sequence[Fold], on: date) -> tuple[Fold, ...]:
    """Those whose outcome was known on a day."""
    return tuple(one for one in folds if one.over <= on)
