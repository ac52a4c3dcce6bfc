"""An import from the command line: the columns as a person says them, a dry run, the number of REPLACE."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tandem.kit.clock import Clock
from tandem.kit.commands import words
from tandem.kit.problems import Refused
from tandem.messenger.contacts import service
from tandem.messenger.contacts.mapping import NEW


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the command was given."""

    file: Path
    kind: str
    delimiter: str | None
    columns: tuple[str, ...]
    inactive: int | None
    refused: Path | None
    guess: bool
    dry_run: bool


def run(account_id: int, list_id: int, wanted: Wanted, clock: Clock) -> dict[str, Any]:
    """Plan, check, and unless it is a dry run import. Raises Refused, BadImport."""
    import getpass

    if wanted.delimiter is not None and len(wanted.delimiter) != 1:
        raise Refused("The delimiter must be one character.", "Use , or ; or |.")
    with wanted.file.open("rb") as file:
        body = iter(lambda: file.read(1 << 20), b"")
        batch = service.plan_import(
            account_id, list_id, body, file_name=wanted.file.name, door="cli", actor=getpass.getuser(),
            delimiter=wanted.delimiter, guess=wanted.guess, clock=clock,
        )  # fmt: skip
    try:
        planned = service.planned_import(account_id, batch)
        mapping = _mapping(planned.columns, planned.mapping, wanted.columns)
        service.choose_columns(account_id, batch, mapping, kind=wanted.kind, at_once=True, clock=clock)
        planned = service.planned_import(account_id, batch)
        outcome = asdict(planned.outcome) if planned.outcome else None
        unknown = _unknown(planned.columns, mapping)
        if planned.state == "failed" or wanted.dry_run:
            status = "ERROR" if planned.state == "failed" else "CHECKED"
            return {
                "id": batch,
                "status": status,
                "outcome": outcome,
                "problems": planned.problems,
                "affected": 0,
            }
        if wanted.kind == "REPLACE" and outcome and wanted.inactive is None:
            raise Refused(
                f"{outcome['inactive']} contacts would become inactive.",
                f"Look with --dry-run, then say --inactive {outcome['inactive']}.",
            )
        service.confirm_import(account_id, batch, inactive=wanted.inactive, defer=False, clock=clock)
        done = service.run_batch(account_id, batch, clock=clock)
        _keep_refused(account_id, batch, wanted.refused)
        return {**asdict(done), "problems": [*unknown, *done.problems], "outcome": outcome}
    finally:
        service.discard_import(account_id, batch)


def tell(done: dict[str, Any]) -> None:
    """The same in words."""
    outcome = done["outcome"] or {}
    for name, number in outcome.items():
        if number:
            words.print(f"{name.replace('_', ' ')}: {number}", markup=False)
    if done["status"] == "CHECKED":
        words.print("Nothing was changed.")
    elif done["status"] == "FINISHED":
        words.print(f"FINISHED: {done['total']} rows. Changed {done['affected']} contacts.", markup=False)
    for problem in done["problems"]:
        words.print(problem, markup=False)


def _mapping(columns: Sequence[str], guessed: Sequence[str], said: Sequence[str]) -> list[str]:
    mapping = list(guessed)
    for pair in said:
        name, equals, target = pair.partition("=")
        if not equals or name not in columns:
            raise Refused(
                f"There is no column {name[:60]!r}, or the pair has no =.", "Write COLUMN=ATTRIBUTE."
            )
        mapping[list(columns).index(name)] = f"{NEW}{name}" if target == NEW else target
    return mapping


def _unknown(columns: Sequence[str], mapping: Sequence[str]) -> list[str]:
    pairs = zip(columns, mapping, strict=True)
    return [
        f"Nobody knows the column {name[:100]!r}; it was left out." for name, target in pairs if not target
    ]


def _keep_refused(account_id: int, batch: int, target: Path | None) -> None:
    found = service.error_file(account_id, batch)
    if target is not None and found is not None:
        target.write_bytes(found.read_bytes())
