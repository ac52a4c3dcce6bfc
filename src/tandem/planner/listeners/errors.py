"""What can go wrong with listeners."""

from tandem.kit.problems import NotFound, Refused


class ListenerRefused(Refused):
    """The registration breaks a rule."""

    title = "The listener cannot be registered"


class ListenerUnknown(NotFound):
    """No such listener or event."""

    title = "Listener not found"


class CannotReplay(Refused):
    """The event cannot be told again."""

    title = "The event cannot be told again"
