"""What can go wrong with lists, contacts and imports."""

from tandem.kit.problems import Conflict, NotFound, Refused


class UnknownList(NotFound):
    """There is no such list in this account."""

    title = "No such list"


class UnknownContact(NotFound):
    """There is no such contact in this list."""

    title = "No such contact"


class UnknownBatch(NotFound):
    """There is no such import."""

    title = "No such import"


class BadContact(Refused):
    """Values of a contact, list or attribute break a rule."""

    title = "This cannot be saved"
    status = 400


class BadImport(Refused):
    """The settings of an import, or the file as a whole, cannot be used."""

    title = "The import cannot be run"
    status = 400


class ImportRunning(Conflict):
    """The list's previous import has not ended."""

    title = "An import is running"
    status = 429
    retry_after = 10


class FileTooLarge(Refused):
    """An uploaded file is larger than is taken."""

    title = "The file is too large"
    status = 413


class NameTaken(Conflict):
    """The name is in use."""

    title = "The name is taken"


class NotYours(Refused):
    """Only the person may take back what the person asked for."""

    title = "Only the person can change this"


class StillSuppressed(Refused):
    """The person's wish alone cannot start messages again."""

    title = "Messages cannot be started again here"
