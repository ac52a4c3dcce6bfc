"""Scores of a snapshot, and the registry of what made them."""

from tandem.planner.modelling.learning.service.backtest import LogReport, MixedCurrencies, backtest_file
from tandem.planner.modelling.learning.service.beside import label_of
from tandem.planner.modelling.learning.service.registry import (
    ModelLine,
    ModelsView,
    NoModels,
    RunView,
    ask_training,
    backtest_of,
    model_run,
    models_of,
    runs,
)
from tandem.planner.modelling.learning.service.score import keep, score
from tandem.planner.modelling.learning.tables import tables_of

__all__ = [
    "LogReport",
    "MixedCurrencies",
    "ModelLine",
    "ModelsView",
    "NoModels",
    "RunView",
    "ask_training",
    "backtest_file",
    "backtest_of",
    "keep",
    "label_of",
    "model_run",
    "models_of",
    "runs",
    "score",
    "tables_of",
]
