"""Exports: asked for, counted, fetched by a signed link that expires."""

import hashlib
import hmac
import logging
from collections.abc import Iterator

from django.conf import settings

from tandem.kit.clock import Clock
from tandem.messenger.accounts import service as accounts
from tandem.messenger.bounces import service as bounces
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.domain import ListView
from tandem.messenger.exports import queries
from tandem.messenger.exports.domain import (
    ALIASES,
    KEPT,
    LINK_LASTS,
    THINGS,
    Event,
    ExportType,
    ExportView,
    Period,
    since,
)
from tandem.messenger.exports.errors import BadExport, BadLink, NotFinished, UnknownExport
from tandem.messenger.exports.models import Export
from tandem.messenger.messages.domain import MessageView
from tandem.messenger.projects import service as projects
from tandem.messenger.projects.domain import ProjectView, TriggerView

log = logging.getLogger("tandem.exports")
Record = Event | MessageView | ListView | ProjectView | TriggerView


def start_export(account_id: int, kind: str, period: str, *, defer: bool = True, clock: Clock) -> ExportView:
    """Ask for an export of what happened up to now. Raises BadExport."""
    kind = ALIASES.get(kind, kind)
    if kind not in list(ExportType):
        raise BadExport(f"There is no exportType {kind[:40]!r}.", f"Use one of {', '.join(ExportType)}.")
    if period not in list(Period):
        raise BadExport(f"There is no period {period[:40]!r}.", f"Use one of {', '.join(Period)}.")
    until = clock.business()
    row = Export.objects.create(
        id=contacts.next_batch_id(),
        account_id=account_id,
        type=kind,
        since=since(Period(period), until, accounts.get_account(account_id).zone),
        until=until,
        requested_at=clock.system(),
    )
    if defer:
        from tandem.messenger.exports.tasks import run

        run.defer(account_id=account_id, export_id=row.pk)
    return _view(row)


def get_export(account_id: int, export_id: int) -> ExportView:
    """One export. Raises UnknownExport."""
    return _view(_row(account_id, export_id))


def list_exports(account_id: int, *, limit: int = 50, offset: int = 0) -> tuple[ExportView, ...]:
    """The newest first."""
    rows = Export.objects.filter(account_id=account_id).order_by("-id")
    return tuple(_view(row) for row in rows[offset : offset + limit])


def run_export(account_id: int, export_id: int, *, clock: Clock) -> None:
    """Count the records; the export is finished then. May run twice."""
    rows = Export.objects.filter(account_id=account_id, pk=export_id)
    rows.filter(status="PENDING").update(status="IN_PROGRESS", started_at=clock.system())
    if rows.exclude(status="FINISHED").exists():
        bounces.take_up_refusals(clock=clock)  # so that none of this minute is missing
        total = sum(1 for _ in _records(_row(account_id, export_id), clock))
        rows.update(status="FINISHED", total=total, finished_at=clock.system())


def run_waiting(*, clock: Clock) -> int:
    """Finish every export that nobody has finished; how many."""
    # all accounts: a worker finishes every account's exports
    waiting = list(Export.objects.exclude(status="FINISHED").order_by("id").values_list("account_id", "pk"))
    for account_id, export_id in waiting:
        try:
            run_export(account_id, export_id, clock=clock)
        except Exception:
            log.exception("exports.stopped export=%s", export_id)  # the others go on; this one is tried again
    return len(waiting)


def result_url(account_id: int, export_id: int, *, clock: Clock) -> str:
    """A link to the result that needs no sign-in and counts for an hour. Raises NotFinished, UnknownExport."""
    row = _finished(account_id, export_id, clock)
    expires = int((clock.system() + LINK_LASTS).timestamp())
    signature = _signature(account_id, row.pk, expires)
    base = f"{settings.TANDEM_PUBLIC_URL}/results/{account_id}/{row.pk}_result.json"
    return f"{base}?expires={expires}&signature={signature}"


def open_result(
    account_id: int, export_id: int, *, expires: str, signature: str, clock: Clock
) -> Iterator[Record]:
    """The records behind a link, as they are now: who was forgotten since is not among them. Raises BadLink."""
    right = _signature(account_id, export_id, expires).encode()
    if (
        not hmac.compare_digest(right, signature.encode(errors="replace"))
        or int(expires) < clock.system().timestamp()
    ):
        raise BadLink(
            "This link is incomplete, was changed or has expired.", "Ask for the result's url again."
        )
    return _records(_finished(account_id, export_id, clock), clock)


def _records(row: Export, clock: Clock) -> Iterator[Record]:
    kind = ExportType(row.type)
    if kind in THINGS:
        yield from _things(row.account_id, kind)
    else:
        ahead = clock.business() - clock.system()
        yield from queries.events(row.account_id, kind, row.since, row.until, ahead)


def _things(account_id: int, kind: ExportType) -> tuple[Record, ...]:
    if kind is ExportType.LISTS:
        return contacts.list_lists(account_id)
    if kind is ExportType.PROJECTS:
        return projects.list_projects(account_id)
    return projects.list_triggers(account_id)


def _finished(account_id: int, export_id: int, clock: Clock) -> Export:
    row = _row(account_id, export_id)
    if row.status != "FINISHED":
        raise NotFinished("The export is still being made.", "Ask for the batch until it is FINISHED.")
    if row.requested_at + KEPT < clock.system():
        raise UnknownExport("The result has expired.", "Ask for a new export.")
    return row


def _row(account_id: int, export_id: int) -> Export:
    row = Export.objects.filter(account_id=account_id, pk=export_id).first()
    if row is None:
        raise UnknownExport(f"There is no export {export_id}.", "Check the batch's id.")
    return row


def _signature(account_id: int, export_id: int, expires: int | str) -> str:
    said = f"export result {account_id} {export_id} {expires}".encode()
    return hmac.digest(settings.SECRET_KEY.encode(), said, hashlib.sha256).hex()


def _view(row: Export) -> ExportView:
    return ExportView(
        id=row.pk,
        type=ExportType(row.type),
        status=row.status,
        total=row.total,
        since=row.since,
        until=row.until,
        requested_at=row.requested_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
