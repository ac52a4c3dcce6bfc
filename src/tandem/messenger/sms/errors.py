"""What can go wrong with SMS that came in, in words."""

from tandem.kit.problems import NotFound


class UnknownIncoming(NotFound):
    """No such message in this account."""

    title = "No such message"
