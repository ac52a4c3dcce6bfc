"""Conversion: the snapshots of past days say who was registered without a purchase, the orders who bought after it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from tandem.planner.customers.service import snapshot
from tandem.planner.customers.storage import pattern
from tandem.planner.modelling.learning import converting
from tandem.planner.modelling.learning.beside import KEPT, Beside, chunk
from tandem.planner.modelling.learning.calibration import Calibration
from tandem.planner.modelling.learning.converting import Waiting
from tandem.planner.modelling.learning.domain import ModelEvidence, Rung
from tandem.planner.modelling.learning.frames import CHUNK, among
from tandem.planner.modelling.learning.questions import SOON, Trained

Array = NDArray[np.float64]
Customers = NDArray[np.int64]
LEAST_PEOPLE = 200
MOST_BACK = 6
NEAR = 3
#: people that back-tests look at on a day
MOST_PEOPLE = 20_000
#: days that are told apart since somebody came, and every how many a snapshot is asked who was there
KNOWN_DAYS, EVERY = 90, 3
DAYS_KNOWN = "days_known"
WAITS = (
    f"Snapshots of two days at least {SOON} days ago with {LEAST_PEOPLE} people who had not bought are needed: "
    "only they know who was registered then. Scores are empty until then."
)


@dataclass(frozen=True, kw_only=True)
class Conversions:
    """Where to look. only: SQL of our own text over `customer`: whose data may be used."""

    session: duckdb.DuckDBPyConnection
    account_id: int
    day: date
    only: str
    beside: Beside
    seed: int

    def learn(self) -> tuple[ModelEvidence, Trained]:
        """What past days tell; nothing before there are two."""
        past = list(self._past())
        people = self._count(f"SELECT count(*) FROM scores WHERE {self._who}")
        if len(past) < 2:
            return converting.nobody(people, WAITS), Trained()
        return converting.convert(past, self.beside.categories, people, self.seed)

    def again(self, found: ModelEvidence) -> ModelEvidence:
        """What was learnt before, for those who wait today."""
        people = self._count(f"SELECT count(*) FROM scores WHERE {self._who}")
        stages = tuple(replace(one, customers=people) for one in found.stages)
        return replace(found, population=people, stages=stages)

    def score(self, found: ModelEvidence, trained: Trained) -> None:
        """Write the column `conversion` of the table `scores`."""
        stage = found.stages[0]
        if stage.rung is Rung.NONE:
            return
        level = Calibration(factor=stage.factor, curve=stage.curve)
        trained = replace(trained, means={0: stage.mean or 0.0})
        if stage.rung is Rung.BASE:
            chance = level.apply(converting.chances(Rung.BASE, trained, {}, 1))
            self.session.execute(
                f"UPDATE scores SET conversion = ? WHERE {self._who}", [float(np.clip(chance, 0, 1)[0])]
            )
            return
        self.session.execute("CREATE OR REPLACE TEMP TABLE converted (customer BIGINT, chance DOUBLE)")
        for customers, columns in self._now():
            raw = converting.chances(stage.rung, trained, columns, len(customers))
            part = {"customer": customers, "chance": np.clip(level.apply(raw), 0, 1)}  # noqa: F841 - read by name
            self.session.execute("INSERT INTO converted SELECT customer, chance FROM part")
        self.session.execute(
            "UPDATE scores SET conversion = c.chance FROM converted c WHERE c.customer = scores.customer"
        )
        self.session.execute("DROP TABLE converted")

    @property
    def _who(self) -> str:
        return f"customer NOT IN (SELECT customer FROM daily) AND ({self.only})"

    def _now(self) -> Iterator[tuple[Customers, dict[str, Array]]]:
        kept = self.beside.keep(self.session, self.day)
        came = self._came()
        waiting = self._customers(f"SELECT customer FROM scores WHERE {self._who} ORDER BY customer")
        for start in range(0, len(waiting), CHUNK):
            part = waiting[start : start + CHUNK]
            yield (
                part,
                {DAYS_KNOWN: _known(part, self.day, came)} | (chunk(self.session, part) if kept else {}),
            )
        self.session.execute(f"DROP TABLE IF EXISTS {KEPT}")

    def _past(self) -> Iterator[Waiting]:
        came, taken = self._came(), set()
        for n in range(1, MOST_BACK + 1):
            wanted = self.day - timedelta(days=n * SOON)
            ref = snapshot.snapshot_on(self.account_id, wanted)
            if ref is None or ref.id in taken or (wanted - ref.as_of).days > NEAR:
                continue
            taken.add(ref.id)
            file = ref.parquet / snapshot.CUSTOMERS_FILE
            if file.is_file():
                found = self._then(
                    f"FROM read_parquet({pattern(file)}) WHERE orders = 0 AND ({self.only})", ref.as_of
                )
                if found is not None:
                    customers, bought = found
                    columns = self.beside.at(self.session, ref.as_of, customers)
                    columns[DAYS_KNOWN] = _known(customers, ref.as_of, came)
                    yield Waiting(day=ref.as_of, bought=bought, columns=columns)

    def _then(self, people: str, day: date) -> tuple[Customers, Array] | None:
        """A sample of those who waited at the end of a day, and who of them bought."""
        count = self._count(f"SELECT count(*) {people}")
        if count < LEAST_PEOPLE:
            return None
        share = min(self.beside.share, MOST_PEOPLE / count)
        found = self.session.execute(
            f"""SELECT customer, customer IN (SELECT customer FROM daily WHERE day > DATE '{day}'
              AND day <= DATE '{day}' + {SOON}) AS bought {people} AND {among(share)} ORDER BY customer"""
        ).fetchnumpy()
        if not len(found["customer"]):
            return None
        return np.asarray(found["customer"], np.int64), np.asarray(found["bought"], np.float64)

    def _came(self) -> tuple[tuple[date, int], ...]:
        """Days and the highest customer number then, oldest first: numbers are given in the order of coming."""
        since, last = self.day - timedelta(days=MOST_BACK * SOON + KNOWN_DAYS), self.day + timedelta(days=1)
        found: list[tuple[date, int]] = []
        for ref in snapshot.snapshots(self.account_id, limit=MOST_BACK * SOON + KNOWN_DAYS):
            file = ref.parquet / snapshot.CUSTOMERS_FILE
            if since <= ref.as_of <= last - timedelta(days=EVERY) and file.is_file():
                found.append(
                    (ref.as_of, self._count(f"SELECT max(customer) FROM read_parquet({pattern(file)})"))
                )
                last = ref.as_of
        return tuple(reversed(found))

    def _customers(self, query: str) -> Customers:
        return np.asarray(self.session.execute(query).fetchnumpy()["customer"], np.int64)

    def _count(self, query: str) -> int:
        row: Any = self.session.execute(query).fetchone()
        return int(row[0] or 0)


def _known(customers: Customers, day: date, came: tuple[tuple[date, int], ...]) -> Array:
    """Days since each was first seen; at most KNOWN_DAYS, unknown where no snapshot is so old."""
    since = day - timedelta(days=KNOWN_DAYS)
    window = [one for one in came if since <= one[0] <= day]
    if not window:
        return np.full(len(customers), np.nan)
    highest = np.maximum.accumulate([number for _, number in window])
    ages = np.array([(day - on).days for on, _ in window] + [0], dtype=np.float64)
    ages[0] = KNOWN_DAYS if ages[0] > KNOWN_DAYS - 2 * EVERY else np.nan
    return ages[np.searchsorted(highest, customers, side="left")]
