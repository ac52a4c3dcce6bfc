"""What is odd about a log and what is done about it, in sentences: nothing odd is passed over in silence."""

from datetime import date
from typing import Any

import duckdb

from tandem.planner.modelling.learning.domain import Fingerprint
from tandem.planner.modelling.learning.questions import LEAST_HISTORY

#: sales on fewer days than this on average: days without any say nothing
LEAST_A_DAY = 5
#: days in a row without any sale, in a log that otherwise has sales almost daily
LONG_SILENCE = 7


def notes(session: duckdb.DuckDBPyConnection, day: date, data: Fingerprint, *, least: int) -> tuple[str, ...]:
    """Sentences about the purchase days of `buys`."""
    if data.first_day is None:
        return ("There are no purchases up to this day: no scores are made.",)
    found = [_size(day, data, least), *_shape(session), *_silences(session, day)]
    return tuple(one for one in found if one)


def _size(day: date, data: Fingerprint, least: int) -> str:
    assert data.first_day is not None  # noqa: S101 - told by the caller
    if data.customers < least:
        return f"Only {data.customers:,} customers have bought; models need {least:,}. No scores are made."
    span = (day - data.first_day).days
    if span < LEAST_HISTORY:
        return f"The log covers {span} days; models need {LEAST_HISTORY}. No scores are made."
    return ""


def _shape(session: duckdb.DuckDBPyConnection) -> list[str]:
    row: Any = session.execute(
        """SELECT count(*) FILTER (value <= 0), count(*), count(*) FILTER (gap IS NULL), max(value), min(value),
          count(gap) FROM buys"""
    ).fetchone()
    free, days, customers, most, least, again = row
    found = []
    if free:
        found.append(
            f"{free:,} of {days:,} purchase days have no amount; they count as purchases worth nothing."
        )
    if not again and customers > 1:
        found.append("Nobody has bought on a second day: purchase models say nothing, averages are used.")
    if days > 1 and most == least:
        found.append("Every purchase day has the same amount, so value differs by frequency alone.")
    return found


def _silences(session: duckdb.DuckDBPyConnection, day: date) -> list[str]:
    """Gaps of a week and more in a log that has sales on nearly all days: data are missing, or nothing was sold."""
    rows = session.execute(
        f"""WITH sold AS (SELECT DISTINCT day FROM buys UNION SELECT DATE '{day.isoformat()}' + 1),
          gaps AS (SELECT day, day - lag(day) OVER (ORDER BY day) - 1 AS empty FROM sold)
        SELECT strftime(day - empty::INTEGER, '%Y-%m-%d'), strftime(day - 1, '%Y-%m-%d'), empty FROM gaps
        WHERE empty >= {LONG_SILENCE} AND (SELECT count(*) / (max(day) - min(day) + 1) FROM buys) >= {LEAST_A_DAY}
        ORDER BY empty DESC LIMIT 3"""
    ).fetchall()
    return [
        f"No sale from {first} to {last} ({empty} days): if data are missing there, silences are too long."
        for first, last, empty in rows
    ]
