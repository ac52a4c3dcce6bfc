"""How the daily cycle of an account stands, and how its last days went."""

from datetime import datetime

from tandem.kit.clock import Clock
from tandem.kit.problems import NotFound
from tandem.planner.customers import service as customers
from tandem.planner.daily.domain import SILENT, STEPS, RunView, Standing, StepView
from tandem.planner.daily.models import CycleFailure, CycleRun, CycleStep
from tandem.planner.modelling import service as modelling


def standing(account_id: int, *, clock: Clock) -> Standing:
    """What data is in force, and how the newest run stands."""
    newest = customers.snapshots(account_id, limit=1)
    runs = history(account_id, limit=1, clock=clock)
    failures = CycleFailure.objects.filter(account_id=account_id).order_by("id")
    return Standing(
        wanted=modelling.last_whole_day(account_id, clock), as_of=newest[0].as_of if newest else None,
        run=runs[0] if runs else None, failures=tuple(failures.values_list("part", "words")),
    )  # fmt: skip


def history(account_id: int, *, limit: int = 30, clock: Clock) -> tuple[RunView, ...]:
    """The last runs, newest first."""
    rows = list(CycleRun.objects.filter(account_id=account_id).order_by("-day", "-id")[:limit])
    steps: dict[int, list[StepView]] = {row.pk: [] for row in rows}
    for one in CycleStep.objects.filter(account_id=account_id, run__in=rows).order_by("run_id", "place"):
        steps[one.run_id].append(_step(one))
    return tuple(_run(row, steps[row.pk], clock.system()) for row in rows)


def get_run(account_id: int, run_id: int, *, clock: Clock) -> RunView:
    """One run. Raises NotFound."""
    row = CycleRun.objects.filter(account_id=account_id, id=run_id).first()
    if row is None:
        raise NotFound(f"There is no run {run_id} of the daily cycle.", "See: tandem cycle history.")
    steps = CycleStep.objects.filter(account_id=account_id, run=row).order_by("place")
    return _run(row, [_step(one) for one in steps], clock.system())


def _run(row: CycleRun, steps: list[StepView], now: datetime) -> RunView:
    silent = row.state == "running" and now - row.beat_at > SILENT
    return RunView(
        id=row.pk, day=row.day, trigger=row.trigger, actor=row.actor, state="interrupted" if silent else row.state,
        started_at=row.started_at, finished_at=row.finished_at, attempts=row.attempts,
        words=row.words, snapshot_id=row.snapshot_id, steps=tuple(steps),
    )  # fmt: skip


def _step(row: CycleStep) -> StepView:
    ended = row.started_at is not None and row.finished_at is not None
    return StepView(
        step=row.step, label=STEPS.get(row.step, row.step), state=row.state, share=row.share, words=row.words,
        rows=row.rows, cpu_seconds=row.cpu_seconds,
        seconds=(row.finished_at - row.started_at).total_seconds() if ended else None,  # type: ignore[operator]
    )  # fmt: skip
