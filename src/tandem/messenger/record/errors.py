"""What can go wrong with the record."""

from tandem.kit.problems import Refused


class BadRetention(Refused):
    """Rows cannot be kept for so long or so short."""

    title = "Not a time to keep rows for"
