"""Opens CSV, Parquet and whitespace logs as DuckDB relations, and profiles a sample of them.

A relation has `line` (number of the line or row), `broken` (why the line is none) and the file's columns.
"""

import codecs
import csv
import gzip
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import duckdb

from tandem.planner.customers.domain import Column
from tandem.planner.customers.errors import UnreadableFile
from tandem.planner.customers.storage import literal, name, pattern

HEAD = 256 * 1024
SAMPLE = 20_000
DATE_FORMATS = (
    "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z", "%Y%m%d",
    "%Y/%m/%d", "%Y/%m/%d %H:%M:%S", "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d/%m/%Y", "%m/%d/%Y",
    "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d-%m-%Y", "%m-%d-%Y",
)  # fmt: skip
_THOUSANDS = r"^-?\d{1,3}(,\d{3})+(\.\d+)?$"
_EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
_LIKE_A_DATE = r"^(\d{8}$|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4})"
_PHONE = r"^(\+|00)[\d\s()./-]{7,20}$"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file as DuckDB reads it; `relation` is text of SQL made here alone, names and paths quoted."""

    path: Path
    form: str
    names: tuple[str, ...]
    types: tuple[str, ...]
    relation: str
    first_line: int
    texts: bool

    def type_of(self, column: str) -> str:
        """DuckDB's type of the column."""
        return self.types[self.names.index(column)]


def open_source(session: duckdb.DuckDBPyConnection, path: Path) -> Source:
    """Describe the file. Raises UnreadableFile."""
    if not path.is_file():
        raise UnreadableFile(f"There is no file {path}.", "Check the path.")
    with path.open("rb") as file:
        start = file.read(4)
    if start == b"PAR1":
        return _parquet(session, path)
    head, encoding = _head(path)
    lines = [line for line in head.splitlines() if line.strip()]
    if len(lines) < 2:
        raise UnreadableFile(f"{path.name} has fewer than two lines.", "Give a file with one order per line.")
    delimiter = _delimiter(lines)
    return _csv(path, lines, delimiter, encoding) if delimiter else _words(path, lines, encoding)


def _parquet(session: duckdb.DuckDBPyConnection, path: Path) -> Source:
    try:
        found = session.execute(f"DESCRIBE SELECT * FROM read_parquet({pattern(path)})").fetchall()
    except duckdb.Error as error:
        raise UnreadableFile(
            f"{path.name} is a damaged Parquet file: {error}", "Write the file again."
        ) from error
    relation = (
        f"(SELECT file_row_number + 1 AS line, NULL::VARCHAR AS broken, * EXCLUDE (file_row_number) "
        f"FROM read_parquet({pattern(path)}, file_row_number = true))"
    )
    names, types = tuple(row[0] for row in found), tuple(row[1] for row in found)
    return Source(
        path=path, form="Parquet", names=names, types=types, relation=relation, first_line=1, texts=False
    )


def _head(path: Path) -> tuple[str, str]:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            raw = file.read(HEAD)
    except OSError as error:
        raise UnreadableFile(f"{path.name} cannot be read: {error}", "Check the file.") from error
    if b"\0" in raw:
        raise UnreadableFile(
            f"{path.name} is neither text nor Parquet.", "Give CSV, Parquet or a whitespace log."
        )
    try:
        text, encoding = codecs.getincrementaldecoder("utf-8-sig")().decode(raw), "utf-8"
    except UnicodeDecodeError:
        text, encoding = raw.decode("latin-1"), "latin-1"
    if len(raw) == HEAD:
        text = text[: text.rfind("\n") + 1]
    return text, encoding


def _delimiter(lines: list[str]) -> str:
    """The delimiter whose count per line is steadiest and above zero; empty for a whitespace log."""
    best, score = "", 0.0
    for mark in ",;\t|":
        widths = Counter(len(fields) for fields in csv.reader(lines[:500], delimiter=mark))
        width, often = widths.most_common(1)[0]
        steadiness = often / sum(widths.values())
        if width > 1 and steadiness > score + 0.05:
            best, score = mark, steadiness
    return best


def _header(fields: list[str]) -> bool:
    """Whether a first line is names: all filled, all different, none a number or date."""
    values = [field.strip() for field in fields]
    plain = [v for v in values if re.fullmatch(r"[-+]?[\d.,:/\- T]+", v) or not v]
    return not plain and len(set(values)) == len(values)


def _csv(path: Path, lines: list[str], delimiter: str, encoding: str) -> Source:
    first = next(csv.reader(lines[:1], delimiter=delimiter))
    header = _header(first)
    names = [field.strip() for field in first] if header else [f"column{i + 1}" for i in range(len(first))]
    columns = ", ".join(f"{literal(n)}: 'VARCHAR'" for n in names)
    skip = 1 if header else 0
    relation = (
        f"(SELECT row_number() OVER () + {skip} AS line, NULL::VARCHAR AS broken, * FROM read_csv({pattern(path)}, "
        f"auto_detect = false, columns = {{{columns}}}, delim = {literal(delimiter)}, quote = '\"', escape = '\"', "
        f"header = false, skip = {skip}, encoding = '{encoding}', store_rejects = true, rejects_limit = 0))"
    )
    return Source(
        path=path, form="CSV", names=tuple(names), types=("VARCHAR",) * len(names), relation=relation,
        first_line=skip + 1, texts=True,
    )  # fmt: skip


def _words(path: Path, lines: list[str], encoding: str) -> Source:
    first = lines[0].split()
    width = Counter(len(line.split()) for line in lines[1:500]).most_common(1)[0][0]
    if width < 2:
        raise UnreadableFile(
            f"{path.name} has no separator: neither comma, semicolon, tab, bar nor spaces.",
            "Give CSV, Parquet or a whitespace log.",
        )
    header = _header(first) and len(first) == width
    names = first if header else [f"column{i + 1}" for i in range(width)]
    fields = ", ".join(f"nullif(parts[{i + 1}], '') AS {name(n)}" for i, n in enumerate(names))
    skip = 1 if header else 0
    relation = (
        f"(SELECT line, CASE WHEN len(parts) <> {width} THEN 'line has ' || len(parts) || ' fields, not {width}' END "
        f"AS broken, {fields} FROM (SELECT row_number() OVER () + {skip} AS line, "
        f"regexp_split_to_array(trim(words, E' \\t\\r'), '\\s+') AS parts FROM read_csv({pattern(path)}, "
        f"auto_detect = false, columns = {{'words': 'VARCHAR'}}, delim = '\x1f', quote = '', escape = '', "
        f"header = false, skip = {skip}, encoding = '{encoding}', strict_mode = false, store_rejects = true, "
        "rejects_limit = 0) WHERE words IS NOT NULL AND trim(words, E' \\t\\r') <> ''))"
    )
    return Source(
        path=path, form="whitespace log", names=tuple(names), types=("VARCHAR",) * width, relation=relation,
        first_line=skip + 1, texts=True,
    )  # fmt: skip


def forget_rejects(session: duckdb.DuckDBPyConnection) -> None:
    """Drop what the CSV reader noted of an earlier read."""
    session.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")


def profile(session: duckdb.DuckDBPyConnection, source: Source) -> tuple[Column, ...]:
    """The columns with what a sample shows. Raises UnreadableFile."""
    chosen = ", ".join(f"{name(n)}::VARCHAR AS {name(n)}" for n in source.names)
    session.execute("SET preserve_insertion_order = true")  # the sample is the file's beginning, each time
    try:
        session.execute(
            f"CREATE OR REPLACE TEMP TABLE sample AS SELECT {chosen} FROM {source.relation} LIMIT {SAMPLE}"
        )
    except duckdb.Error as error:
        raise UnreadableFile(f"{source.path.name} cannot be read: {error}", "Check the file.") from error
    session.execute("SET preserve_insertion_order = false")
    forget_rejects(session)
    return tuple(_profile_column(session, n, t) for n, t in zip(source.names, source.types, strict=True))


def _profile_column(session: duckdb.DuckDBPyConnection, column: str, type_: str) -> Column:
    text = f"trim({name(column)})"
    row = session.execute(
        f"""WITH s AS (SELECT nullif({text}, '') AS v FROM sample)
        SELECT count(*), count(v), min(v), count(DISTINCT v), count(TRY_CAST(v AS DECIMAL(18,4))),
          count(*) FILTER (regexp_matches(v, '^-?\\d+[.,]\\d+$')), count(*) FILTER (regexp_matches(v, '{_EMAIL}')),
          count(*) FILTER (regexp_matches(v, '{_PHONE}')), count(*) FILTER (regexp_matches(v, '^\\d+$')),
          count(*) FILTER (lower(v) IN ('true','false','yes','no','0','1','t','f','y','n')),
          count(*) FILTER (regexp_matches(v, '^[^\\d]?-?[\\d.]*\\d,\\d{{1,2}}[^\\d]?$')),
          count(*) FILTER (regexp_matches(v, '{_THOUSANDS}') OR TRY_CAST(v AS DECIMAL(18,4)) IS NOT NULL
            OR TRY_CAST(regexp_replace(v, '[^0-9.+-]', '', 'g') AS DECIMAL(18,4)) IS NOT NULL
            AND regexp_matches(v, '^[^a-zA-Z]*$') AND NOT regexp_matches(v, '[/:]')),
          count(*) FILTER (regexp_matches(v, '{_LIKE_A_DATE}')) FROM s"""
    ).fetchone()
    assert row is not None  # noqa: S101 - an aggregate has one row
    (
        total,
        filled,
        example,
        distinct,
        plain,
        decimals,
        emails,
        phones,
        digits,
        flags,
        comma,
        symbols,
        like_dates,
    ) = row
    n = filled or 1
    style, numbers = max((("plain", plain), ("comma", comma), ("symbols", symbols)), key=lambda x: x[1])
    if plain >= 0.95 * numbers:
        style, numbers = "plain", plain
    dates, formats_hit = _dates(type_, _date_hits(session, text) if like_dates else [], filled)
    return Column(
        name=column, type=_type_words(type_), example=example or "", filled=filled / (total or 1), dates=dates / n,
        date_format=formats_hit, numbers=numbers / n, number_style=style, decimals=decimals / n, emails=emails / n,
        phones=phones / n, digits=digits / n, flags=flags / n, distinct=distinct, sampled=total,
    )  # fmt: skip


def _date_hits(session: duckdb.DuckDBPyConnection, text: str) -> list[int]:
    """How many values each of DATE_FORMATS reads; two dozen aggregates, so only asked of columns that may be dates."""
    formats = ", ".join(f"count(try_strptime({text}, {literal(f)}))" for f in DATE_FORMATS)
    row = session.execute(f"SELECT {formats} FROM sample").fetchone()
    return list(row or ())


def _dates(type_: str, hits: list[int], filled: int) -> tuple[int, str]:
    """How many are dates and by which format; two formats that fit alike are joined by a bar."""
    if type_.startswith(("DATE", "TIMESTAMP")):
        return filled, type_
    top = max(hits, default=0)
    if not top:
        return 0, ""
    fits = [f for f, hit in zip(DATE_FORMATS, hits, strict=True) if hit == top]
    day_first = [f for f in fits if f.startswith("%d")]
    return top, f"{day_first[0]}|{fits[-1]}" if len(fits) > 1 and day_first else fits[0]


def _type_words(type_: str) -> str:
    return {"VARCHAR": "text"}.get(type_, type_.lower())
