"""Quiet hours in the recipient's own time: a pure rule over zones, and the zones of a number.

A number with several zones must be within the hours of all of them; where no hour is, of as many as can be.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

import phonenumbers
from phonenumbers import timezone as number_zones

from tandem.kit.zones import known_zone, resolve_local, to_local

OPENS, CLOSES = time(8), time(21)
_UNKNOWN = "Etc/Unknown"


@dataclass(frozen=True, kw_only=True)
class Hours:
    """From when until when messages may come: opens <= wall time < closes."""

    opens: time = OPENS
    closes: time = CLOSES

    def are_open(self, now: datetime, zone: str) -> bool:
        """Whether the wall of the zone shows a time within the hours."""
        return self.opens <= to_local(now, zone).time() < self.closes


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Until when a message waits, and the zone whose morning that is."""

    until: datetime
    zone: str


def wait_for(now: datetime, zones: Collection[str], hours: Hours) -> Wait | None:
    """How long a message to these zones has to wait; None = not at all."""
    if all(hours.are_open(now, zone) for zone in zones):
        return None
    moments = [Wait(until=now, zone=""), *_openings(now, tuple(sorted(zones)), hours)]
    most = max(_open(moment, zones, hours) for moment in moments)
    best = min(
        (moment for moment in moments if _open(moment, zones, hours) == most), key=lambda one: one.until
    )
    return best if best.until > now else None


def _open(moment: Wait, zones: Collection[str], hours: Hours) -> int:
    return sum(hours.are_open(moment.until, zone) for zone in zones)


def _openings(now: datetime, zones: tuple[str, ...], hours: Hours) -> list[Wait]:
    return [one for zone in zones for one in _mornings(zone, now.date(), hours) if one.until > now]


@lru_cache(maxsize=2000)
def _mornings(zone: str, day: date, hours: Hours) -> tuple[Wait, ...]:
    walls = [datetime.combine(day + timedelta(days=ahead), hours.opens) for ahead in range(-1, 4)]
    return tuple(Wait(until=resolve_local(wall, zone).utc, zone=zone) for wall in walls)


def zones_of(number: str, *, own: str = "", otherwise: str = "UTC") -> tuple[str, ...]:
    """The zones a number may be in: the person's own if it is known, else those of its prefix.

    otherwise: for numbers that say nothing.
    """
    if own and known_zone(own):
        return (own,)
    return _zones_of_prefix(number) or (otherwise,)


@lru_cache(maxsize=20_000)
def _zones_of_prefix(number: str) -> tuple[str, ...]:
    try:
        parsed = phonenumbers.parse(number if number.startswith("+") else f"+{number}", None)
    except phonenumbers.NumberParseException:
        return ()
    found = number_zones.time_zones_for_number(parsed)
    return tuple(sorted(zone for zone in found if zone != _UNKNOWN and known_zone(zone)))


def country_of(number: str) -> str:
    """ISO code of a number's country; '' if it has none."""
    try:
        parsed = phonenumbers.parse(number if number.startswith("+") else f"+{number}", None)
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.region_code_for_number(parsed) or ""
