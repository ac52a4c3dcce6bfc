"""Uploaded files of contacts: their settings, opened and cut into cells."""

import codecs
import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

from django.db.models import F
from django.db.models.functions import Lower

from tandem.messenger.contacts.errors import BadImport
from tandem.messenger.contacts.mapping import header_of, plain_cell
from tandem.messenger.contacts.models import Property
from tandem.messenger.contacts.rows import RowReader, read_header

ENCODINGS = {"UTF8": "utf-8-sig", "UTF-8": "utf-8-sig", "ISO-8859-1": "iso-8859-1"}
LONGEST_LINE = 1 << 20
#: the likelier first, where a header has none or as many of each
DELIMITERS = (",", ";", "\t", "|")
MOST_CELL_BYTES = 200


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How a file is written. The wire's files know no quotes; lines end with LF, CR or both."""

    delimiter: str = "\t"
    encoding: str = "UTF8"
    identity_column: str = "originalId"
    quoted: bool = False
    mapping: tuple[str, ...] | None = None


def encoding_named(name: str) -> str:
    """The encoding in the spelling of the table. Raises BadImport."""
    if name.upper() not in ENCODINGS:
        raise BadImport(f"The encoding {name!r} is not known.", "Use UTF8 or ISO-8859-1.")
    return name.upper()


@contextmanager
def opened(account_id: int, path: Path, shape: Shape) -> Iterator[tuple[RowReader, Iterator[list[str]]]]:
    """A reader that knows the file's header, and the cells of the lines after it. Raises BadImport."""
    named = Property.objects.filter(account_id=account_id).values_list(Lower(F("name")), "pk")
    properties = {name: str(pk) for name, pk in named}
    try:
        with path.open(encoding=ENCODINGS[shape.encoding]) as file:
            lines = _cells(file, shape)
            first = next(lines, [])
            if shape.mapping is None:
                header = read_header(first, shape.identity_column, properties)
            else:
                header = header_of(shape.mapping, properties)
                lines = ([plain_cell(cell) for cell in line] for line in lines)
            yield RowReader(account_id, header, len(first)), lines
    except UnicodeDecodeError:
        raise BadImport(
            "The file is not in the encoding that was declared.", "Declare the right one."
        ) from None
    except csv.Error:
        raise BadImport("A quote in the file is never closed.", "Correct it and send it again.") from None


def first_lines(path: Path, shape: Shape, number: int) -> list[list[str]]:
    """The cells of the first lines, at least one line. Raises BadImport."""
    try:
        with path.open(encoding=ENCODINGS[shape.encoding]) as file:
            return list(islice(_cells(file, shape), number)) or [[]]
    except (UnicodeDecodeError, csv.Error):
        raise BadImport("The file is no text, or a quote in it is never closed.", "Correct it.") from None


def sniffed(path: Path) -> tuple[str, str]:
    """Encoding and delimiter of a file with a header line. Raises BadImport."""
    with path.open("rb") as file:
        begin = file.read(1 << 20)
    if not begin.strip():
        raise BadImport("The file is empty.", "Upload one with a header line.")
    if b"\0" in begin:
        raise BadImport("This is no text file.", "Upload a CSV or TSV file, in UTF-8 if you can.")
    try:
        codecs.getincrementaldecoder("utf-8-sig")().decode(begin)
        encoding = "UTF8"
    except UnicodeDecodeError:
        encoding = "ISO-8859-1"
    first = begin.decode(ENCODINGS[encoding], "replace").splitlines()[0]
    return encoding, max(DELIMITERS, key=first.count)


def _cells(file: TextIO, shape: Shape) -> Iterator[list[str]]:
    if shape.quoted:
        return csv.reader(_lines(file), delimiter=shape.delimiter)
    return (line.rstrip("\n").split(shape.delimiter) for line in _lines(file))


def _lines(file: TextIO) -> Iterator[str]:
    """Line by line; one that is too long to be one ends the reading, before it fills the memory."""
    while line := file.readline(LONGEST_LINE):
        if len(line) >= LONGEST_LINE:
            raise BadImport("A line of the file is longer than a million characters.", "Is it a text file?")
        if "\0" in line:
            raise BadImport("The file holds NUL characters.", "Is it a text file?")
        yield line
