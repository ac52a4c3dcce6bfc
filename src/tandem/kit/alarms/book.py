"""What each half remembers of its alarms, on its own tables: a look, and what pages show."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import Count, Q

from tandem.kit.alarms.domain import (
    KEPT,
    AlarmView,
    Kind,
    Known,
    Sighting,
    Step,
    What,
    step,
    without_private,
)
from tandem.kit.clock import Clock
from tandem.kit.problems import NotFound

log = logging.getLogger("tandem.alarms")
_LOCK = 7303
DETAIL = 400


class UnknownAlarm(NotFound):
    """There is no such alarm in this account."""

    title = "No such alarm"


@dataclass(frozen=True, kw_only=True)
class Watch:
    """One question with cheap queries. kinds: what it can see; ask: what it sees now."""

    kinds: frozenset[Kind]
    ask: Callable[[Clock], Iterable[Sighting]]


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The half's concrete models."""

    alarm: Any
    telling: Any
    way: Any
    look: Any


class Book:
    """The alarms of one half. ways_of: (account or None, path) of each second path that an alarm is told by."""

    def __init__(
        self,
        tables: Tables,
        watches: Sequence[Watch],
        ways_of: Callable[[int | None], Sequence[tuple[int | None, str]]],
    ) -> None:
        self._tables, self._watches, self._ways_of = tables, watches, ways_of

    def look(self, *, clock: Clock) -> int:
        """Ask every watch once; how many alarms were raised, repeated or ended. One process at a time looks."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, 0)", [_LOCK])
            if not cursor.fetchone()[0]:
                return 0
        try:
            return self._look(clock)
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, 0)", [_LOCK])

    def _look(self, clock: Clock) -> int:
        now, moved = clock.system(), 0
        # all accounts: the watch is one for all
        rows = self._tables.alarm.objects.filter(ended_at__isnull=True)
        known = {(row.account_id, row.kind, row.subject): row for row in rows}
        for watch in self._watches:
            try:
                with transaction.atomic():
                    seen = {one.key: one for one in watch.ask(clock)}
            except (DatabaseError, OSError):
                log.exception("alarms.watch.failed kinds=%s", ",".join(watch.kinds))
                continue  # not seeing is no sign that all is well
            mine = {key: row for key, row in known.items() if row.kind in watch.kinds}
            moved += self._compare(mine, seen, now)
        # all accounts: the watch is one for all
        self._tables.look.objects.update_or_create(pk=1, defaults={"at": now})
        return moved

    def _compare(self, known: dict[Any, Any], seen: dict[Any, Sighting], now: datetime) -> int:
        moved = 0
        for key in {**known, **seen}:
            row, sighting = known.get(key), seen.get(key)
            remembered = _known(row) if row else None
            follows = step(remembered, seen=sighting is not None, now=now)
            if sighting is not None and row is None:
                row = self._new(sighting, now)
                follows = step(_known(row), seen=True, now=now)
            moved += self._apply(row, sighting, follows, now)
        return moved

    def _new(self, sighting: Sighting, now: datetime) -> Any:
        return self._tables.alarm(
            account_id=sighting.account_id, kind=sighting.kind.value, subject=sighting.subject[:100], since=now,
            seen_at=now,
        )  # fmt: skip

    @transaction.atomic
    def _apply(self, row: Any, sighting: Sighting | None, follows: Step, now: datetime) -> bool:
        if follows is Step.NOTHING:
            return False
        if follows is Step.FORGET:
            row.delete()
            return False
        if sighting is not None:
            row.seen_at, row.detail = now, without_private(sighting.detail, DETAIL)
        what = {Step.RAISE: What.RAISED, Step.AGAIN: What.AGAIN, Step.END: What.ENDED}.get(follows)
        if follows is Step.END:
            row.ended_at = now
        elif what is not None:
            row.told_at = now
        row.save()
        if what is not None:
            self._enqueue(row, what, now)
        return what is not None

    def _enqueue(self, row: Any, what: What, now: datetime) -> None:
        log.warning(
            "alarm.%s kind=%s account=%s subject=%s", what.value, row.kind, row.account_id or "-", row.subject
        )
        self._tables.telling.objects.bulk_create(
            self._tables.telling(
                alarm=row, account_id=account, path=path, what=what.value, made_at=now, next_at=now
            )
            for account, path in self._ways_of(row.account_id)
        )

    def alarms(self, account_id: int | None, *, is_open: bool, limit: int = 100) -> list[AlarmView]:
        """The account's own and the installation's, of None all; newest first. Only what was told, or will be."""
        rows = self._of(account_id).filter(ended_at__isnull=is_open, told_at__isnull=False)
        waiting = Count("tellings", filter=Q(tellings__next_at__isnull=False))
        return [_view(row) for row in rows.annotate(waiting=waiting).order_by("-since", "-id")[:limit]]

    def open_count(self, account_id: int) -> int:
        """How many alarms the overview shows."""
        return int(self._of(account_id).filter(ended_at__isnull=True, told_at__isnull=False).count())

    def silence(self, account_id: int, alarm_id: int, *, actor: str) -> None:
        """No reminders of an open alarm of the account, or of the installation; its end is still told."""
        rows = self._of(account_id).filter(id=alarm_id, ended_at__isnull=True)
        if not rows.update(silenced_by=actor[:200]):
            raise UnknownAlarm("There is no open alarm of this number.", "Look at the list of alarms.")

    def _of(self, account_id: int | None) -> Any:
        every = self._tables.alarm.objects.all()
        return every if account_id is None else every.filter(Q(account_id=account_id) | Q(account_id=None))

    def looked_at(self) -> datetime | None:
        """When the watch last looked."""
        row = self._tables.look.objects.order_by("pk").first()
        return row.at if row else None

    def clear_old(self, *, clock: Clock) -> None:
        """Forget ended alarms after their time."""
        # all accounts: the watch is one for all
        self._tables.alarm.objects.filter(ended_at__lt=clock.system() - KEPT).delete()


def _known(row: Any) -> Known:
    return Known(
        kind=Kind(row.kind), since=row.since, seen_at=row.seen_at, told_at=row.told_at, silenced=bool(row.silenced_by)
    )  # fmt: skip


def _view(row: Any) -> AlarmView:
    return AlarmView(
        id=row.id, account_id=row.account_id, kind=Kind(row.kind), subject=row.subject, detail=row.detail,
        since=row.since, told_at=row.told_at, ended_at=row.ended_at, silenced_by=row.silenced_by, waiting=row.waiting,
    )  # fmt: skip
