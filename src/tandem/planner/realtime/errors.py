"""What can go wrong with real-time campaigns and events."""

from tandem.kit.problems import Conflict, NotFound, Refused


class RealTimeRefused(Refused):
    """The campaign breaks a rule."""

    title = "The real-time campaign cannot be saved"


class NoSuchRealTimeCampaign(NotFound):
    """No such real-time campaign in this account."""

    title = "No such real-time campaign"


class EventRefused(Refused):
    """The event cannot be taken."""

    title = "The event cannot be taken"


class EventDiffers(Conflict):
    """The id was used for another event."""

    title = "This event id was used before"
