"""Looks into a file before anything is done with it."""

import tempfile
from pathlib import Path

from tandem.planner.customers import storage
from tandem.planner.customers.domain import FileView, What
from tandem.planner.customers.mapping import guess_attributes, read_mapping, write_mapping
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
    return FileView(form=source.form, columns=columns, mapping=write_mapping(roles), guessed=why)
