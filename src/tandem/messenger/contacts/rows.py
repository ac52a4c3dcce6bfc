"""Reads an import file row by row into what the database takes."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TextIO

import orjson

from tandem.messenger.contacts.domain import (
    FLAGS,
    HEADERS,
    RESERVED_IDS,
    STATIC,
    clean,
    email_address,
    is_true,
    mobile_number,
)
from tandem.messenger.contacts.errors import BadImport
from tandem.messenger.contacts.keys import customer_key, email_key, mobile_key

PROBLEMS_KEPT = 100
PLAIN = tuple(column for column in STATIC.values() if column not in ("original_id", "email", "mobile"))
#: columns of the temporary table, in order
TABLE = (
    "seq", "original_id", "customer_key", "email", "email_key", "mobile", "mobile_key", "mobile_valid", *PLAIN,
    "properties", "unsubscribed", "mobile_unsubscribed",
)  # fmt: skip


@dataclass
class Header:
    """Which column is what; what nobody knows is left out and said."""

    columns: dict[str, int] = field(default_factory=dict)
    flags: dict[str, int] = field(default_factory=dict)
    properties: dict[str, int] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


def read_header(cells: Sequence[str], identity: str, properties: dict[str, str]) -> Header:
    """Match header cells to attributes without case. properties: lower-case name -> id. Raises BadImport."""
    header = Header()
    for number, cell in enumerate(cells):
        name = cell.strip().lstrip("\ufeff").lower()
        if name == identity.lower():
            header.columns["original_id"] = number
        elif name in HEADERS:
            header.columns.setdefault(HEADERS[name], number)
        elif name in FLAGS:
            header.flags[FLAGS[name]] = number
        elif name in properties:
            header.properties[properties[name]] = number
        else:
            header.unknown.append(cell.strip()[:100])
    if "original_id" not in header.columns:
        raise BadImport(
            f"The first line names no column {identity!r}.",
            "The first line holds the column names; check the delimiter.",
        )
    return header


@dataclass
class RowReader:
    """Turns lines into table rows; what is wrong is counted and said by line number, never with its content."""

    account_id: int
    header: Header
    width: int
    total: int = 0
    problems: list[str] = field(default_factory=list)
    faults: int = 0

    def rows(self, lines: Iterator[list[str]]) -> Iterator[tuple[object, ...]]:
        """A tuple in the order of TABLE per usable line."""
        for number, cells in enumerate(lines, 2):
            if not any(cells):
                continue
            self.total += 1
            if len(cells) > self.width:
                self.say(number, f"has {len(cells)} cells, the header {self.width}; it was left out")
                continue
            row = self._row(number, cells)
            if row is not None:
                yield row

    def say(self, number: int, words: str) -> None:
        """Keep the first problems in words, count all."""
        self.faults += 1
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append(f"Line {number} {words}.")

    def _row(self, number: int, cells: list[str]) -> tuple[object, ...] | None:
        def cell(at: int | None) -> str:
            return clean(cells[at]) if at is not None and at < len(cells) else ""

        columns = self.header.columns
        original_id = cell(columns["original_id"])
        if not original_id or original_id in RESERVED_IDS:
            self.say(number, "has no usable originalId; it was left out")
            return None
        address = email_address(cell(columns.get("email")))
        if address is None:
            self.say(number, "has an e-mail address that cannot be used; the contact has none")
            address = ""
        mobile, valid = mobile_number(cell(columns.get("mobile")), cell(columns.get("country")))
        if not mobile and cell(columns.get("mobile")):
            self.say(number, "has a mobile number that cannot be used; the contact has none")
        properties = {key: value for key, at in self.header.properties.items() if (value := cell(at))}
        account = self.account_id
        return (
            number, original_id, customer_key(account, original_id), address, email_key(account, address),
            mobile, mobile_key(account, mobile), valid, *(cell(columns.get(column)) for column in PLAIN),
            orjson.dumps(properties).decode(),
            *(flag in self.header.flags and is_true(cell(self.header.flags[flag])) for flag in FLAGS.values()),
        )  # fmt: skip


def split_lines(file: TextIO, delimiter: str, *, quoted: bool) -> Iterator[list[str]]:
    """Cells of every line. The wire's files know no quotes."""
    if quoted:
        return csv.reader(file, delimiter=delimiter)
    split: Callable[[str], list[str]] = lambda line: line.rstrip("\n").split(delimiter)  # noqa: E731
    return map(split, file)
