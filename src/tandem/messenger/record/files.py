"""The record as a CSV file, line by line; a cell is never a formula."""

import csv
import io
from collections.abc import Iterable, Iterator

from tandem.messenger.record.domain import RecordLine

HEAD = (
    "sending", "name", "channel", "campaign", "number", "customer", "template", "state", "reason", "detail", "tries",
    "due", "done", "opened", "clicked", "came back",
)  # fmt: skip


def lines(rows: Iterable[RecordLine]) -> Iterator[str]:
    """Lines of the file, times in UTC."""
    yield _line(HEAD)
    for row in rows:
        yield _line(_cells(row))


def _cells(row: RecordLine) -> tuple[object, ...]:
    moments = (row.due_at, row.done_at, row.opened_at, row.clicked_at)
    return (
        row.sending_id,
        row.sending,
        row.channel,
        row.campaign_id or row.campaign_key,
        row.seq,
        row.customer,
        row.template or row.template_id,
        row.state,
        row.reason,
        row.detail,
        row.tries,
        *(moment.isoformat(timespec="seconds") if moment else "" for moment in moments),
        "; ".join(f"{kind} {category}".strip() for kind, category in row.back),
    )


def _line(cells: Iterable[object]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerow([_safe(str(cell)) for cell in cells])
    return written.getvalue()


def _safe(text: str) -> str:
    """A spreadsheet computes what begins like this; an apostrophe keeps it a text."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
