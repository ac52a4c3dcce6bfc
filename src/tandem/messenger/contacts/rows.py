"""Reads an import file row by row into what the database takes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

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
_PICKED = ("original_id", "email", "mobile", *PLAIN)
_NOTHING = ("",)


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
    left_out: int = 0
    #: called with line number, words and cells of every fault
    refuse: Callable[[int, str, list[str]], None] | None = None
    _line: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Which cell is which column: what the file lacks is the empty cell after the last."""
        columns = self.header.columns
        self._identity = columns["original_id"]
        self._picked = itemgetter(*(columns.get(name, self.width) for name in _PICKED))
        self._flags = itemgetter(*(self.header.flags.get(name, self.width) for name in FLAGS.values()))
        self._properties = tuple(self.header.properties.items())

    def rows(self, lines: Iterator[list[str]]) -> Iterator[str]:
        """A line of COPY's text in the order of TABLE per usable line."""
        for number, cells in self._usable(lines):
            yield self._row(number, cells)

    def ids(self, lines: Iterator[list[str]]) -> Iterator[tuple[int, str, str]]:
        """Line number, originalId and the id's key of the same lines."""
        for number, cells in self._usable(lines):
            original_id = cells[self._identity]
            yield number, original_id, customer_key(self.account_id, original_id)

    def _usable(self, lines: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
        """Line number and clean cells, one more than the header has."""
        for number, line in enumerate(lines, 2):
            if not any(line):
                continue
            self.total += 1
            self._line = line
            missing = self.width - len(line)
            if missing < 0:
                self.say(number, f"has {len(line)} cells, the header {self.width}; it was left out")
                self.left_out += 1
                continue
            cells = [*map(clean, line), *_NOTHING * (missing + 1)]
            original_id = cells[self._identity]
            if not original_id or original_id in RESERVED_IDS:
                self.say(number, "has no usable originalId; it was left out")
                self.left_out += 1
                continue
            yield number, cells

    def say(self, number: int, words: str) -> None:
        """Keep the first problems in words, count all."""
        self.faults += 1
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append(f"Line {number} {words}.")
        if self.refuse is not None:
            self.refuse(number, words, self._line)

    def _row(self, number: int, cells: list[str]) -> str:
        account = self.account_id
        original_id, given, written, *plain = self._picked(cells)
        address = email_address(given)
        if address is None:
            self.say(number, "has an e-mail address that cannot be used; the contact has none")
            address = ""
        mobile, valid = mobile_number(written, cells[self.header.columns.get("country", self.width)])
        if written and not mobile:
            self.say(number, "has a mobile number that cannot be used; the contact has none")
        properties = {key: value for key, at in self._properties if (value := cells[at])}
        row = (
            str(number), original_id, customer_key(account, original_id), address, email_key(account, address),
            mobile, mobile_key(account, mobile), str(valid), *plain, orjson.dumps(properties).decode(),
            *[str(is_true(flag)) for flag in self._flags(cells)],
        )  # fmt: skip
        return "\t".join(row).replace("\\", "\\\\") + "\n"
