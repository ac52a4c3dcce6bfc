"""What may be asked about a customer: attributes, the orders table, and the door every engine stands behind."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, Self

from sqlglot import exp

CUSTOMERS = "customers"
ORDERS = "orders"
HISTORY = "history"
CATEGORIES = "categories"
CUSTOMER = "customer"


class Kind(StrEnum):
    """What values an attribute has."""

    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    DATE = "date"
    FLAG = "flag"


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """One column of the snapshot's table `customers` that conditions may name.

    set: the heading it is shown under (Model, Orders, Profile, Consent); choices: the values of a text
    attribute with few of them, most frequent first; low, high: range of a number or sum of money.
    """

    name: str
    label: str
    kind: Kind
    set: str
    meaning: str = ""
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None

    def as_json(self) -> dict[str, Any]:
        """A plain object that `from_json` reads back."""
        return {**asdict(self), "kind": self.kind.value, "choices": list(self.choices)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The attribute that `as_json` wrote."""
        return cls(**{**stored, "kind": Kind(stored["kind"]), "choices": tuple(stored.get("choices", ()))})


#: queries for one value each, by the names of the values
Named = Mapping[str, exp.Select] | None


class Engine(Protocol):
    """Runs expression trees over one snapshot. Only expressions come in: never text of SQL."""

    @property
    def bits(self) -> bool:
        """Whether it keeps sets of customers as bits: `bitstring_agg`, `get_bit`."""

    @property
    def tables(self) -> frozenset[str]:
        """The names of the snapshot's tables."""

    def rows(self, query: exp.Expr, first: Named = None) -> list[tuple[Any, ...]]:
        """All rows of a query. Values of `first` are found before it, and named in it by `getvariable`."""

    def value(self, query: exp.Expr, first: Named = None) -> Any:
        """The one value of a query with one row and one column."""

    def write_csv(self, query: exp.Expr, target: Path, first: Named = None) -> int:
        """Write a query's rows to a CSV file without header; the number of rows."""
