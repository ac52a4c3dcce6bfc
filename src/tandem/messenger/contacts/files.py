"""Uploaded files of contacts: their settings, opened and cut into cells."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from django.db.models import F
from django.db.models.functions import Lower

from tandem.messenger.contacts.errors import BadImport
from tandem.messenger.contacts.models import Property
from tandem.messenger.contacts.rows import RowReader, read_header

ENCODINGS = {"UTF8": "utf-8-sig", "UTF-8": "utf-8-sig", "ISO-8859-1": "iso-8859-1"}
LONGEST_LINE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How a file is written. The wire's files know no quotes; lines end with LF, CR or both."""

    delimiter: str = "\t"
    encoding: str = "UTF8"
    identity_column: str = "originalId"
    quoted: bool = False


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
            yield (
                RowReader(account_id, read_header(first, shape.identity_column, properties), len(first)),
                lines,
            )
    except UnicodeDecodeError:
        raise BadImport(
            "The file is not in the encoding that was declared.", "Declare the right one."
        ) from None
    except csv.Error:
        raise BadImport("A quote in the file is never closed.", "Correct it and send it again.") from None


def _cells(file: TextIO, shape: Shape) -> Iterator[list[str]]:
    if shape.quoted:
        return csv.reader(_lines(file), delimiter=shape.delimiter)
    return (line.rstrip("\n").split(shape.delimiter) for line in _lines(file))


def _lines(file: TextIO) -> Iterator[str]:
    """Line by line; one that is too long to be one ends the reading, before it fills the memory."""
    while line := file.readline(LONGEST_LINE):
        if len(line) >= LONGEST_LINE:
            raise BadImport("A line of the file is longer than a million characters.", "Is it a text file?")
        yield line
