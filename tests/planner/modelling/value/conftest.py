"""The public logs as histories."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pytest

from tandem.planner.modelling.value import Histories, make_histories, of_days, read_histories

CALIBRATED = date(1997, 9, 30).toordinal()
HOLD_OUT = 273


@dataclass(frozen=True, kw_only=True)
class Log:
    """Histories to 1997-09-30 and, in the same order, what each customer did in the 39 weeks after."""

    histories: Histories
    days: np.ndarray
    later: np.ndarray
    later_value: np.ndarray
    past_value: np.ndarray


def _cdnow(file: Path, skip: int) -> Log:
    rows = [line.split()[skip:] for line in file.read_text().splitlines()]
    rows = [row for row in rows if row and row[0].isdigit()]
    customer = np.array([int(row[0]) for row in rows])
    written = np.array([row[1] for row in rows])
    day = np.array([date(int(d[:4]), int(d[4:6]), int(d[6:])).toordinal() for d in np.unique(written)])
    day = day[np.unique(written, return_inverse=True)[1]]
    value = np.array([float(row[3]) for row in rows])
    who, histories = of_days(customer, day, value, CALIBRATED)
    place, after = np.searchsorted(who, customer), day > CALIBRATED
    purchases = np.unique(np.stack((place, day)), axis=1)
    later = np.bincount(purchases[0][purchases[1] > CALIBRATED], minlength=len(who))
    sums = [np.bincount(place[rows], value[rows], len(who)) for rows in (after, ~after)]
    return Log(
        histories=histories,
        days=purchases[1] - CALIBRATED,
        later=later,
        later_value=sums[0],
        past_value=sums[1],
    )


@pytest.fixture(scope="package")
def sample(real: Callable[[str], Path]) -> Log:
    return _cdnow(real("CDNOW_sample.txt"), 1)


@pytest.fixture(scope="package")
def master(real: Callable[[str], Path]) -> Log:
    return _cdnow(real("CDNOW_master.txt"), 0)


@pytest.fixture(scope="package")
def retail(real: Callable[[str], Path]) -> tuple[int, float, Histories]:
    """Clean lines of Online Retail: how many, their sum, and the histories at their end."""
    with duckdb.connect() as session:
        file = real("online_retail_uci.parquet")
        session.execute(
            f"""CREATE TABLE lines AS SELECT CustomerID::BIGINT AS customer, InvoiceDate::DATE AS day,
              Quantity * UnitPrice AS value FROM '{file}' WHERE CustomerID IS NOT NULL AND Quantity > 0
              AND UnitPrice > 0 AND InvoiceNo NOT LIKE 'C%'"""
        )
        session.execute(
            "CREATE TABLE daily AS SELECT customer, day, sum(value) AS value FROM lines GROUP BY ALL"
        )
        make_histories(session, date(2011, 12, 9))
        lines, value = session.execute("SELECT count(*), sum(value) FROM lines").fetchone()
        return lines, value, read_histories(session)[1]
