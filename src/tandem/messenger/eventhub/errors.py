"""What can go wrong at the event hub, in words."""

from tandem.kit.problems import Conflict, NotFound, Refused


class BadEvent(Refused):
    """The event cannot be read; nothing was kept."""

    title = "The event cannot be read"
    status = 400


class BadMapping(Refused):
    """The mapping cannot be kept as it was given."""

    title = "The mapping cannot be kept"


class UnknownMapping(NotFound):
    """There is no such mapping in this account."""

    title = "No such mapping"


class UnknownEvent(NotFound):
    """There is no such event in this account."""

    title = "No such event"


class AlreadyDone(Conflict):
    """The event was worked off already."""

    title = "Done already"
