"""What can go wrong here, in words."""

from tandem.kit.problems import Conflict, NotFound, Refused


class DiscoveryNotFound(NotFound):
    """The search, the group found or the decision is not there, or another account's."""

    title = "Unknown discovery"


class SearchRefused(Refused):
    """What is to be searched for does not fit."""

    title = "The search does not fit"


class SearchRunning(Conflict):
    """An account searches one thing at a time."""

    title = "A search is running"


class TooFewToday(Conflict):
    """A group that holds fewer than 50 people today is not described."""

    title = "Too few people"
