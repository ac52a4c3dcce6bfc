"""What can go wrong with webhooks, in words."""

from tandem.kit.problems import Conflict, NotFound, Refused


class BadSubscription(Refused):
    """The subscription cannot be kept as it was given."""

    title = "The webhook cannot be kept"


class UnknownSubscription(NotFound):
    """There is no such webhook in this account."""

    title = "No such webhook"


class UnknownGate(NotFound):
    """There is no such Send Gate in this account."""

    title = "No such Send Gate"


class NotReplayed(Conflict):
    """The event cannot be told again."""

    title = "Not told again"
