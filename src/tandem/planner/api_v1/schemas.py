"""Words that several resources share: texts, ids, pages, the answers that are not 2xx."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar

from ninja import Path, Query
from pydantic import AfterValidator, AwareDatetime, StringConstraints

from tandem.planner.api_v1.app import ProblemOut

LARGEST = 2**63 - 1
Row = TypeVar("Row")


def _storable(text: str) -> str:
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("it holds a character that is no text")
    return text


def _in_utc(moment: datetime) -> datetime:
    if not 2000 <= moment.year <= 2100:
        raise ValueError("the year is not between 2000 and 2100")
    return moment.astimezone(UTC)


def _sensible(day: date) -> date:
    if not 2000 <= day.year <= 2100:
        raise ValueError("the year is not between 2000 and 2100")
    return day


Text = Annotated[str, StringConstraints(max_length=500), AfterValidator(_storable)]
LongText = Annotated[str, StringConstraints(max_length=20_000), AfterValidator(_storable)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_storable)]
Day = Annotated[date, AfterValidator(_sensible)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Id = Annotated[int, Path(ge=1, le=LARGEST, description="The id, as lists give it.")]
After = Annotated[
    int | None, Query(ge=0, le=LARGEST, description="`next` of the page before; left out, the first page.")
]
Limit = Annotated[int, Query(ge=1, le=500, description="How many rows at most.")]

#: what every call with a key may answer besides its 2xx
REFUSALS: dict[int, Any] = dict.fromkeys((400, 401, 403, 404, 409, 422, 429), ProblemOut)


def answers(*, status: int = 200, of: Any) -> dict[int, Any]:
    """The declared answers of an operation."""
    return {status: of, **REFUSALS}


def paged(rows: Sequence[Row], limit: int, key: Callable[[Row], int]) -> dict[str, Any]:
    """A page of at most `limit` rows from one more than that; `next` is the last shown row's key."""
    shown = list(rows[:limit])
    return {"items": shown, "next": key(shown[-1]) if len(rows) > limit else None}
