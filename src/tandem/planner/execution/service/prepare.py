"""On the day: make the list from the newest snapshot, freeze it, and order the event, or say why it does not run."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction

from tandem.kit import installation
from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.kit.problems import Problem
from tandem.planner.campaigns import service as campaigns
from tandem.planner.campaigns.domain import CampaignView, OccurrenceState, check_move
from tandem.planner.campaigns.models import Occurrence
from tandem.planner.channels import service as channels
from tandem.planner.customers import service as customers
from tandem.planner.customers.domain import SnapshotRef
from tandem.planner.execution import queries
from tandem.planner.execution.domain import ListSummary, shares_to_bounds
from tandem.planner.execution.errors import CannotRun
from tandem.planner.execution.models import CustomerList
from tandem.planner.execution.service.clearance import ask_for_clearance
from tandem.planner.execution.service.follow import list_summary, stop
from tandem.planner.execution.service.tell import tell_executed
from tandem.planner.targeting import service as targeting
from tandem.planner.targeting.domain import GroupView

DUE_STATES = (OccurrenceState.SCHEDULED, OccurrenceState.MAKING_LIST)
log = logging.getLogger(__name__)


class _NobodyThere(Exception):
    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


def prepare_due(*, clock: Clock) -> int:
    """Make every list whose time has come, in all accounts; how many were made. One failure stops no other."""
    if not installation.is_ours():
        log.error("held: the home or the database was copied or put back; tandem doctor --release")
        return 0
    # all accounts: the tick works for every account
    due = Occurrence.objects.filter(state__in=DUE_STATES, lock_at__lte=clock.business()).order_by(
        "lock_at", "pk"
    )
    made = 0
    for account_id, occurrence_id in list(due.values_list("account_id", "pk")):
        failpoint("p1")
        try:
            made += make_list(account_id, occurrence_id, clock=clock) is not None
        except Problem as problem:
            log.warning("occurrence %s: %s", occurrence_id, problem.title)
    return made


def make_list(account_id: int, occurrence_id: int, *, clock: Clock) -> ListSummary | None:
    """Evaluate, freeze and order the event; None if it did not run, is not due, or another process is at it.

    May be repeated: a list once frozen is only answered. Its cause stands on the occurrence when it does not run.
    """
    with _alone(occurrence_id) as mine:
        if not mine or not _begin(account_id, occurrence_id, clock):
            return _made(account_id, occurrence_id)
        view = campaigns.occurrence_campaign(account_id, occurrence_id)
        try:
            return _evaluate(account_id, view, clock)
        except _NobodyThere as nobody:
            stop(account_id, occurrence_id, OccurrenceState.NOT_RUN, nobody.cause, clock)
        except Problem as problem:
            _give_up_if_late(account_id, view, problem, clock)
            raise
    return None


def run_now(account_id: int, occurrence_id: int, *, clock: Clock) -> ListSummary:
    """Run a campaign that did not run, or one scheduled for later today, now. Raises CannotRun, MoveRefused."""
    now = clock.business()
    with transaction.atomic():
        row = _locked(account_id, occurrence_id)
        if CustomerList.objects.filter(account_id=account_id, occurrence_id=occurrence_id).exists():
            raise CannotRun("Its list was already made and the messenger told.", "Plan a new campaign.")
        if row.state != OccurrenceState.SCHEDULED:
            check_move(OccurrenceState(row.state), OccurrenceState.SCHEDULED, "The campaign")
        lead = row.send_at - row.lock_at
        late = row.late_at - row.send_at
        row.state, row.cause, row.settled_at = OccurrenceState.SCHEDULED, "", None
        before = row.send_at - row.clearance_at if row.clearance_at else None
        # a third party needs the time it was promised
        row.lock_at, row.send_at = (
            now,
            now + (lead if before is not None else min(lead, timedelta(minutes=1))),
        )
        row.clearance_at = None if before is None else row.send_at - before
        row.late_at = row.send_at + late
        row.save()
    made = make_list(account_id, occurrence_id, clock=clock)
    if made is None:
        cause = campaigns.occurrence_campaign(account_id, occurrence_id).cause
        raise CannotRun(cause or "Another process is making its list.", "See `tandem campaign show`.")
    return made


def dry_run(account_id: int, campaign_id: int, *, clock: Clock) -> ListSummary:
    """What the list would be now: counted by the same SQL, then rolled back. Nobody is told."""
    view = campaigns.get_campaign(account_id, campaign_id)
    snapshot = customers.latest_snapshot(account_id)
    group = targeting.get_group(account_id, view.group_id)
    if CustomerList.objects.filter(account_id=account_id, occurrence_id=view.occurrence_id).exists():
        return list_summary(account_id, view.occurrence_id)
    with _members(account_id, snapshot, group) as file, transaction.atomic():
        _write_rows(account_id, view, file)
        found = queries.counts(account_id, view.occurrence_id)
        sha256 = queries.list_hash(account_id, view.occurrence_id)
        transaction.set_rollback(True)
    found.pop("templates")
    return ListSummary(
        occurrence_id=view.occurrence_id,
        sha256=sha256,
        made_at=clock.business(),
        as_of=str(snapshot.as_of),
        **found,
    )


def _begin(account_id: int, occurrence_id: int, clock: Clock) -> bool:
    now = clock.business()
    with transaction.atomic():
        row = _locked(account_id, occurrence_id)
        if row.state not in DUE_STATES or row.lock_at > now:
            return False
        if now > row.late_at:
            cause = "It was more than its late cut-off overdue, so nothing was sent."
            stop(account_id, occurrence_id, OccurrenceState.NOT_RUN, cause, clock)
            return False
        Occurrence.objects.filter(account_id=account_id, pk=occurrence_id).update(
            state=OccurrenceState.MAKING_LIST, started_at=row.started_at or now
        )
    return True


def _evaluate(account_id: int, view: CampaignView, clock: Clock) -> ListSummary:
    _check_templates(account_id, view)
    snapshot = customers.latest_snapshot(account_id)
    group = targeting.get_group(account_id, view.group_id)
    with _members(account_id, snapshot, group) as file:
        failpoint("p2")
        with transaction.atomic():
            return _freeze(account_id, view, snapshot, group, file, clock)


def _freeze(
    account_id: int, view: CampaignView, snapshot: SnapshotRef, group: GroupView, file: Path, clock: Clock
) -> ListSummary:
    occurrence = _locked(account_id, view.occurrence_id)
    after = OccurrenceState.CLEARANCE if occurrence.clearance_at else OccurrenceState.WAITING
    check_move(OccurrenceState(occurrence.state), after, view.name)
    _check_in_time(occurrence, clock)
    _write_rows(account_id, view, file)
    found = queries.counts(account_id, view.occurrence_id)
    if not found["targeted"]:
        raise _NobodyThere(_nobody(account_id, group, found))
    CustomerList.objects.create(
        account_id=account_id,
        occurrence_id=view.occurrence_id,
        snapshot_id=snapshot.id,
        as_of=snapshot.as_of,
        group_version=group.version,
        condition=group.condition,
        sha256=queries.list_hash(account_id, view.occurrence_id),
        made_at=clock.business(),
        **found,
    )
    Occurrence.objects.filter(account_id=account_id, pk=view.occurrence_id).update(state=after)
    failpoint("p5")
    if occurrence.clearance_at:
        ask_for_clearance(occurrence, clock)
    else:
        tell_executed(occurrence, clock)
    failpoint("p4")
    return list_summary(account_id, view.occurrence_id)


def _check_in_time(occurrence: Occurrence, clock: Clock) -> None:
    now = clock.business()
    if now > occurrence.late_at:
        raise _NobodyThere("Its list was ready only after the late cut-off, so nothing was sent.")
    if occurrence.clearance_at and now >= occurrence.clearance_at:
        raise _NobodyThere("Its list was ready only when clearance was over, so nothing was sent.")


def _write_rows(account_id: int, view: CampaignView, file: Path) -> None:
    queries.load_members(file)
    queries.draw(
        account_id,
        view.occurrence_id,
        kind=str(view.channel),
        channel_account_id=view.channel_account_id,
        key=Occurrence.objects.values_list("draw_key", flat=True).get(
            account_id=account_id, pk=view.occurrence_id
        ),
        control=float(view.control_percent) / 100,
        bounds=shares_to_bounds(tuple((one.template_id, one.share) for one in view.templates)),
        pushed=channels.get_account(account_id, view.channel_account_id).pushed,
    )


def _nobody(account_id: int, group: GroupView, found: dict[str, object]) -> str:
    if found["listed"]:
        skipped = ", ".join(f"{number:,} {reason}" for reason, number in dict(found["skipped"]).items())  # type: ignore[call-overload]
        control = f"{found['control']:,} are in the control group" if found["control"] else ""
        rest = "; ".join(part for part in (skipped, control) if part)
        return f"Of the {found['listed']:,} customers in this group nobody can be sent to ({rest}), so nothing is sent."
    steps = targeting.why_nobody(account_id, group.condition)
    last = next((step for step in steps if step.after == 0), None)
    cause = f" {last.text} excludes all." if last else ""
    return f"Nobody is in this group today, so nothing will be sent.{cause}"


def _check_templates(account_id: int, view: CampaignView) -> None:
    usable = {
        one.id
        for one in channels.list_templates(
            account_id, view.channel_account_id, project_id=view.project_id, usable_only=True
        )
    }
    for one in view.templates:
        if one.template_id not in usable:
            raise _NobodyThere(
                f"{one.name} is no longer an active template of {view.project_name}; nothing was sent."
            )


def _give_up_if_late(account_id: int, view: CampaignView, problem: Problem, clock: Clock) -> None:
    words = f"{problem.detail} {problem.advice}".strip()
    if clock.business() > view.gives_up_at:
        stop(account_id, view.occurrence_id, OccurrenceState.NOT_RUN, words, clock)
    else:
        Occurrence.objects.filter(account_id=account_id, pk=view.occurrence_id).update(cause=words)


def _made(account_id: int, occurrence_id: int) -> ListSummary | None:
    if CustomerList.objects.filter(account_id=account_id, occurrence_id=occurrence_id).exists():
        return list_summary(account_id, occurrence_id)
    return None


def _locked(account_id: int, occurrence_id: int) -> Occurrence:
    campaigns.occurrence_campaign(account_id, occurrence_id)  # raises for an unknown one
    return Occurrence.objects.select_for_update().get(account_id=account_id, pk=occurrence_id)


@contextmanager
def _alone(occurrence_id: int) -> Iterator[bool]:
    mine = queries.try_lock(occurrence_id)
    try:
        yield mine
    finally:
        if mine:
            queries.unlock(occurrence_id)


@contextmanager
def _members(account_id: int, snapshot: SnapshotRef, group: GroupView) -> Iterator[Path]:
    folder = Path(settings.TANDEM_STORAGE) / str(account_id) / "lists"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as inside:
        file = Path(inside) / "members.csv"
        targeting.write_members(snapshot, group.condition, file)
        yield file
