"""Dates in the patterns of Java's SimpleDateFormat, the letters a message needs. Month and day names are English."""

import re
from datetime import datetime
from functools import lru_cache

LONGEST_PATTERN = 60
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December")  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LETTERS = "yMLdEuaHkKhmsDw"
_TOKEN = re.compile(r"''|'((?:[^']|'')+)'|([A-Za-z])\2*|[^A-Za-z']+")
_STORED = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?"
)

Token = tuple[str, int]  # a letter and how often it is written, or a text and 0


@lru_cache(maxsize=1024)
def parsed(pattern: str) -> tuple[Token, ...]:
    """The tokens of a pattern. ValueError in words for a pattern that is none."""
    if not pattern.strip() or len(pattern) > LONGEST_PATTERN:
        raise ValueError("Write a date pattern such as d MMMM yyyy.")
    tokens: list[Token] = []
    at = 0
    while at < len(pattern):
        found = _TOKEN.match(pattern, at)
        if found is None:
            raise ValueError("An apostrophe in the date pattern is not closed.")
        at = found.end()
        if found[2] and found[2] not in LETTERS:
            raise ValueError(
                f"The letter {found[2]!r} of the date pattern is not known. Use d, M, y, E, H, h, m, s, a; "
                "put words in apostrophes."
            )
        if found[2]:
            tokens.append((found[2], len(found[0])))
        else:
            words = "'" if found[0] == "''" else (found[1] or found[0]).replace("''", "'")
            tokens.append((words, 0))
    return tuple(tokens)


def shown(pattern: str, stored: str) -> str:
    """A stored date (yyyy-MM-dd, with or without a time) in this pattern; what is no date stays as it is."""
    found = _STORED.fullmatch(stored.strip())
    if found is None:
        return stored
    try:
        day = datetime(*(int(part or 0) for part in found.groups()))  # type: ignore[arg-type]  # noqa: DTZ001 - a printed date has no zone
    except ValueError:
        return stored
    return "".join(_one(letter, count, day) if count else letter for letter, count in parsed(pattern))


def _one(letter: str, count: int, day: datetime) -> str:
    if letter in "ML":
        if count >= 3:
            name = MONTHS[day.month - 1]
            return name if count > 3 else name[:3]
        return f"{day.month:0{count}}"
    if letter == "y":
        return f"{day.year % 100:02}" if count == 2 else f"{day.year:0{count}}"
    if letter == "E":
        name = DAYS[day.weekday()]
        return name if count > 3 else name[:3]
    if letter == "a":
        return "AM" if day.hour < 12 else "PM"
    return f"{_number(letter, day):0{count}}"


def _number(letter: str, day: datetime) -> int:
    hour = day.hour
    return {
        "d": day.day,
        "u": day.isoweekday(),
        "H": hour,
        "k": hour or 24,
        "K": hour % 12,
        "h": hour % 12 or 12,
        "m": day.minute,
        "s": day.second,
        "D": day.timetuple().tm_yday,
        "w": day.isocalendar().week,
    }[letter]
