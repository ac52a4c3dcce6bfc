"""What rooms above erase when a person is forgotten; each says so when the half starts."""

from collections.abc import Callable

#: (account, surrogate, customer id) -> rows erased
Eraser = Callable[[int, int, str], int]
_ERASERS: dict[str, Eraser] = {}
_TABLES: list[str] = []


def also_erase(place: str, eraser: Eraser, *tables: str) -> None:
    """Call it, inside the transaction that erases a person; the report names the place, the tables are vacuumed."""
    _ERASERS[place] = eraser
    _TABLES.extend(table for table in tables if table not in _TABLES)


def erase_elsewhere(account_id: int, surrogate: int, customer_id: str) -> list[tuple[str, int]]:
    """Erase the person in every room above: (place, rows)."""
    return [(place, eraser(account_id, surrogate, customer_id)) for place, eraser in _ERASERS.items()]


def tables_elsewhere() -> tuple[str, ...]:
    """The tables of rooms above that held persons."""
    return tuple(_TABLES)
