"""The second paths of a half: which there are, working off what is to be told, a test."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count, Q

from tandem.kit import webhooks
from tandem.kit.alarms import paths
from tandem.kit.alarms.book import Tables
from tandem.kit.alarms.domain import GIVES_UP_AFTER, Kind, Tried, WayView, What, wait_after
from tandem.kit.alarms.messages import Told
from tandem.kit.alarms.paths import Means, Way
from tandem.kit.clock import Clock
from tandem.kit.problems import Problem, Refused
from tandem.kit.secrets import Vault

log = logging.getLogger("tandem.alarms")


class NoWay(Refused):
    """There is no second path to try."""

    title = "No second path is set"


@dataclass(frozen=True, kw_only=True)
class Half:
    """What telling needs to know of the half. own: the installation's paths; name_of: an account's name."""

    name: str
    base_url: str
    own: Sequence[Way]
    vault: Vault
    means: Means
    name_of: Callable[[int], str]
    record: Callable[[int, str, str, dict[str, object], Clock], None]


class Teller:
    """Tells the alarms of one half. half: asked each time, so that changed settings count."""

    def __init__(self, tables: Tables, half: Callable[[], Half]) -> None:
        self._tables, self._half = tables, half

    def ways_of(self, account_id: int | None) -> list[tuple[int | None, str]]:
        """The installation's paths and the account's own; of the whole installation everybody's if it has none."""
        found = [(way.account_id, way.path) for way in self._half().own]
        if account_id is not None:
            return found + [(way.account_id, way.path) for way in self._of_account(account_id)]
        # all accounts: nobody else would hear of it
        rows = [] if found else self._tables.way.objects.order_by("account_id")
        return found + [(way.account_id, way.path) for row in rows for way in self._ways(row)]

    def due(self, *, clock: Clock) -> list[tuple[int | None, str]]:
        """Paths that have something to tell now."""
        # all accounts: the watch is one for all
        rows = self._tables.telling.objects.filter(next_at__lte=clock.system())
        return list(rows.order_by("account_id", "path").values_list("account_id", "path").distinct())

    def work_off(self, account_id: int | None, path: str, *, clock: Clock) -> int:
        """Tell what is due by one path, the oldest first, until it fails; how many were told."""
        rows = self._tables.telling.objects.filter(
            account_id=account_id, path=path, next_at__lte=clock.system()
        )
        way, told = self._way(account_id, path), 0
        for row in rows.select_related("alarm").order_by("id")[:50]:
            if way is None:
                self._give_up(row, "The path was taken away.")
            elif self._tell(row, way, clock):
                told += 1
            else:
                break
        return told

    def _tell(self, row: Any, way: Way, clock: Clock) -> bool:
        problem = self._hand_over(way, self._told(row, clock))
        if problem:
            log.warning("alarm.path.failed path=%s account=%s", row.path, row.account_id or "-")
            row.tries += 1
            row.problem = problem
            late = clock.system() - row.made_at >= GIVES_UP_AFTER
            row.next_at = None if late else clock.system() + wait_after(row.tries)
            row.save(update_fields=["tries", "problem", "next_at"])
            return False
        row.done_at, row.next_at, row.problem = clock.system(), None, ""
        row.save(update_fields=["done_at", "next_at", "problem"])
        return True

    def _hand_over(self, way: Way, told: Told) -> str:
        """Why it was not taken; empty if it was."""
        half = self._half()
        try:
            if way.account_id is not None and way.path == "webhook":
                way = replace(way, secret=half.vault.open(way.secret, _where(way.account_id)))
            paths.tell(way, told, half.means)
        except Problem as problem:
            return paths.problem_words(problem)
        except Exception as error:
            log.exception("alarm.path.broken path=%s", way.path)
            return f"{type(error).__name__}; the log says more."
        return ""

    @staticmethod
    def _give_up(row: Any, why: str) -> None:
        row.next_at, row.problem = None, why
        row.save(update_fields=["next_at", "problem"])

    def _told(self, row: Any, clock: Clock) -> Told:
        half, alarm = self._half(), row.alarm
        return Told(
            id=f"alarm_{half.name}_{row.id}", half=half.name, what=What(row.what), kind=Kind(alarm.kind),
            account=half.name_of(alarm.account_id) if alarm.account_id else "", subject=alarm.subject,
            detail=alarm.detail, since=alarm.since, at=clock.system(), base_url=half.base_url,
        )  # fmt: skip

    def test(self, account_id: int | None, *, clock: Clock) -> list[Tried]:
        """Try every path of an account and the installation's now; what came of each. Raises NoWay."""
        half = self._half()
        ways = [*half.own, *(self._of_account(account_id) if account_id is not None else [])]
        if not ways:
            raise NoWay("Nobody would be told.", "Set a webhook or a mail address with `tandem alarms set`.")
        return [self._try(way, account_id, half, clock) for way in ways]

    def _try(self, way: Way, account_id: int | None, half: Half, clock: Clock) -> Tried:
        now = clock.system()
        told = Told(
            id=f"alarm_{half.name}_test_{int(now.timestamp() * 1000)}", half=half.name, what=What.TEST, kind=None,
            account=half.name_of(account_id) if account_id else "", subject="", since=now, at=now,
            detail="Somebody asked for this message to see that it arrives.", base_url=half.base_url,
        )  # fmt: skip
        whose = half.name_of(way.account_id) if way.account_id else "installation"
        return Tried(path=way.path, whose=whose, problem=self._hand_over(way, told))

    def set_way(
        self, account_id: int, *, url: str | None = None, mail: str | None = None, actor: str, clock: Clock
    ) -> str:
        """Set an account's own paths; empty takes one away, None leaves it. The new signing secret, shown this once."""
        row = self._tables.way.objects.filter(account_id=account_id).first()
        row = row or self._tables.way(account_id=account_id)
        secret = ""
        if mail is not None:
            row.mail = paths.check_mail(mail) if mail else ""
        if url is not None and url != row.url:
            row.url = paths.check_url(url) if url else ""
            secret = webhooks.new_secret() if url else ""
            row.secret_sealed = self._half().vault.seal(secret, _where(account_id)) if url else ""
        row.changed_at = clock.system()
        row.save()
        self._half().record(
            account_id, actor, "alarm paths set", {"webhook": bool(row.url), "mail": bool(row.mail)}, clock
        )
        return secret

    def ways(self, account_id: int | None) -> list[WayView]:
        """The second paths of an account and the installation, of None all; what waits and why."""
        half = self._half()
        rows = self._tables.way.objects.order_by("account_id")
        if account_id is not None:
            rows = rows.filter(account_id=account_id)
        ways = [*half.own, *(way for row in rows for way in self._ways(row))]
        open_ones = Q(next_at__isnull=False)
        # all accounts: numbers of those shown
        counted = self._tables.telling.objects.filter(open_ones, tries__gt=0).values_list(
            "account_id", "path"
        )
        waiting = {(account, path): n for account, path, n in counted.annotate(n=Count("id"))}
        return [
            WayView(
                path=way.path, whose=half.name_of(way.account_id) if way.account_id else "installation",
                target=way.target if way.account_id else "", waiting=waiting.get((way.account_id, way.path), 0),
                problem=self._problem(way) if (way.account_id, way.path) in waiting else "",
                account_id=way.account_id,
            )
            for way in ways
        ]  # fmt: skip

    def _problem(self, way: Way) -> str:
        rows = self._tables.telling.objects.filter(
            account_id=way.account_id, path=way.path, next_at__isnull=False, tries__gt=0
        )
        return str(rows.order_by("-id").values_list("problem", flat=True).first() or "")

    def _way(self, account_id: int | None, path: str) -> Way | None:
        found = self._half().own if account_id is None else self._of_account(account_id)
        return next((way for way in found if way.path == path), None)

    def _of_account(self, account_id: int) -> list[Way]:
        row = self._tables.way.objects.filter(account_id=account_id).first()
        return self._ways(row) if row else []

    @staticmethod
    def _ways(row: Any) -> list[Way]:
        """The secret stays sealed until it is used: one that cannot be read is that path's trouble alone."""
        account_id, found = row.account_id, []
        if row.url:
            found.append(Way(path="webhook", target=row.url, account_id=account_id, secret=row.secret_sealed))
        if row.mail:
            found.append(Way(path="mail", target=row.mail, account_id=account_id))
        return found


def _where(account_id: int) -> str:
    return f"{account_id}:alarm webhook"
