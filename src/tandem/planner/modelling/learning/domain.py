"""What the five models answer, the methods they may use, and the evidence for each. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Self

from tandem.planner.modelling.learning.plain import read

ITERATION = 14
LEAST_FACTOR, MOST_FACTOR = 0.8, 1.25
MOST_DRIFT = 0.2


class Model(StrEnum):
    """The five models; each value is the column of its score."""

    CHURN = "churn_risk"
    REACTIVATION = "reactivation"
    CONVERSION = "conversion"
    VALUE = "future_value"
    TOP = "top_spender"


class Rung(StrEnum):
    """The methods, simplest first: of two that do equally well the earlier one is taken."""

    NONE = "none"
    BASE = "base"
    PACE = "pace"
    LIFE = "mbg"
    LIFE_BG = "bg"
    LIFE_PARETO = "pareto"
    LOGISTIC = "logistic"
    BOOSTING = "boosting"
    STAGED = "staged"


SIMPLEST = tuple(Rung)
LIFE_KINDS = {Rung.LIFE: "mbg", Rung.LIFE_BG: "bg", Rung.LIFE_PARETO: "pareto"}

LABELS = {
    Model.CHURN: "Risk of churn",
    Model.REACTIVATION: "Reactivation",
    Model.CONVERSION: "Conversion",
    Model.VALUE: "Future value",
    Model.TOP: "Top spender",
}
RUNG_LABELS = {
    Rung.NONE: "No model",
    Rung.BASE: "Average of the stage",
    Rung.PACE: "Past spend continued",
    Rung.LIFE: "Purchase model (MBG/NBD)",
    Rung.LIFE_BG: "Purchase model (BG/NBD)",
    Rung.LIFE_PARETO: "Purchase model (Pareto/NBD)",
    Rung.LOGISTIC: "Logistic regression",
    Rung.BOOSTING: "Boosted trees",
    Rung.STAGED: "Boosted trees of the stage",
}
MEANINGS = {
    Model.CHURN: "Chance that a customer who still buys reaches the stage Churn within 28 days.",
    Model.REACTIVATION: "Chance that a customer in Churn buys again within 28 days.",
    Model.CONVERSION: "Chance that somebody registered who never bought buys within 28 days.",
    Model.VALUE: "What a customer is expected to spend in the next 365 days, before returns.",
    Model.TOP: "Chance that a customer who is not yet there is among the top 1 % of lifetime spend 84 days from now.",
}


@dataclass(frozen=True, kw_only=True)
class Decile:
    """A tenth of the customers by prediction, 10 = the highest: mean predicted and mean actual per customer."""

    decile: int
    customers: int
    predicted: float
    actual: float


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """How one method did in one stage over all completed back-tests of the model, calibrated on earlier ones.

    error: of value the root mean squared error in money (amounts above the 99.5 % quantile cut to it), of a chance
    the Brier score; auc: how often a buyer is ranked above another (None: not to be measured); capture: share of the
    actual value that the tenth ranked highest brought; refused: in words why it could not be taken.
    """

    rung: Rung
    error: float | None
    auc: float | None = None
    capture: float | None = None
    folds: int = 0
    refused: str = ""


@dataclass(frozen=True, kw_only=True)
class StageEvidence:
    """What one model does in one stage and why.

    factor: what its predictions are multiplied by, the mean of `factors` (day of the back-test, actual / predicted);
    flagged: the factor lies outside .8 to 1.25; curve: (predicted, calibrated) points used instead of the factor;
    mean: the average answer of the stage on the days learnt from; stretch: (days, what a future value of the horizon
    is multiplied by to be one of so many days).
    Judged on the newest completed back-test, chosen and calibrated without it: error, auc, brier, capture,
    past_capture (the same by past spend), ratio (sum of actual / sum of predicted), deciles.
    """

    stage: str
    customers: int
    rung: Rung
    why: str
    candidates: tuple[Candidate, ...] = ()
    factor: float = 1.0
    factors: tuple[tuple[date, float], ...] = ()
    curve: tuple[tuple[float, float], ...] = ()
    mean: float | None = None
    stretch: tuple[tuple[int, float], ...] = ()
    flagged: bool = False
    judged_rung: Rung = Rung.NONE
    judged: int = 0
    positives: int = 0
    error: float | None = None
    auc: float | None = None
    brier: float | None = None
    capture: float | None = None
    past_capture: float | None = None
    ratio: float | None = None
    deciles: tuple[Decile, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SeasonWindow:
    """28 days of the year from `begins` (month-day): level of amounts and of purchase days, 1 = the year's mean.

    seen_value, seen_orders: as counted; value, orders: drawn to 1 as far as chance explains them; years: how often
    these days were seen.
    """

    begins: str
    value: float
    orders: float
    seen_value: float
    seen_orders: float
    purchases: int
    years: float


@dataclass(frozen=True, kw_only=True)
class Season:
    """How much more or less is bought in parts of a year, and whether predictions are multiplied by it.

    error, plain_error: of the method taken over all stages on past days, with and without; levels: method -> mean level
    of the days its answers rest on, order_level: the same of purchase days for the purchase model; ahead: (days, mean
    level of so many days from now).
    """

    used: bool
    why: str
    windows: tuple[SeasonWindow, ...] = ()
    error: float | None = None
    plain_error: float | None = None
    backtests: int = 0
    levels: tuple[tuple[str, float], ...] = ()
    order_level: float = 1.0
    ahead: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class StageSpread:
    """How far sums of predictions in a stage were from what came, on past days.

    The variance of one customer's outcome is by_value x predicted + by_square x predicted squared; resampled: relative
    error of the stage's level when customers are drawn again, or from day to day if that is more; parts: the same of
    tenths of the stage, beyond chance.
    """

    stage: str
    by_value: float
    by_square: float
    resampled: float
    parts: float


@dataclass(frozen=True, kw_only=True)
class Spread:
    """What intervals of groups are made of; level: relative error of everything together from one day to another.

    The last of `stages` has no name: all stages together, for those of which too few customers were looked back at.
    """

    level: float
    backtests: int
    stages: tuple[StageSpread, ...]


@dataclass(frozen=True, kw_only=True)
class ModelEvidence:
    """One model: its stages, and how right it was over all of them on the newest completed back-test.

    horizon: days over which it was judged (of future value the longest the log allows); judged_on: as-of date of
    that back-test, None if none is possible; ratio: sum of actual / sum of predicted; importance: attribute -> how
    much worse the ranking gets when its values are mixed up, largest first; words: what a reader should know; season:
    of future value alone; spread: None where too few past days can be looked back at.
    """

    model: Model
    horizon: int
    population: int
    stages: tuple[StageEvidence, ...] = ()
    judged_on: date | None = None
    backtests: tuple[date, ...] = ()
    judged: int = 0
    positives: int = 0
    error: float | None = None
    auc: float | None = None
    brier: float | None = None
    capture: float | None = None
    past_capture: float | None = None
    ratio: float | None = None
    deciles: tuple[Decile, ...] = ()
    importance: tuple[tuple[str, float], ...] = ()
    words: tuple[str, ...] = ()
    season: Season | None = None
    spread: Spread | None = None

    @property
    def factor_flagged(self) -> bool:
        """Whether a stage's calibration lies outside .8 to 1.25."""
        return any(stage.flagged for stage in self.stages)

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """The methods in use, each once."""
        return tuple(dict.fromkeys(stage.rung for stage in self.stages))

    @property
    def unranked(self) -> tuple[str, ...]:
        """The stages in which everybody has the same score, so that a rank tells nothing of anybody."""
        return tuple(one.stage for one in self.stages if one.customers and one.rung is Rung.BASE)

    @property
    def told(self) -> tuple[str, ...]:
        """What a reader should know, and where there is no ranking."""
        if not self.unranked:
            return self.words
        alike = "all customers have the average of their stage: a rank, 100 of 100 or any other, tells nothing of them."
        everybody = len(self.unranked) == sum(1 for one in self.stages if one.customers)
        where = "" if everybody else f" within {' and '.join(self.unranked)}"
        return (*self.words, f"No ranking{where}: {alike}")


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """One condition under which the purchase models may be believed."""

    name: str
    passed: bool
    value: float | None
    limit: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A purchase model or the spend model as fitted on the day."""

    kind: str
    parameters: Mapping[str, float | None] = field(default_factory=dict)
    log_likelihood: float | None = None
    converged: bool = False
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Week:
    """Repeat purchase days in a week and up to it: actual, by the model, and by it times the calibration."""

    ends: date
    actual: float
    expected: float
    cumulative: float
    cumulative_expected: float
    held_out: bool


@dataclass(frozen=True, kw_only=True)
class Frequency:
    """How many customers bought on `x` days after the first (the last: or more): actual and by the model."""

    x: int
    actual: float
    expected: float


@dataclass(frozen=True, kw_only=True)
class ByFrequency:
    """Mean purchase days in the horizon of customers with `x` repeat days before: by the model, and actual."""

    x: int
    customers: int
    expected: float
    actual: float


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """What data made the models."""

    as_of: date
    customers: int
    purchase_days: int
    value: float
    first_day: date | None
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything found out on one day: plain, kept in the registry, drawn by the pages."""

    day: date
    trained_on: date
    seed: int
    code: str
    data: Fingerprint
    currency: str = ""
    gates: tuple[GateResult, ...] = ()
    fits: tuple[Fit, ...] = ()
    weeks: tuple[Week, ...] = ()
    calibration_line: date | None = None
    frequencies: tuple[Frequency, ...] = ()
    by_frequency: tuple[ByFrequency, ...] = ()
    models: tuple[ModelEvidence, ...] = ()
    drift: float | None = None
    drifted: tuple[tuple[str, float], ...] = ()
    retrained: str = ""
    notes: tuple[str, ...] = ()
    estimators: str = ""
    estimators_sha256: str = ""

    def of(self, model: Model) -> ModelEvidence | None:
        """One model's part."""
        return next((one for one in self.models if one.model is model), None)

    def as_json(self) -> dict[str, Any]:
        """A plain object that `from_json` reads back (dates as orjson writes them)."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The evidence that `as_json` wrote."""
        return read(cls, stored)
