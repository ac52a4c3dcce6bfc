"""`tandem models`: the five models, how right they were, and a back-test of any transaction log."""

import csv
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tandem.kit import clock
from tandem.kit.commands import command, data, print_json, words
from tandem.kit.problems import Refused

app = typer.Typer(no_args_is_help=True, help="Models of customers: what they say and how right they were.")

AccountOption = Annotated[
    str | None, typer.Option("--account", help="Name or id; needed if there are several.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.command()
@command("planner")
def backtest(
    file: Annotated[Path, typer.Argument(help="CSV, Parquet or a log with spaces between its fields.")],
    mapping: Annotated[
        str, typer.Option("--mapping", help="customer=COLUMN,at=COLUMN,value=COLUMN; guessed when left out.")
    ] = "",
    currency: Annotated[
        str, typer.Option("--currency", help="Only lines in this currency, if the file names one.")
    ] = "",
    pareto: Annotated[
        bool, typer.Option("--pareto", help="Let Pareto/NBD compete too; it takes longer.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Gates, models and back-test of any transaction log. No account is needed and nothing is kept."""
    from tandem.planner.modelling.learning import service

    with _bar() as tell:
        report = service.backtest_file(
            file, mapping=mapping, currency=currency, pareto=pareto, progress=tell,
            clock=clock.from_environment(),
        )  # fmt: skip
    if json:
        print_json(report.as_json())
        return
    _lines([f'MAPPING="{report.mapping}"', _read(report), *report.notes])
    _gates(report.evidence.gates)
    _print(_judged([asdict(one) for one in report.evidence.models]))
    for one in report.evidence.models:
        _print(_chosen(one))
        _lines(_told(one))
    _lines([_verdict(report.beats_past_spend)])


@app.command("list")
@command("planner")
def list_models(account: AccountOption = None, json: JsonOption = False) -> None:
    """The models in force: since when, by which method, how right they were, drift."""
    from tandem.planner.modelling.learning import service

    found = service.models_of(_account(account))
    if json:
        print_json(asdict(found) if found else {"models": []})
        return
    if found is None:
        data.print("Nothing was learnt yet. It needs 100 customers with orders over 28 days, and a snapshot.")
        return
    _print(_judged([asdict(one) for one in found.models]))
    _gates(found.gates)
    _lines(
        [f"Learnt on {found.trained_on}, scored on {found.day}, drift {found.drift or 0:.2f}.", *found.notes]
    )
    if found.retrain_asked:
        _lines(["Everything is learnt again with the next snapshot."])


@app.command()
@command("planner")
def show(
    model: Annotated[
        str, typer.Argument(help="churn_risk, reactivation, conversion, future_value or top_spender.")
    ],
    table: Annotated[
        str,
        typer.Option(
            "--csv", help="One table as CSV: stages, candidates, deciles, factors, season, weeks, ..."
        ),
    ] = "",
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """The back-test of one model: methods, calibration, deciles, gates; --csv writes one of its tables."""
    from tandem.planner.modelling.learning import service

    chosen = _account(account)
    evidence = service.backtest_of(chosen, model)
    tables = service.tables_of(evidence, model)
    if table:
        _csv(tables, table)
    elif json:
        print_json(evidence.as_json())
    else:
        header, weights = tables["importance"]
        label = service.label_of(chosen)
        tables["importance"] = header, tuple((label(name), size) for name, size in weights)
        for name in ("stages", "candidates", "deciles", "factors", "importance", "season", "gates"):
            if name in tables:
                _print(_plain(name, *tables[name]))
        _lines(_told(evidence.models[0]))


@app.command()
@command("planner")
def train(account: AccountOption = None, json: JsonOption = False) -> None:
    """Have everything learnt again with the next snapshot."""
    from tandem.planner.modelling.learning import service

    service.ask_training(_account(account), actor="command line", clock=clock.from_environment())
    if json:
        print_json({"asked": True})
        return
    data.print("Everything is learnt again with the next snapshot: tandem customers snapshot.")


def _read(report: Any) -> str:
    return (
        f"{report.taken:,} of {report.rows:,} rows taken, {report.buyers:,} buyers, {report.first_day} to "
        f"{report.last_day}. At risk after {report.rules.at_risk_days} days, churn after "
        f"{report.rules.churn_days}. {report.seconds:.1f} s."
    )


def _judged(models: Sequence[dict[str, Any]]) -> Table:
    from tandem.planner.modelling.learning.domain import LABELS, RUNG_LABELS, Model

    made = Table(title="How right the newest back-test was")
    for head in (
        "Model",
        "Days",
        "From",
        "Judged",
        "AUC",
        "Error",
        "Best tenth",
        "Past spend",
        "Actual/predicted",
    ):
        made.add_column(head)
    made.add_column("Methods")
    for one in models:
        used = dict.fromkeys(RUNG_LABELS[stage["rung"]] for stage in one["stages"])
        figures = [_number(one[key]) for key in ("auc", "error", "capture", "past_capture", "ratio")]
        label, day = LABELS[Model(one["model"])], str(one["judged_on"] or "")
        made.add_row(label, str(one["horizon"]), day, f"{one['judged']:,}", *figures, ", ".join(used))
    return made


def _chosen(one: Any) -> Table:
    from tandem.planner.modelling.learning.domain import LABELS, RUNG_LABELS

    rows = [(s.stage, f"{s.customers:,}", RUNG_LABELS[s.rung], f"{s.factor:.2f}", s.why) for s in one.stages]
    return _plain(LABELS[one.model], ("Stage", "Customers", "Method", "Times", "Why"), rows)


def _told(one: Any) -> tuple[str, ...]:
    """What must be known of a model, and what became of the season."""
    if one.season is None or not one.season.windows:
        return tuple(one.told)
    ahead = ", ".join(f"{days} days {level:.2f}" for days, level in one.season.ahead)
    return (*one.told, f"Season: {one.season.why} Level ahead, 1 = a year's mean: {ahead}.")


def _gates(gates: Sequence[Any]) -> None:
    _lines([f"{'yes' if one.passed else 'NO '}  {one.words}" for one in gates])


def _verdict(beats: bool | None) -> str:
    if beats is None:
        return "The log is too short to say whether the models rank better than past spend."
    brought = "brought more" if beats else "did not bring more"
    return f"The best tenth by future value {brought} than that by past spend."


def _plain(title: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    made = Table(title=title.replace("_", " "))
    for head in header:
        made.add_column(head)
    for row in rows:
        made.add_row(*(_number(one) for one in row))
    return made


def _number(value: Any) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else "" if value is None else str(value)


def _csv(tables: dict[str, Any], name: str) -> None:
    if name not in tables:
        raise Refused(f"There is no table {name}.", f"The tables are {', '.join(tables)}.")
    header, rows = tables[name]
    writer = csv.writer(sys.stdout)
    writer.writerow(header)
    writer.writerows(rows)


def _lines(sentences: Sequence[str]) -> None:
    for sentence in sentences:
        data.print(sentence, markup=False, soft_wrap=True)


def _print(table: Table) -> None:
    data.print(table)


def _account(chosen: str | None) -> int:
    from tandem.planner.accounts.service import find_account

    return find_account(chosen).id


@contextmanager
def _bar() -> Iterator[Any]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=words, transient=True) as progress:
        task = progress.add_task("Starting", total=1.0)
        yield lambda phase, share: progress.update(task, description=phase, completed=share)
