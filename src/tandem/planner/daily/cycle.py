"""One account's day: snapshot, groups, changers, discoveries, event 3; a killed run goes on after its last step."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial

from django.db import connection, transaction

from tandem.kit.clock import Clock
from tandem.kit.problems import NotFound, in_words
from tandem.planner.accounts import service as accounts
from tandem.planner.customers import service as customers
from tandem.planner.customers.service.building import STEPS as BUILD
from tandem.planner.daily.domain import CycleBusy
from tandem.planner.daily.failures import SNAPSHOT, attempt
from tandem.planner.daily.models import CycleRun, DataDay
from tandem.planner.daily.noting import Noting
from tandem.planner.listeners import service as listeners
from tandem.planner.modelling import service as modelling
from tandem.planner.modelling.segments.movement import movement
from tandem.planner.targeting import service as targeting

DAILY_DONE_EVENT = 3
_LOCK = 7303
Done = tuple[int, str]


def run_cycle(
    account_id: int,
    day: date | None = None,
    *,
    clock: Clock,
    trigger: str = "schedule",
    actor: str = "",
    force: bool = False,
    whole: bool = False,
    wait: float = 0.0,
) -> bool:
    """Run what is not done of the account's day; whether the day's end was told now.

    force: build the day's snapshot again though there is one, as after a late import; whole: read everything anew;
    wait: seconds to wait for a run that is under way. What fails in building leaves the last snapshot in force.
    Raises CycleBusy, and what failed.
    """
    wanted = day or modelling.last_whole_day(account_id, clock)
    with _alone(account_id, wait):
        run = _opened(account_id, wanted, clock, trigger=trigger, actor=actor, force=force, whole=whole)
        noting = Noting(run, clock)
        try:
            told = _work(run, noting, clock)
        except Exception as error:
            words = in_words(error)
            noting.fail(words)
            _close(run, "failed", words, clock)
            raise
        _close(run, "done", "", clock)
    return told


def ask(account_id: int, *, actor: str, whole: bool = False, clock: Clock) -> None:
    """Have the cycle run in the background now. Raises CycleBusy while it runs or waits to."""
    from procrastinate.exceptions import AlreadyEnqueued

    from tandem.planner.daily.tasks import run_cycle as task

    with _alone(account_id), transaction.atomic():
        accounts.record(
            account_id, actor=actor, action="cycle.asked", subject="", detail={"whole": whole}, clock=clock
        )
        try:
            waiting = task.configure(queueing_lock=f"planner.daily.run_cycle:{account_id}")
            waiting.defer(account_id=account_id, actor=actor, whole=whole)
        except AlreadyEnqueued:
            raise CycleBusy("The daily cycle was asked for already and waits for a worker.") from None


def run_asked(account_id: int, *, actor: str, whole: bool, clock: Clock) -> None:
    """Run it because somebody asked; a failure is noted as the schedule's is."""
    asked = partial(run_cycle, account_id, clock=clock, trigger="hand", actor=actor, force=True, whole=whole)
    attempt(account_id, SNAPSHOT, asked, clock)


def told(account_id: int, day: date) -> bool:
    """Whether listeners were told that this day, or a later one, is in."""
    return DataDay.objects.filter(account_id=account_id, day__gte=day).exists()


def _opened(
    account_id: int, day: date, clock: Clock, *, trigger: str, actor: str, force: bool, whole: bool
) -> CycleRun:
    """The day's run that is not done, else a new one; one by hand builds though the day has a snapshot."""
    now = clock.system()
    run = CycleRun.objects.filter(account_id=account_id, day=day).exclude(state="done").first()
    if run is None:
        return CycleRun.objects.create(
            account_id=account_id, day=day, trigger=trigger, actor=actor[:200], state="running", started_at=now,
            beat_at=now, whole=whole, again=force,
        )  # fmt: skip
    run.state, run.attempts, run.beat_at = "running", run.attempts + 1, now
    run.whole, run.again = run.whole or whole, run.again or force
    run.save(update_fields=["state", "attempts", "beat_at", "whole", "again"])
    return run


def _close(run: CycleRun, state: str, words: str, clock: Clock) -> None:
    now = clock.system()
    known = customers.snapshots(run.account_id, limit=1)
    run.snapshot_id = known[0].id if known and known[0].as_of >= run.day else None
    run.state, run.words, run.finished_at, run.beat_at = state, words[:300], now, now
    run.save(update_fields=["state", "words", "finished_at", "beat_at", "snapshot_id"])


def _work(run: CycleRun, noting: Noting, clock: Clock) -> bool:
    account_id, day = run.account_id, run.day
    if "publish" not in noting.finished:
        if not run.again and not run.whole and _as_of(account_id, day):
            for step, _, _ in BUILD:
                noting.skip(step, "The day has a snapshot, built by an import or by hand.")
        else:
            modelling.build_snapshot(account_id, day, clock=clock, watch=noting, whole=run.whole)
    for step, part, verb in (
        ("groups", "groups", _groups),
        ("changes", "changers", _changes),
        ("discoveries", "discoveries", partial(_discoveries, clock=clock)),
    ):
        if step not in noting.finished:
            attempt(account_id, part, partial(_noted, noting, step, partial(verb, account_id)), clock)
    noting.begin("event")
    now_told = _tell(account_id, day, clock)
    noting.end("event", rows=int(now_told), words="" if now_told else "Listeners knew.", again=False)
    return now_told


def _noted(noting: Noting, step: str, verb: Callable[[], Done]) -> None:
    """Do a step that the day can do without: it fails by itself."""
    noting.begin(step)
    try:
        rows, words = verb()
    except Exception as error:
        noting.fail(in_words(error))
        raise
    noting.end(step, rows=rows, words=words, again=False)


def _groups(account_id: int) -> Done:
    """Who is in which group by priority, and how many each holds."""
    snapshot = customers.latest_snapshot(account_id)
    targeting.keep_membership(snapshot)
    sizes = targeting.keep_sizes(snapshot)
    return len(sizes), f"{len(sizes)} target groups counted." if sizes else "There are no target groups."


def _changes(account_id: int) -> Done:
    """How many customers changed since the snapshot of an earlier day."""
    stages = movement(account_id, "stage", "day")
    if stages.before is None:
        return 0, "There is no earlier day to compare with."
    values = movement(account_id, "value_segment", "day")
    moved = [sum(flow.customers for flow in one.flows if flow.moved) for one in (stages, values)]
    words = f"Since {stages.before}: {moved[0]:,} customers changed stage, {moved[1]:,} value segment."
    return moved[0], words


def _discoveries(account_id: int, *, clock: Clock) -> Done:
    from tandem.planner.discovery import service as discovery  # its arrays' library is read when it is needed

    asked = discovery.weekly(account_id, clock=clock)
    return int(asked), "The week's search was asked for." if asked else "The last search is not a week old."


@transaction.atomic
def _tell(account_id: int, day: date, clock: Clock) -> bool:
    rows = DataDay.objects.select_for_update()
    row, made = rows.get_or_create(account_id=account_id, defaults={"day": day})
    if not made and row.day >= day:
        return False
    row.day = day
    row.save(update_fields=["day"])
    listeners.enqueue_event(account_id, DAILY_DONE_EVENT, None, None, clock=clock)
    return True


def _as_of(account_id: int, wanted: date) -> bool:
    try:
        return customers.latest_snapshot(account_id).as_of >= wanted
    except NotFound:
        return False


@contextmanager
def _alone(account_id: int, wait: float = 0.0) -> Iterator[None]:
    """One cycle of an account at a time; ends with the process."""
    until = time.monotonic() + wait
    while not _locked("pg_try_advisory_lock", account_id):
        if time.monotonic() >= until:
            raise CycleBusy(
                "The daily cycle of this account is running.", "See how far it is: tandem cycle show."
            )
        time.sleep(0.2)
    try:
        yield
    finally:
        _locked("pg_advisory_unlock", account_id)


def _locked(verb: str, account_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {verb}(%s, %s)", [_LOCK, account_id % 2**31])
        return bool(cursor.fetchone()[0])
