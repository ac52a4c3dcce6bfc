"""/cycle: what data is in force and how far the daily cycle is; its last runs; have it run."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema, Status

from tandem.planner.api_v1.app import actor, caller, clock
from tandem.planner.api_v1.schemas import answers
from tandem.planner.daily import cycle, queries
from tandem.planner.daily.domain import RunView

router = Router(tags=["daily cycle"])


class CycleStepOut(Schema):
    """A step: state is waiting, running, done, failed or skipped; share is 0 to 1."""

    step: str
    label: str
    state: str
    share: float
    words: str
    rows: int | None
    seconds: float | None
    cpu_seconds: float


class CycleRunOut(Schema):
    """A run: state is running, interrupted, done or failed."""

    id: int
    day: date
    trigger: str
    actor: str
    state: str
    started_at: datetime
    finished_at: datetime | None
    attempts: int
    words: str
    snapshot_id: int | None
    steps: list[CycleStepOut]


class CycleOut(Schema):
    """The day whose data is in force, the day wanted, in words, and the newest run."""

    as_of: date | None
    wanted: date
    is_current: bool
    words: str
    run: CycleRunOut | None


class CycleIn(Schema):
    """whole: read everything anew instead of only what is new."""

    whole: bool = False


class CycleRunsOut(Schema):
    """The last thirty runs, newest first."""

    items: list[CycleRunOut]


@router.get("", response=answers(of=CycleOut), summary="See the daily cycle", operation_id="get_cycle")
def get_cycle(request: HttpRequest) -> dict[str, Any]:
    """A failed run leaves the data of the day before in force."""
    found = queries.standing(caller(request).account_id, clock=clock())
    return {
        "as_of": found.as_of, "wanted": found.wanted, "is_current": found.is_current, "words": found.words,
        "run": _run(found.run) if found.run else None,
    }  # fmt: skip


@router.get(
    "/runs", response=answers(of=CycleRunsOut), summary="List the last runs", operation_id="list_cycle_runs"
)
def list_cycle_runs(request: HttpRequest) -> dict[str, Any]:
    """Newest first."""
    return {"items": [_run(one) for one in queries.history(caller(request).account_id, clock=clock())]}


@router.post(
    "/runs", response=answers(status=202, of=CycleOut), summary="Run the cycle", operation_id="run_cycle"
)
def run_cycle(request: HttpRequest, wanted: CycleIn) -> Status:
    """It runs in the background; refused while it runs or waits to."""
    cycle.ask(caller(request).account_id, actor=actor(request), whole=wanted.whole, clock=clock())
    return Status(202, get_cycle(request))


def _run(run: RunView) -> dict[str, Any]:
    return asdict(run)
