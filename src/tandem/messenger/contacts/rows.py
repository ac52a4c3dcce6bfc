"""Reads an import file row by row into what the database takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

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
        for number, cells, original_id in self._usable(lines):
            yield self._row(number, cells, original_id)

    def ids(self, lines: Iterator[list[str]]) -> Iterator[tuple[int, str, str]]:
        """Line number, originalId and the id's key of the same lines."""
        for number, _, original_id in self._usable(lines):
            yield number, original_id, customer_key(self.account_id, original_id)

    def _usable(self, lines: Iterator[list[str]]) -> Iterator[tuple[int, list[str], str]]:
        at = self.header.columns["original_id"]
        for number, cells in enumerate(lines, 2):
            if not any(cells):
                continue
            self.total += 1
            if len(cells) > self.width:
                self.say(number, f"has {len(cells)} cells, the header {self.width}; it was left out")
                continue
            original_id = clean(cells[at]) if at < len(cells) else ""
            if not original_id or original_id in RESERVED_IDS:
                self.say(number, "has no usable originalId; it was left out")
                continue
            yield number, cells, original_id

    def say(self, number: int, words: str) -> None:
        """Keep the first problems in words, count all."""
        self.faults += 1
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append(f"Line {number} {words}.")

    def _row(self, number: int, cells: list[str], original_id: str) -> tuple[object, ...]:
        def cell(at: int | None) -> str:
            return clean(cells[at]) if at is not None and at < len(cells) else ""

        columns = self.header.columns
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
