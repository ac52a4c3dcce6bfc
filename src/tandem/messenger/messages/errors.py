"""What can go wrong with single messages, in words."""

from tandem.kit.problems import NotFound, Refused


class BadMessage(Refused):
    """The message cannot be sent as it was asked for."""

    title = "This message cannot be sent"
    status = 400


class KeyUsedOtherwise(Refused):
    """A key under which another message was asked for."""

    title = "This key was used for something else"
    status = 422


class NoMessage(NotFound):
    """No such message, or none that left."""

    title = "There is nothing to show"
