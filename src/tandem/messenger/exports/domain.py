"""Words of exports: types, periods, the records of a result."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class ExportType(StrEnum):
    """What is exported."""

    LISTS = "LISTS"
    CAMPAIGNS = "CAMPAIGNS"
    MESSAGES = "MESSAGES"
    OPENS = "OPENS"
    SENT = "SENT"
    CLICKS = "CLICKS"
    PROJECTS = "PROJECTS"
    HARD_BOUNCES = "HARD_BOUNCES"
    SOFT_BOUNCES = "SOFT_BOUNCES"
    OPTOUTS = "OPTOUTS"


#: older words for the same
ALIASES = {"OPENED": "OPENS"}
#: what exists now, whatever the period
THINGS = frozenset({ExportType.LISTS, ExportType.CAMPAIGNS, ExportType.PROJECTS})


class Period(StrEnum):
    """How far back."""

    TODAY = "TODAY"
    LAST_DAY = "LAST_DAY"
    LAST_3_DAYS = "LAST_3_DAYS"
    LAST_WEEK = "LAST_WEEK"
    LAST_2_WEEKS = "LAST_2_WEEKS"


_DAYS = {Period.LAST_DAY: 1, Period.LAST_3_DAYS: 3, Period.LAST_WEEK: 7, Period.LAST_2_WEEKS: 14}
KEPT = timedelta(days=7)
LINK_LASTS = timedelta(hours=1)


def since(period: Period, until: datetime, zone: str) -> datetime:
    """Where the period begins: midnight of today in the account's zone, or whole days of 24 hours back."""
    if period is Period.TODAY:
        return until.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    return until - timedelta(days=_DAYS[period])


@dataclass(frozen=True, kw_only=True)
class ExportView:
    """An export: PENDING, IN_PROGRESS or FINISHED."""

    id: int
    type: ExportType
    status: str
    total: int
    since: datetime
    until: datetime
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    def is_kept(self, now: datetime) -> bool:
        """Whether its result may be fetched; now: system time."""
        return self.status == "FINISHED" and now <= self.requested_at + KEPT


@dataclass(frozen=True, kw_only=True)
class Event:
    """What became of one message; an opt-out has no message of its own (version_id None)."""

    id: int
    type: ExportType
    channel: str
    list_id: int
    list_name: str
    contact_id: int
    original_id: str
    version_id: int | None
    trigger: str
    project_id: int | None
    project: str
    sent_at: datetime | None
    at: datetime
    link_target: str = ""
