"""What can go wrong here, in words."""

from tandem.kit.problems import NotFound, Refused


class UnknownCustomer(NotFound):
    """No customer of this account has that id."""

    title = "Unknown customer"


class NoSnapshot(NotFound):
    """The account has no snapshot yet."""

    title = "No snapshot yet"


class UnreadableFile(Refused):
    """The file cannot be opened or is no CSV, Parquet or whitespace log."""

    title = "The file cannot be read"


class AmbiguousFile(Refused):
    """The columns cannot be told apart without help."""

    title = "The columns are not clear"


class BadMapping(Refused):
    """The mapping names a column or a role that is not there."""

    title = "The mapping does not fit"


class NothingUsable(Refused):
    """Every row was rejected."""

    title = "No usable row"


class BadPurpose(Refused):
    """An attribute cannot have that purpose, or there is no such attribute."""

    title = "The purpose is refused"


class BadObjection(Refused):
    """What was said of an objection to profiling cannot be written down."""

    title = "The objection cannot be written down"
