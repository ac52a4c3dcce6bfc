"""`tandem customers`: import files, build the snapshot, look at, export and forget people."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tandem.kit import clock
from tandem.kit.commands import command, data, print_json, words
from tandem.kit.problems import Refused
from tandem.planner.cli.customer_scores import AccountOption, JsonOption, explain, movement

app = typer.Typer(no_args_is_help=True, help="Customers and their orders: import, snapshot, export, forget.")

MappingOption = Annotated[
    str,
    typer.Option("--mapping", help="customer=CustomerID,at=InvoiceDate,value=Amount; guessed when left out."),
]
AttributesOption = Annotated[
    bool, typer.Option("--attributes", help="The file holds customers and attributes, not orders.")
]


@app.command("import")
@command("planner")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV, Parquet or a log with spaces between its fields.")],
    mapping: MappingOption = "",
    attributes: AttributesOption = False,
    purpose: Annotated[
        list[str] | None,
        typer.Option(
            "--purpose", help="NAME=models, targeting, sensitive or identity, of an attribute; repeat it."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and count, change nothing.")] = False,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Import orders or customer attributes. The same file again changes nothing."""
    from tandem.planner.customers import service

    verb: Any = service.import_orders
    if attributes:
        verb = partial(service.import_attributes, purposes=_purposes(purpose), actor="tandem customers")
    elif purpose:
        raise Refused("Orders have no purposes.", "Give --attributes with --purpose.")
    with _bar() as tell:
        report = verb(
            _account(account),
            file,
            mapping=mapping,
            dry_run=dry_run,
            progress=tell,
            clock=clock.from_environment(),
        )
    if json:
        print_json(asdict(report))
        return
    for sentence in report.guessed:
        data.print(sentence, markup=False, soft_wrap=True)
    data.print(f'MAPPING="{report.mapping}"', markup=False, soft_wrap=True)
    data.print(_summary(report), markup=False, soft_wrap=True)


def _purposes(given: list[str] | None) -> dict[str, str]:
    pairs = [one.partition("=") for one in given or ()]
    wrong = next((name for name, equals, word in pairs if not (equals and name and word)), None)
    if wrong is not None:
        raise Refused(f"{wrong} has no purpose.", "Write it as --purpose religion=sensitive.")
    return {name.strip(): word.strip() for name, _, word in pairs}


def _summary(report: Any) -> str:
    lines = [
        f"{report.taken:,} of {report.rows:,} rows taken: {report.sales:,} sales, {report.returns:,} returns, "
        f"{report.customers:,} customers ({report.new_customers:,} new), {report.seconds:.1f} s."
        if report.what == "orders"
        else f"{report.taken:,} of {report.rows:,} rows taken, {report.customers:,} customers "
        f"({report.new_customers:,} new)."
    ]
    lines += [f"{count:,} x {reason}" for reason, count in report.reasons.items()]
    lines += [f"The lines are in {report.errors}."] if report.errors else []
    lines += ["This file was imported before; nothing was changed."] if report.repeated else []
    lines += ["Dry run: nothing was changed."] if report.dry_run else []
    return "\n".join(lines)


@app.command()
@command("planner")
def columns(
    file: Annotated[Path, typer.Argument(help="The file to look into.")],
    mapping: MappingOption = "",
    attributes: AttributesOption = False,
    json: JsonOption = False,
) -> None:
    """Show a file's columns and how they would be read."""
    from tandem.planner.customers import service

    view = service.inspect_file(file, what="attributes" if attributes else "orders", mapping=mapping)
    if json:
        print_json(asdict(view))
        return
    table = Table("column", "type", "example", "different values in the sample", title=view.form)
    for column in view.columns:
        table.add_row(column.name, column.type, column.example, str(column.distinct))
    data.print(table)
    data.print(f'MAPPING="{view.mapping}"', markup=False, soft_wrap=True)


@app.command("list")
@command("planner")
def list_(
    search: Annotated[str, typer.Option(help="How the customer id begins.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """List customers."""
    from tandem.planner.customers import service

    chosen = _account(account)
    rows = service.list_customers(chosen, search=search, limit=limit)
    if json:
        print_json({"customers": [asdict(row) for row in rows], "total": service.count_customers(chosen)})
        return
    for row in rows:
        data.print(f"{row.customer_id}  {row.first_name} {row.last_name}".rstrip(), markup=False)
    words.print(f"{len(rows):,} of {service.count_customers(chosen):,} customers")


@app.command()
@command("planner")
def show(
    customer_id: Annotated[str, typer.Argument(help="The customer's id.")],
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Show what is known of one customer."""
    from tandem.planner.customers import service

    view = service.get_customer(_account(account), customer_id)
    if json:
        print_json(asdict(view))
        return
    table = Table("field", "value", title=f"Customer {view.customer_id}")
    for name, value in {**view.identity, **view.attributes}.items():
        table.add_row(name, "" if value is None else str(value))
    for copy in view.consent:
        may = [w for w, ok in (("email", copy.has_email and copy.email_consent),
                               ("SMS", copy.has_mobile and copy.sms_consent)) if ok]  # fmt: skip
        table.add_row(f"consent at channel account {copy.channel_account_id}", ", ".join(may) or "none")
    data.print(table)


@app.command()
@command("planner")
def snapshot(
    as_of: Annotated[
        str, typer.Option(help="YYYY-MM-DD; yesterday of the business clock when left out.")
    ] = "",
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Build and publish the daily snapshot."""
    from tandem.planner.daily.failures import ModelsWatch
    from tandem.planner.modelling.service import build_snapshot, stage_rules

    chosen, now = _account(account), clock.from_environment()
    watch = ModelsWatch(chosen, now)
    with _bar() as tell:
        made = build_snapshot(chosen, _day(as_of), clock=now, progress=tell, watch=watch)
    rules = stage_rules(chosen)
    if json:
        print_json({**asdict(made), "stage_rules": asdict(rules)})
        return
    data.print(f"Snapshot {made.id} of {made.as_of}: {made.customers:,} customers.")
    data.print(
        f"At risk after {rules.at_risk_days} days, churn after {rules.churn_days}. {rules.note}".strip()
    )


@app.command()
@command("planner")
def snapshots(account: AccountOption = None, json: JsonOption = False) -> None:
    """List the snapshots, newest first."""
    from tandem.planner.customers import service

    rows = service.snapshots(_account(account))
    if json:
        print_json([asdict(row) for row in rows])
        return
    for row in rows:
        data.print(f"{row.id}  {row.as_of}  {row.customers:,} customers  {row.parquet}")


@app.command()
@command("planner")
def attributes(account: AccountOption = None, json: JsonOption = False) -> None:
    """List what the latest snapshot knows of a customer: the names that conditions may use."""
    from tandem.planner.customers import service

    rows = service.catalogue(_account(account))
    if json:
        print_json([row.as_json() for row in rows])
        return
    table = Table("name", "kind", "set", "meaning", "values")
    for row in rows:
        span = f"{row.low:g} to {row.high:g}" if row.low is not None and row.high is not None else ""
        table.add_row(row.name, str(row.kind), row.set, row.meaning, ", ".join(row.choices[:6]) or span)
    data.print(table)


@app.command()
@command("planner")
def segments(
    shares: Annotated[
        str,
        typer.Option(
            help="Percent of customers in Diamond to Bronze, as 1,4,15,30,50; from the next snapshot."
        ),
    ] = "",
    layers: Annotated[
        list[str] | None,
        typer.Option(
            help="STAGE=quantiles or STAGE=kmeans, as Active=kmeans: how its micro-segments are cut."
        ),
    ] = None,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """List value segments and micro-segments; --shares and --layers change how the next snapshot cuts them."""
    from tandem.planner.modelling.segments import overview

    chosen = _account(account)
    if shares:
        overview.set_value_shares(
            chosen, _shares(shares), actor="tandem customers", clock=clock.from_environment()
        )
    if layers:
        overview.set_layers(
            chosen, dict(map(_layer, layers)), actor="tandem customers", clock=clock.from_environment()
        )
    values, micro = overview.value_segments(chosen), overview.microsegments(chosen)
    if json:
        basis = overview.basis(chosen)
        print_json(
            {
                "basis": asdict(basis),
                "layers": dict(overview.layers(chosen)),
                "value": [asdict(v) for v in values],
                "micro": [asdict(m) for m in micro],
            }
        )
        return
    data.print(overview.basis(chosen).words, markup=False, soft_wrap=True)
    table = Table("id", "value segment", "share", "value, at least", "members", "future value", "churn rate")
    for one in values:
        least, members = ("" if part is None else f"{part:,}" for part in (one.least, one.members))
        table.add_row(str(one.id), one.name, f"{one.share:g} %", least, members, *_worth(one))
    data.print(table)
    alike = [str(stage) for stage, method in overview.layers(chosen) if method == "kmeans"]
    if alike:
        data.print(f"By k-means: {', '.join(alike)}.")
    table = Table("id", "micro-segment", "members", "future value", "churn rate")
    for row in micro:
        table.add_row(str(row.id), row.name, f"{row.members:,}", *_worth(row))
    data.print(table)


def _worth(one: Any) -> tuple[str, str]:
    """Mean future value and churn rate, each with its interval where there is one."""
    if one.future_value is None:
        return "", ""
    value, churn = f"{one.future_value:,.2f}", f"{one.churn_rate:.0%}"
    if one.value_low is not None:
        value += f" ({one.value_low:,.2f} to {one.value_high:,.2f})"
    if one.churn_low is not None:
        churn += f" ({one.churn_low:.1%} to {one.churn_high:.1%})"
    return value, churn


def _layer(text: str) -> tuple[str, str]:
    stage, _, method = text.partition("=")
    return stage.strip(), method.strip()


def _shares(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(one) for one in text.split(","))
    except ValueError:
        raise Refused(f"{text} are no shares.", "Give them best first, as 1,4,15,30,50.") from None


@app.command()
@command("planner")
def forget(
    customer_id: Annotated[str, typer.Argument(help="The customer's id.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what is known, change nothing.")] = False,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Erase a person from the planner and write every file again without them."""
    done = forget_in_planner(account, customer_id, dry_run=dry_run)
    if json or dry_run:
        print_json(done)
        return
    for place, count in done["found"]:
        data.print(f"{place}: {count} taken out", markup=False)
    for sentence in done["remains"]:
        data.print(f"Remains: {sentence}", markup=False)


@app.command()
@command("planner")
def export(
    customer_id: Annotated[str, typer.Argument(help="The customer's id.")], account: AccountOption = None
) -> None:
    """Print everything the planner knows of a person as one JSON document."""
    from tandem.planner.customers import service

    print_json(service.export(_account(account), customer_id))


def forget_in_planner(account: str | None, customer_id: str, *, dry_run: bool = False) -> dict[str, Any]:
    """The planner half of `customers forget`, as a plain object; Django is set up by the caller."""
    from tandem.planner.customers import service

    chosen = _account(account)
    if dry_run:
        return {"dry_run": True, "would_erase": service.export(chosen, customer_id)}
    return asdict(service.forget(chosen, customer_id, clock=clock.from_environment()))


def _account(chosen: str | None) -> int:
    from tandem.planner.accounts.service import find_account

    return find_account(chosen).id


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError as error:
        raise Refused(f"{text} is no day.", "Write it as 2026-06-30.") from error


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


app.command()(explain)
app.command()(movement)
