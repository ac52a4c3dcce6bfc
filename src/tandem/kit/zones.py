"""The one place where local wall times become instants, and instants local.

Rules: a time in a gap (clocks go forward) is later, never earlier; of a time that exists twice the first is meant;
a fixed date refuses a time that does not exist. Never let PostgreSQL do this: it chooses otherwise.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tandem.kit.problems import Refused

WIRE = "%Y-%m-%d %H:%M:%S"


class NoSuchLocalTime(Refused):
    """Clocks go forward over this wall time."""

    title = "That time does not exist"


class UnknownZone(Refused):
    """Not a name of the IANA time zone database."""

    title = "Unknown time zone"


@dataclass(frozen=True, kw_only=True)
class LocalTime:
    """A wall time resolved in a zone.

    utc: the instant meant. gap: the wall time does not exist there; `later` is the wall time sent at instead.
    overlap: it exists twice, the first is meant, `later` is None.
    """

    utc: datetime
    wall: datetime
    zone: str
    gap: bool
    overlap: bool
    later: datetime | None


@lru_cache(maxsize=700)
def zone_of(zone: str) -> ZoneInfo:
    """The zone's rules. Raises UnknownZone."""
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownZone(
            f"There is no time zone called {zone!r}.", "Use a name such as Europe/Stockholm.", field="zone"
        ) from error


def known_zone(zone: str) -> bool:
    """Whether the name is one of the IANA database's."""
    try:
        zone_of(zone)
    except UnknownZone:
        return False
    return True


def resolve_local(wall: datetime, zone: str) -> LocalTime:
    """The instant of a naive wall time: in a gap the later one, of two the first."""
    if wall.tzinfo is not None:
        raise ValueError("A wall time has no zone of its own.")
    rules = zone_of(zone)
    wall = wall.replace(fold=0)
    utc = wall.replace(tzinfo=rules).astimezone(UTC)
    back = utc.astimezone(rules).replace(tzinfo=None, fold=0)
    second = wall.replace(tzinfo=rules, fold=1).astimezone(UTC)
    gap = back != wall
    return LocalTime(
        utc=utc, wall=wall, zone=zone, gap=gap, overlap=not gap and second != utc, later=back if gap else None
    )


def fixed_instant(day: date, at: time, zone: str) -> datetime:
    """The UTC instant of a time on one fixed date. Raises NoSuchLocalTime with the sentence for people."""
    found = resolve_local(datetime.combine(day, at.replace(tzinfo=None)), zone)
    if found.later is None:
        return found.utc
    place = place_name(zone)
    when = f"{found.wall:%H:%M} on {day.day} {day:%B}"
    other = f"{found.later:%H:%M}" if found.later.date() == day else "another time"
    raise NoSuchLocalTime(
        f"At {when} clocks go forward in {place}, so that time does not exist.",
        f"Choose {other} or another day.",
        field="time",
    )


def place_name(zone: str) -> str:
    """What people call the zone: its city."""
    return zone.rsplit("/", 1)[-1].replace("_", " ")


def to_local(utc: datetime, zone: str) -> datetime:
    """The naive wall time of an aware instant."""
    return utc.astimezone(zone_of(zone)).replace(tzinfo=None, fold=0)


def wire_time(utc: datetime, zone: str) -> str:
    """`YYYY-MM-DD HH:MM:SS` in the zone: the wire's form, which names no zone."""
    return to_local(utc, zone).strftime(WIRE)


def business_day(now: datetime, zone: str) -> date:
    """The date on the wall of the zone at an aware instant."""
    return to_local(now, zone).date()


def day_bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    """The UTC instants between which the local date lies, start included, end not."""
    start = resolve_local(datetime.combine(day, time.min), zone).utc
    return start, resolve_local(datetime.combine(day + timedelta(days=1), time.min), zone).utc
