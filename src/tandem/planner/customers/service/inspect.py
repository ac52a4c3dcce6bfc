"""Looks into a file before anything is done with it."""

import tempfile
from pathlib import Path

from tandem.planner.customers import storage
from tandem.planner.customers.domain import AttributeEntry, FileView, What
from tandem.planner.customers.mapping import (
    OBJECTION,
    guess_attributes,
    is_identity,
    read_mapping,
    write_mapping,
)
from tandem.planner.customers.purposes import suggested
from tandem.planner.customers.reading import open_source, profile
from tandem.planner.customers.service.orders import choose_roles


def inspect_file(file: Path, *, what: What = "orders", mapping: str = "") -> FileView:
    """The file's columns and how it would be read. Raises UnreadableFile, AmbiguousFile, BadMapping."""
    with tempfile.TemporaryDirectory() as work, storage.duck(Path(work)) as session:
        source = open_source(session, file)
        columns = profile(session, source)
    if what == "orders":
        roles, why = choose_roles(columns, mapping)
    elif mapping:
        roles, why = read_mapping(mapping, columns, roles=None), ()
    else:
        guess = guess_attributes(columns)
        roles, why = guess.roles, guess.why
    named = roles.items() if what == "attributes" else ()
    entries = tuple(_entry(role, column) for role, column in named if _is_attribute(role))
    return FileView(
        form=source.form, columns=columns, mapping=write_mapping(roles), guessed=why, attributes=entries
    )


def _is_attribute(role: str) -> bool:
    return role not in ("customer", OBJECTION) and not is_identity(role)


def _entry(name: str, label: str) -> AttributeEntry:
    likely, why = suggested(f"{name} {label}")
    return AttributeEntry(
        name=name, label=label, kind="", purpose=str(likely), suggested=str(likely), why=why
    )
