"""The models in force, each one's back-test, and every table of it as a file."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from tandem.kit.plots import Plot, Table, spark
from tandem.kit.problems import NotFound
from tandem.planner.modelling.learning import service
from tandem.planner.modelling.learning.domain import (
    LABELS,
    MEANINGS,
    RUNG_LABELS,
    Evidence,
    GateResult,
    Model,
    ModelEvidence,
    StageEvidence,
)
from tandem.planner.web.access import go, now, page
from tandem.planner.web.learned import drawings, words

RUNS = 20


@page()
@require_http_methods(["GET", "POST"])
def models(request: HttpRequest) -> HttpResponseBase:
    """The five models; asks for them to be made anew with the next night's."""
    user: Any = request.user
    if request.method == "POST":
        service.ask_training(user.account_id, actor=user.email, clock=now())
        messages.success(request, _("The models are made anew with the next snapshot."))
        return go(request, "/ui/models")
    view = service.models_of(user.account_id)
    lines = [_line(one) for one in view.models] if view else []
    gates = _gates(view.gates) if view else []
    return render(request, "models/list.html", {"view": view, "lines": lines, "gates": gates})


def _line(line: service.ModelLine) -> dict[str, Any]:
    """One model with its stages and how right it was."""
    return {
        "of": line,
        "who": words.who(line.model),
        "stages": _stages([one for one in line.stages if one.customers]),
        "right": words.how_right(line.model, line, line.horizon),
    }


def _stages(stages: Sequence[StageEvidence]) -> list[tuple[StageEvidence, str]]:
    return [(one, RUNG_LABELS[one.rung]) for one in stages]


@page()
@require_GET
def backtest(request: HttpRequest, model: str) -> HttpResponse:
    """How often one model was right, in words, plots and tables."""
    user: Any = request.user
    wanted = _model(model)
    evidence = service.backtest_of(user.account_id, wanted)
    found = _of(evidence, wanted)
    stage = _stage(request, found)
    judged, currency = stage or found, user.account.currency
    runs = service.runs(user.account_id, wanted, limit=RUNS)
    return render(
        request,
        "models/backtest.html",
        {
            "model": wanted, "label": LABELS[wanted], "meaning": MEANINGS[wanted], "who": words.who(wanted),
            "use": words.use(wanted), "evidence": evidence, "found": found, "stage": stage,
            "stages": _stages(found.stages), "right": words.how_right(wanted, judged, found.horizon), "judged": judged,
            "plots": _addressed(wanted, drawings.of_model(found, stage, currency)),
            "beneath": _addressed(wanted, drawings.of_purchases(wanted, evidence)),
            "gates": _gates(evidence.gates), "candidates": _candidates(found),
            "importance": _importance(found, service.label_of(user.account_id)),
            "runs": runs, "drifts": _drifts(runs), "files": sorted(service.tables_of(evidence, wanted)),
            "currency": currency, "season": _season(wanted, found),
        },
    )  # fmt: skip


def _season(model: Model, found: ModelEvidence) -> dict[str, Any] | None:
    """The season with its picture; nothing while the log is too short, which the words above it say."""
    plot = drawings.of_season(found)
    if found.season is None or plot is None:
        return None
    ahead = [(days, 100 * level) for days, level in found.season.ahead]
    return {"of": found.season, "plot": plot, "file": f"/ui/models/{model}/season.csv", "ahead": ahead}


def _stage(request: HttpRequest, found: ModelEvidence) -> StageEvidence | None:
    return next((one for one in found.stages if one.stage == request.GET.get("stage")), None)


def _addressed(model: Model, plots: list[Plot]) -> list[tuple[Plot, str]]:
    """Plots with the addresses of their files."""
    return [(one, f"/ui/models/{model}/{one.table.key}.csv") for one in plots]


def _gates(found: Sequence[GateResult]) -> list[tuple[str, GateResult]]:
    return [(words.gate(one.name), one) for one in found]


def _candidates(found: ModelEvidence) -> list[dict[str, Any]]:
    return [
        {"stage": stage.stage, "of": one, "label": RUNG_LABELS[one.rung], "chosen": one.rung is stage.rung}
        for stage in found.stages
        for one in stage.candidates
    ]


def _importance(found: ModelEvidence, label: Callable[[str], str]) -> list[tuple[str, float]]:
    """Attributes by their weight; those of none are left out."""
    return [(label(name), size) for name, size in found.importance if size > 0]


def _drifts(runs: Any) -> Any:
    """The drift of the runs, oldest first, as a line in a row."""
    return spark([one.drift for one in reversed(runs)], _("Drift of the last runs, oldest first"))


@page()
@require_GET
def table(request: HttpRequest, model: str, name: str) -> HttpResponse:
    """One table of the back-test as a file: as the command line prints it, or that of a plot."""
    user: Any = request.user
    wanted = _model(model)
    evidence = service.backtest_of(user.account_id, wanted)
    made = _printed(evidence, wanted, name) or _drawn(evidence, wanted, name, user.account.currency)
    if made is None:
        raise NotFound(_("There is no such table."), _("Open the model's page; every table links its file."))
    return HttpResponse(
        made.as_csv(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{wanted}-{name}.csv"'},
    )


def _printed(evidence: Evidence, model: Model, name: str) -> Table | None:
    header, rows = service.tables_of(evidence, model).get(name, ((), ()))
    lines = tuple(tuple(row) for row in rows)
    return Table(key=name, title=name, headings=tuple(header), rows=lines) if header else None


def _drawn(evidence: Evidence, model: Model, name: str, currency: str) -> Table | None:
    plots = drawings.of_model(_of(evidence, model), None, currency)
    tables = [one.table for one in (*plots, *drawings.of_purchases(model, evidence))]
    return next((one for one in tables if one.key == name), None)


def _model(name: str) -> Model:
    try:
        return Model(name)
    except ValueError as error:
        raise NotFound(_("There is no such model."), _("Choose one of the list of models.")) from error


def _of(evidence: Evidence, model: Model) -> ModelEvidence:
    found = evidence.of(model)
    if found is None:
        raise NotFound(_("This model has not been made yet."), _("It is made with the next night's data."))
    return found
